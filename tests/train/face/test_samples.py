import numpy as np
import pytest
from drawn_faces import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.face.align import AlignmentSettings, align, to_crop, transform_points
from gaitproof.train.face import samples
from gaitproof.train.face.robust import Damage
from gaitproof.train.face.samples import PLACES, draw_labelled, draw_pair, shrink, window

SEEDS = st.integers(0, 2**63 - 1)
ALIGNMENT = AlignmentSettings(size=64, margin=0.1)


@pytest.fixture
def undamaged(monkeypatch):
    monkeypatch.setattr(Damage, "draw", classmethod(lambda cls, rng: cls()))


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_seed_decides_both_crops(seed):
    image, landmarks = draw_face(1)
    pairs = [draw_pair(image, landmarks, landmarks[:5], ALIGNMENT, seed) for _ in range(2)]
    for first, second in zip(*pairs, strict=True):
        assert first.image.shape == (64, 64, 3)
        assert first.blend.shape == (PLACES, PLACES)
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.blend, second.blend)


def test_twins_differ_where_the_blend_is_and_nowhere_else(undamaged):
    image, landmarks = draw_face(2)
    alignment = AlignmentSettings(size=5 * PLACES, margin=0.1)
    inside = []
    for seed in range(30):
        forged, genuine = draw_pair(image, landmarks, landmarks[:5], alignment, seed)
        assert genuine.blend.max() == 0
        changed = np.abs(forged.image.astype(int) - genuine.image).max(axis=2)
        outside = np.kron(forged.blend == 0, np.ones((5, 5))) > 0
        assert changed[outside].max(initial=0) <= 1
        inside.append(changed.max())
    assert np.median(inside) > 20


def test_without_damage_and_movement_the_genuine_crop_is_the_aligned_face(undamaged, monkeypatch):
    for name in ("_ZOOM", "_SHIFT", "_JITTER"):
        monkeypatch.setattr(samples, name, 0.0)
    image, landmarks = draw_face(3)
    alignment = AlignmentSettings(size=128, margin=0.1)
    crop = draw_labelled(image, landmarks[:5], alignment, 5, forged=False, turn=0).image
    expected = align(image, landmarks[:5], alignment)
    flipped = expected[:, ::-1]
    off = min(np.abs(crop.astype(int) - e).mean() for e in (expected, flipped))
    assert off < 1


def test_crops_are_turned_as_far_as_the_recipe_says(undamaged, monkeypatch):
    for name in ("_ZOOM", "_SHIFT", "_JITTER"):
        monkeypatch.setattr(samples, name, 0.0)
    image, landmarks = draw_face(3)
    alignment = AlignmentSettings(size=128, margin=0.1)
    upright = align(image, landmarks[:5], alignment).astype(int)

    def change(turn):
        crops = [
            draw_labelled(image, landmarks[:5], alignment, seed, forged=False, turn=turn).image
            for seed in range(20)
        ]
        return np.mean(
            [min(np.abs(c - upright).mean(), np.abs(c[:, ::-1] - upright).mean()) for c in crops]
        )

    assert change(0) < 1
    assert change(15) > 1.2 * change(5) > 1.2


def test_a_labelled_forgery_does_not_say_where():
    image, landmarks = draw_face(4)
    forged = draw_labelled(image, landmarks[:5], ALIGNMENT, 1, forged=True)
    genuine = draw_labelled(image, landmarks[:5], ALIGNMENT, 1, forged=False)
    assert np.isnan(forged.blend).any()
    assert genuine.blend.max() == 0
    np.testing.assert_array_equal(forged.image, genuine.image)


@given(st.integers(0, 50), st.floats(0.0, 0.6))
@settings(max_examples=30, deadline=None)
def test_the_window_holds_all_of_the_crop_that_the_picture_has(seed, margin):
    image, landmarks = draw_face(seed)
    alignment = AlignmentSettings(size=96, margin=margin)
    part, corner = window(image, landmarks[:5], alignment)
    np.testing.assert_array_equal(
        part, image[corner[1] :, corner[0] :][: part.shape[0], : part.shape[1]]
    )
    matrix = to_crop(landmarks[:5], alignment)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    at = transform_points(np.column_stack((columns.ravel(), rows.ravel())), matrix)
    inside = ((at >= 0) & (at <= 95)).all(axis=1).reshape(image.shape[:2])
    held = np.zeros_like(inside)
    held[corner[1] : corner[1] + part.shape[0], corner[0] : corner[0] + part.shape[1]] = True
    assert not (inside & ~held).any()


def test_crops_are_damaged_as_often_as_the_recipe_says():
    image, landmarks = draw_face(3)

    def draw(seed, damaged):
        crop = draw_labelled(
            image, landmarks[:5], ALIGNMENT, seed, forged=False, turn=0, damaged=damaged
        )
        return crop.image

    always, half, never = (
        [draw(seed, damaged) for seed in range(12)] for damaged in (1.0, 0.5, 0.0)
    )
    changed = sum(not np.array_equal(a, b) for a, b in zip(half, never, strict=True))
    assert 0 < changed < 12
    assert all(not np.array_equal(a, b) for a, b in zip(always, never, strict=True))


def test_what_is_much_larger_than_a_crop_is_made_smaller_first():
    image, landmarks = draw_face(3)
    points = landmarks[:5]
    same, matrix = shrink(image, points, AlignmentSettings(size=256, margin=0.1))
    assert same is image
    np.testing.assert_array_equal(matrix, np.eye(2, 3))
    alignment = AlignmentSettings(size=48, margin=0.1)
    small, matrix = shrink(image, points, alignment)
    assert small.shape[0] < 0.9 * image.shape[0]
    moved = transform_points(points, matrix)
    # what an alignment shows is the same
    crops = [align(one, at, alignment) for one, at in ((image, points), (small, moved))]
    assert np.abs(crops[0].astype(int) - crops[1]).mean() < 4


@pytest.mark.parametrize(
    "how", [{"filmed": 1.0}, {"structural": 1.0}, {"filmed": 1.0, "structural": 1.0}], ids=str
)
def test_filmed_and_structural_pairs_differ_by_the_forgery_alone(undamaged, how):
    image, landmarks = draw_face(2)
    plain = [draw_pair(image, landmarks, landmarks[:5], ALIGNMENT, seed) for seed in range(5)]
    made = [draw_pair(image, landmarks, landmarks[:5], ALIGNMENT, seed, **how) for seed in range(5)]
    for seed, ((forged, genuine), (other, _)) in enumerate(zip(made, plain, strict=True)):
        again = draw_pair(image, landmarks, landmarks[:5], ALIGNMENT, seed, **how)
        np.testing.assert_array_equal(again[0].image, forged.image)
        assert forged.blend.max() > 0
        assert genuine.blend.max() == 0
        assert (forged.image != genuine.image).any()
        assert (forged.image != other.image).any()

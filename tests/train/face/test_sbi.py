import cv2
import numpy as np
import pytest
from drawn_faces import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.train.face import sbi

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def face():
    return draw_face(0)


def dense(points):
    """Return an outline of twelve points about the five, as a mesh would give more than five."""
    middle = points.mean(axis=0)
    reach = 2 * np.ptp(points[:, 1])
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return middle + reach * np.column_stack((0.7 * np.cos(angles), np.sin(angles)))


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_mask_is_a_share_and_lies_about_the_face(seed):
    image, points = draw_face(0)
    mask = sbi.soften(
        sbi.face_mask(image.shape, points, np.random.default_rng(seed)), np.random.default_rng(seed)
    )
    assert mask.shape == image.shape[:2]
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert mask.max() == pytest.approx(1)
    rows, columns = np.nonzero(mask > 0.5)
    reach = 3 * np.ptp(points, axis=0).max()
    assert np.abs(columns - points[:, 0].mean()).max() < reach
    assert np.abs(rows - points[:, 1].mean()).max() < reach


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_mask_of_a_mesh_stays_near_its_hull(seed):
    image, points = draw_face(0)
    mesh = dense(points)
    mask = sbi.face_mask(image.shape, mesh, np.random.default_rng(seed))
    hull = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(mesh.round().astype(np.int32)), 1)
    width = round(0.5 * np.ptp(mesh[:, 0]))
    near = cv2.dilate(hull, np.ones((width, width), np.uint8)) > 0
    assert mask.max() > 0.9
    assert mask[~near].max(initial=0) == 0


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_a_forgery_is_the_target_where_nothing_shows_through(seed):
    image, points = draw_face(0)
    rng = np.random.default_rng(seed)
    mask = sbi.soften(sbi.face_mask(image.shape, points, rng), rng)
    other = sbi.change_statistics(image, rng)
    mixed = sbi.blend(other, image, mask)
    assert np.array_equal(mixed[mask == 0], image[mask == 0])
    low = np.minimum(image, other).astype(int) - 1
    high = np.maximum(image, other).astype(int) + 1
    assert np.all((mixed >= low) & (mixed <= high))


def test_a_full_mask_shows_the_source_alone(face):
    image, _ = face
    full = np.ones(image.shape[:2], np.float32)
    assert np.array_equal(sbi.blend(image, 255 - image, full), image)


@pytest.mark.parametrize("outline", [lambda points: points, dense], ids=["five points", "mesh"])
def test_the_seed_decides_the_forgery(face, outline):
    image, points = face
    before = image.copy()
    first, second, other = (
        sbi.self_blend(image, outline(points), np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first.mask, second.mask)
    assert not np.array_equal(first[0], other[0])
    assert np.array_equal(image, before)


def test_every_forgery_differs_within_its_mask(face):
    image, points = face
    for seed in range(20):
        forged, genuine, mask = sbi.self_blend(image, points, np.random.default_rng(seed))
        assert forged.shape == genuine.shape == image.shape
        assert forged.dtype == genuine.dtype == np.uint8
        changed = np.abs(forged.astype(int) - genuine).max(axis=2)
        assert changed[mask > 0.1].max() > 2
        # a tint of the whole image would be the label
        assert changed[mask == 0].max(initial=0) == 0


@pytest.mark.slow
def test_the_ratios_of_the_paper_are_drawn(face):
    image, points = face
    highest = [
        float(sbi.self_blend(image, points, np.random.default_rng(seed)).mask.max())
        for seed in range(60)
    ]
    drawn = {min(sbi.BLENDING_RATIOS, key=lambda ratio: abs(ratio - h)) for h in highest}
    assert drawn == set(sbi.BLENDING_RATIOS)


@pytest.mark.parametrize("seed", range(8))
def test_other_statistics_are_another_picture_of_the_same_size(face, seed):
    image, _ = face
    changed = sbi.change_statistics(image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, image)


def test_a_field_without_size_moves_nothing(face):
    image, points = face
    mask = sbi.face_mask(image.shape, points, np.random.default_rng(0))
    assert np.array_equal(sbi.bend(mask, 0.0, np.random.default_rng(1)), mask)

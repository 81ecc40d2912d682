import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_face_model import make_weights, write_model

from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.sightings import (
    SHOWN,
    FaceSightings,
    make_room,
    score_all,
    spread_evenly,
)
from gaitproof.face.types import FaceQuality

SIDE = 16
QUALITY = FaceQuality(80.0, 500.0, 0.0, 0.0, 0.0, 0.0, True)
TRACE = np.zeros((56, 56), np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    alignment = AlignmentSettings(size=SIDE)
    return FaceForgeryModel.load(write_model(folder, make_weights(SIDE), alignment=alignment))


def face_of(levels, most=10_000):
    """Return a face with one frame a second, of these grey levels."""
    face = FaceSightings(most)
    for time, level in enumerate(levels):
        crop = np.full((SIDE, SIDE, 3), level, np.uint8)
        face.add(time, float(time), (0.0, 0.0, 9.0, 9.0), QUALITY, TRACE, crop)
    return face


def held(*faces):
    return sum(one.crop is not None for face in faces for one in face.entries)


@given(st.integers(0, 300), st.integers(2, 50))
def test_evenly_spaced_places(total, count):
    places = spread_evenly(total, count)
    assert len(places) == min(total, count)
    assert sorted(set(places)) == places
    if total >= count:
        assert (places[0], places[-1]) == (0, total - 1)
        assert np.ptp(np.diff(places)) <= 1


@pytest.mark.parametrize("count", [5, 20, 21, 333])
def test_what_is_kept_stays_evenly_spaced_from_the_first(count):
    face = face_of([90] * count, most=20)
    times = [one.time for one in face.entries]
    assert times[0] == 0
    assert len(times) == count if count <= 20 else 10 <= len(times) <= 20
    assert set(np.diff(times)) == {face.stride}
    assert count - times[-1] <= face.stride


def test_scores_come_in_order_and_only_once(model):
    face = face_of(np.linspace(50, 200, 150))
    score_all(face.entries[:3], model)
    face.entries[0].score = 0.123
    score_all(face.entries, model)
    scores = [one.score for one in face.entries]
    assert scores[0] == 0.123
    assert scores[1:] == sorted(scores[1:])


def test_room_is_made_by_scoring_and_the_worst_stays(model):
    levels = [220] * 200
    levels[137] = 30
    face = face_of(levels)
    left = make_room([face], model, 1000)
    assert left == held(face) <= 2 * SHOWN + 1
    assert all(one.score is not None for one in face.entries)
    kept = [one.number for one in face.entries if one.crop is not None]
    assert 137 in kept
    assert set(np.diff([number for number in kept if number != 137])) == {16}


def test_later_rounds_fit_the_earlier_ones(model):
    face = face_of([220] * 100)
    make_room([face], model, 1000)
    for time in range(100, 400):
        crop = np.full((SIDE, SIDE, 3), 220, np.uint8)
        face.add(time, float(time), (0.0, 0.0, 9.0, 9.0), QUALITY, TRACE, crop)
    make_room([face], model, 1000)
    kept = [one.number for one in face.entries if one.crop is not None]
    assert set(np.diff(kept)) == {32}
    assert kept[-1] > 350


def test_with_too_many_faces_the_genuine_lose_their_pictures(model):
    faces = [face_of([level] * 8) for level in (220, 60, 180, 90, 200)]
    left = make_room(faces, model, 6)
    assert left == held(*faces)
    assert left <= 6 + 3
    assert held(faces[1]) > 0
    assert held(faces[0]) == 0


def test_chosen_pictures_have_crops_where_a_neighbour_has_one(model):
    face = face_of([220] * 190, most=200)
    make_room([face], model, 1000)
    chosen = face.spread(100)
    assert len(chosen) == 100
    assert len({one.number for one in chosen}) == 100
    assert sum(one.crop is not None for one in chosen) >= SHOWN
    gaps = np.diff([one.number for one in chosen])
    assert gaps.min() >= 1
    assert gaps.max() <= 4


def test_stretches_that_cannot_be_judged_are_joined():
    face = FaceSightings(10)
    for time in (1.0, 1.25, 1.5, 4.0):
        face.pass_over(time, "too dark")
    assert face.unusable == {"too dark": 4}
    assert face.unusable_spans == [(1.0, 1.5), (4.0, 4.0)]

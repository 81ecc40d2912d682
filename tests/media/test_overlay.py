from __future__ import annotations

import numpy as np
import pytest

from gaitproof.media.overlay import (
    LEFT_COLOUR,
    RIGHT_COLOUR,
    draw_pose,
    draw_silhouette,
    place_silhouette,
)
from gaitproof.types import N_LANDMARKS, Landmark


def standing(centre: float = 100.0) -> np.ndarray:
    """A front view: left limbs at larger x, everything between y 20 and 180."""
    points = np.full((N_LANDMARKS, 2), centre)
    heights = {
        "SHOULDER": 60,
        "ELBOW": 85,
        "WRIST": 105,
        "INDEX": 112,
        "HIP": 110,
        "KNEE": 145,
        "ANKLE": 175,
        "HEEL": 178,
        "FOOT_INDEX": 180,
    }
    for side, sign in (("LEFT", 1), ("RIGHT", -1)):
        for name, y in heights.items():
            points[Landmark[f"{side}_{name}"]] = (centre + sign * 30, y)
    points[:11, 1] = 20
    return points


def at(image: np.ndarray, place: np.ndarray) -> tuple[int, ...]:
    return tuple(int(v) for v in image[round(place[1]), round(place[0])])


@pytest.fixture
def picture() -> np.ndarray:
    return np.full((200, 200, 3), 128, np.uint8)


def test_sides_have_their_colours(picture: np.ndarray) -> None:
    points = standing()
    drawn = draw_pose(picture, points)
    middle = (points[Landmark.LEFT_HIP] + points[Landmark.LEFT_KNEE]) / 2
    assert at(drawn, middle) == LEFT_COLOUR
    assert at(drawn, points[Landmark.RIGHT_KNEE]) == RIGHT_COLOUR


def test_the_given_picture_is_left_alone(picture: np.ndarray) -> None:
    before = picture.copy()
    drawn = draw_pose(picture, standing())
    np.testing.assert_array_equal(picture, before)
    assert drawn.shape == picture.shape
    assert (drawn != picture).any()


def test_what_is_not_seen_is_not_drawn(picture: np.ndarray) -> None:
    seen = np.ones(N_LANDMARKS)
    seen[Landmark.LEFT_KNEE] = 0.0
    points = standing()
    points[Landmark.RIGHT_KNEE] = np.nan
    drawn = draw_pose(picture, points, seen)
    assert at(drawn, standing()[Landmark.LEFT_KNEE]) == (128, 128, 128)
    assert at(drawn, standing()[Landmark.RIGHT_KNEE]) == (128, 128, 128)


def test_what_is_seen_badly_is_fainter(picture: np.ndarray) -> None:
    seen = np.full(N_LANDMARKS, 0.3)
    place = standing()[Landmark.LEFT_KNEE]
    clear = np.abs(np.subtract(at(draw_pose(picture, standing()), place), 128)).sum()
    faint = np.abs(np.subtract(at(draw_pose(picture, standing(), seen), place), 128)).sum()
    assert 0 < faint < 0.7 * clear


@pytest.mark.parametrize("value", [np.nan, 1e30, -1e30, np.inf])
def test_wild_landmarks_draw_nothing(picture: np.ndarray, value: float) -> None:
    drawn = draw_pose(picture, np.full((N_LANDMARKS, 2), value))
    np.testing.assert_array_equal(drawn, picture)


def test_a_limb_that_leaves_the_picture_is_cut(picture: np.ndarray) -> None:
    points = standing()
    points[Landmark.LEFT_ANKLE] = (500, 400)
    assert (draw_pose(picture, points) != picture).any()


def test_turned_pictures_can_be_drawn_into(picture: np.ndarray) -> None:
    assert draw_pose(np.rot90(picture), standing()).shape == picture.shape


def test_wrong_shape_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="17"):
        draw_pose(picture, np.zeros((17, 2)))


def test_a_silhouette_is_put_back_where_it_was_cut() -> None:
    mask = np.zeros((64, 44), bool)
    mask[:, 10:34] = True
    placed = place_silhouette(mask, (20.0, 8.0), 128.0, (200, 200))
    expected = np.zeros((200, 200), bool)
    expected[8:136, 40:88] = True
    assert (placed != expected).sum() <= 128


def test_a_silhouette_beyond_the_edge_is_cut() -> None:
    placed = place_silhouette(np.ones((64, 44), bool), (-20.0, 150.0), 128.0, (200, 200))
    assert placed[152:, :66].all()
    assert not placed[:148].any()


def test_only_the_mask_is_tinted(picture: np.ndarray) -> None:
    mask = np.zeros((200, 200), bool)
    mask[50:100, 50:100] = True
    before = picture.copy()
    drawn = draw_silhouette(picture, mask)
    assert (picture == before).all()
    assert (drawn[60:90, 60:90] != picture[60:90, 60:90]).any(axis=2).all()
    assert (drawn[110:] == picture[110:]).all()

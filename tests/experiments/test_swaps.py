import cv2
import numpy as np
import pytest
from drawn_faces import draw_face

from experiments.faces.swaps import SWAPS, colour_swap, head_paste
from gaitproof.errors import InputError


@pytest.fixture(scope="module")
def pair():
    return draw_face(0), draw_face(1, size=300)


def face_of(points, shape, grow=1.0):
    mask = np.zeros(shape[:2], np.uint8)
    middle = points.mean(axis=0)
    hull = cv2.convexHull((middle + (points - middle) * grow).round().astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    return mask > 0


@pytest.mark.parametrize("name", SWAPS)
def test_only_the_face_changes(name, pair):
    (target, at), (source, points) = pair
    swapped = SWAPS[name](target, source, at, points)
    assert swapped.shape == target.shape
    assert swapped.dtype == np.uint8
    outside = ~face_of(at, target.shape, 1.5)
    assert np.array_equal(swapped[outside], target[outside])
    inside = face_of(at, target.shape, 0.7)
    assert np.abs(swapped[inside].astype(int) - target[inside]).mean() > 1


@pytest.mark.parametrize("name", SWAPS)
def test_a_face_put_on_itself_hardly_changes(name):
    target, at = draw_face(3)
    swapped = SWAPS[name](target, target, at, at)
    assert np.abs(swapped.astype(int) - target).mean() < 1


@pytest.mark.parametrize("name", ["head-paste", "colour"])
def test_the_sources_features_come_to_the_targets_places(name, pair):
    (target, at), (source, points) = pair
    marked = source.copy()
    nose = points[2].round().astype(int)
    cv2.circle(marked, nose.tolist(), 6, (0, 0, 255), -1)
    difference = np.abs(
        SWAPS[name](target, marked, at, points).astype(int)
        - SWAPS[name](target, source, at, points)
    ).sum(axis=2)
    rows, columns = np.nonzero(difference > 60)
    assert [columns.mean(), rows.mean()] == pytest.approx(at[2], abs=4)


def test_colours_of_a_colour_swap_are_the_targets(pair):
    (target, at), (source, points) = pair
    inside = face_of(at, target.shape, 0.6)
    wanted = target[inside].mean(axis=0)
    coloured, pasted = (
        swap(target, source, at, points)[inside].mean(axis=0) for swap in (colour_swap, head_paste)
    )
    assert np.abs(coloured - wanted).max() < 12
    assert np.abs(pasted - wanted).max() > np.abs(coloured - wanted).max()


@pytest.mark.parametrize("name", SWAPS)
def test_landmarks_that_do_not_fit_are_refused(name, pair):
    (target, at), (source, points) = pair
    for wrong in (points[:3], points * np.nan, points + 5000, points - 5000):
        with pytest.raises(InputError):
            SWAPS[name](target, source, at, wrong)


@pytest.mark.parametrize("name", SWAPS)
def test_faces_that_reach_over_the_edge_can_be_swapped(name, pair):
    (target, at), (source, points) = pair
    shift = np.array([target.shape[1] * 0.45, 0])
    swapped = SWAPS[name](target, source, at + shift, points)
    assert swapped.shape == target.shape

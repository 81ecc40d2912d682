import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.face.align import (
    AlignmentSettings,
    align,
    compute_similarity,
    from_crop,
    to_crop,
    transform_points,
)

SETTINGS = AlignmentSettings(size=64)


def moved(angle, scale, shift):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([(c, -s, shift[0]), (s, c, shift[1])])


@given(
    st.floats(-np.pi, np.pi),
    st.floats(0.05, 20),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_similarity_is_recovered(angle, scale, shift):
    points = SETTINGS.target()
    matrix = moved(angle, scale, shift)
    recovered = compute_similarity(points, transform_points(points, matrix))
    np.testing.assert_allclose(recovered, matrix, atol=1e-7)


def test_least_squares_as_opencv_without_outliers():
    rng = np.random.default_rng(3)
    source = rng.uniform(0, 100, (5, 2))
    target = transform_points(source, moved(0.4, 1.7, (20, -5))) + rng.normal(0, 0.5, (5, 2))
    # all points are inliers at this threshold, and the refinement is plain least squares
    reference, inliers = cv2.estimateAffinePartial2D(
        source, target, ransacReprojThreshold=1e3, refineIters=100
    )
    assert inliers.all()
    np.testing.assert_allclose(compute_similarity(source, target), reference, atol=1e-3)


@given(st.floats(-np.pi, np.pi), st.floats(0.2, 5))
def test_from_crop_undoes_to_crop(angle, scale):
    points = transform_points(SETTINGS.target(), moved(angle, scale, (40, 30)))
    there = transform_points(points, to_crop(points, SETTINGS))
    np.testing.assert_allclose(there, SETTINGS.target(), atol=1e-6)
    back = transform_points(there, from_crop(points, SETTINGS))
    np.testing.assert_allclose(back, points, atol=1e-6)


def test_never_a_reflection():
    points = SETTINGS.target()
    mirrored = points * (-1, 1)
    assert np.linalg.det(compute_similarity(points, mirrored)[:, :2]) > 0


def test_points_that_coincide_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        align(np.zeros((9, 9, 3), np.uint8), np.ones((5, 2)), SETTINGS)


@pytest.mark.parametrize("scale", [0.5, 1, 3, 8])
@pytest.mark.parametrize("angle", [0, 0.7, np.pi])
def test_marks_land_on_the_template(scale, angle):
    points = transform_points(SETTINGS.target() - 32, moved(angle, scale, (400, 400)))
    image = np.zeros((800, 800, 3), np.uint8)
    for x, y in points[:2]:
        cv2.circle(image, (round(x), round(y)), max(2, round(2 * scale)), (255, 255, 255), -1)
    crop = align(image, points, SETTINGS)
    assert crop.shape == (64, 64, 3)
    grey = crop[..., 0].astype(float)
    left = grey.copy()
    left[:, 32:] = 0
    ys, xs = np.mgrid[:64, :64]
    centre = (left * xs).sum() / left.sum(), (left * ys).sum() / left.sum()
    np.testing.assert_allclose(centre, SETTINGS.target()[0], atol=1.1 if scale < 1 else 0.6)


def test_shrinking_averages_instead_of_skipping():
    # stripes of one pixel become grey; skipping pixels would keep them black or white
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[:, ::2] = 255
    points = transform_points(SETTINGS.target() - 32, moved(0, 12, (500, 500)))
    crop = align(image, points, SETTINGS)
    assert 110 < crop.min() <= crop.max() < 145


def test_what_lies_outside_is_black():
    points = SETTINGS.target() + np.array((5000, 0))
    assert not align(np.full((100, 100, 3), 255, np.uint8), points, SETTINGS).any()

"""What generated motion is told by: every measure reacts to what it is named after."""

import numpy as np
import pytest
from sticks import walking_points

from gaitproof.gait.features import windows_from_points
from gaitproof.gait.plausibility import MEASURES, body_coordinates, measure_motion
from gaitproof.synth.generated import normalise_path
from gaitproof.types import GAIT_LANDMARKS

COLUMN = {name: i for i, name in enumerate(MEASURES)}


@pytest.fixture(scope="module")
def body():
    """One window of a stick walker, (1, 60, 8, 3)."""
    times, points = walking_points(1, 0)
    return body_coordinates(windows_from_points(times, points).features[:1])


def change(body, changed, name):
    before, after = (measure_motion(one)[0, COLUMN[name]] for one in (body, changed))
    return after - before


def test_every_measure_has_a_name_of_its_own_and_is_finite(body):
    assert len(set(MEASURES)) == len(MEASURES) == measure_motion(body).shape[1]
    assert np.isfinite(measure_motion(body)).all()
    assert measure_motion(np.zeros((0, 60, 8, 3))).shape == (0, len(MEASURES))


def test_a_body_that_stands_still_is_measured_without_dividing_by_nothing():
    assert np.isfinite(measure_motion(np.zeros((2, 60, 8, 3)))).all()


def stretched(body):
    longer = body.copy()
    longer[:, :, 6:8] += (
        0.2 * np.sin(np.arange(60))[:, None, None] * (body[:, :, 6:8] - body[:, :, 4:6])
    )
    return longer


def shaken(body):
    return body + 0.02 * np.random.default_rng(0).normal(size=body.shape)


@pytest.mark.parametrize(
    ("change_of", "name", "least"),
    [
        (stretched, "shank length varies", 1.0),
        (shaken, "ankles: jerk", 0.5),
        (shaken, "knees: power at 6.25 to 15.5 Hz", 0.5),
        (shaken, "movement outside 7 components", 0.5),
        (shaken, "strides differ", 0.1),
    ],
)
def test_a_measure_rises_with_what_it_is_named_after(body, change_of, name, least):
    assert change(body, change_of(body), name) > least


def test_turning_and_scaling_a_walker_changes_nothing():
    times, points = walking_points(2, 1)
    turned = 1.7 * points @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    motions = [
        measure_motion(body_coordinates(windows_from_points(times, p).features))
        for p in (points, turned)
    ]
    np.testing.assert_allclose(*motions, atol=1e-3)


def test_windows_and_paths_are_normalised_alike():
    times, points = walking_points(3, 0)
    windows = windows_from_points(times, points)
    path = normalise_path(points[:60, : len(GAIT_LANDMARKS) - 4])
    np.testing.assert_allclose(body_coordinates(windows.features[:1])[0], path, atol=0.02)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import walk

from gaitproof.gait.features import align_heading, compute_windows
from gaitproof.gait.view import (
    N_SPREADS,
    angles_between,
    describe_direction,
    describe_directions,
    log_spreads,
    typical_direction,
    walking_directions,
)
from gaitproof.types import GaitWindows


def turned(degrees):
    """Turn a walker whose left side is towards the camera about the vertical."""
    track = walk(1)
    angle = np.radians(90 - degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    return compute_windows(replace(track, world=np.float32(track.world @ turn)))


@pytest.mark.parametrize(
    ("degrees", "words"),
    [
        (0, "towards the camera"),
        (90, "to the left"),
        (180, "away from the camera"),
        (-90, "to the right"),
        (-45, "towards the camera and to the right"),
        (135, "away from the camera and to the left"),
    ],
)
def test_the_joints_tell_where_somebody_walks(degrees, words):
    directions = walking_directions(turned(degrees))
    assert angles_between(directions, np.array([degrees])).max() < 5
    assert {describe_direction(one) for one in directions} == {words}


def test_a_flat_source_does_not_tell():
    windows = compute_windows(walk(1))
    features = windows.features.copy()
    features[..., 2:36:3] = 0
    assert len(walking_directions(GaitWindows(features, windows.mask, windows.starts))) == 0
    assert describe_directions([]) == ""


@given(st.floats(-180, 180), st.floats(-180, 180))
def test_differences_are_those_on_a_circle(one, other):
    apart = angles_between(np.array([one, one + 360]), np.array([other]))
    assert apart.shape == (2, 1)
    assert 0 <= apart.min() <= apart.max() <= 180
    assert apart[0] == pytest.approx(apart[1], abs=1e-6)
    assert apart[:1] == pytest.approx(angles_between(np.array([other]), np.array([one])), abs=1e-9)


def test_somebody_who_walks_to_and_fro_has_a_direction_that_was_walked():
    assert typical_direction(np.array([90.0, -90.0, 88.0, -92.0, 91.0])) in (88.0, 90.0, 91.0)
    assert abs(typical_direction(np.array([170.0, 180.0, -170.0]))) == 180


def test_spreads_are_those_of_the_joints_that_every_sensor_has():
    windows = compute_windows(walk(1))
    spreads = log_spreads(windows)
    assert spreads.shape == (N_SPREADS,)
    expected = np.log(align_heading(windows.features).std(axis=1) + 1e-3).mean(axis=0)
    heels_and_feet = [*range(24, 36), *range(40, 42), *range(66, 78)]
    assert spreads == pytest.approx(np.delete(expected, heels_and_feet), abs=1e-5)


def test_feet_have_no_part():
    windows = compute_windows(walk(1))
    mask = windows.mask.copy()
    mask[:, [*range(24, 36), 40, 41, *range(66, 78)]] = False
    without = GaitWindows(windows.features, mask, windows.starts)
    assert np.array_equal(log_spreads(without), log_spreads(windows))


def test_somebody_who_stands_still_has_finite_spreads():
    still = GaitWindows(np.zeros((2, 60, 78)), np.ones((2, 78), bool), np.arange(2.0))
    assert log_spreads(still) == pytest.approx(np.log(1e-3))

from __future__ import annotations

import numpy as np
import pytest
from scripted import walk

from gaitproof.gait.features import align_heading, compute_windows
from gaitproof.gait.view import N_SPREADS, log_spreads
from gaitproof.types import GaitWindows


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

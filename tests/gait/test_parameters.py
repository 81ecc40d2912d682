import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking import HIPS, SHANK, THIGH, TORSO, foot_ahead, make_walk

from gaitproof.gait.events import GaitEvents, events_from_points
from gaitproof.gait.features import gait_points
from gaitproof.gait.parameters import (
    accelerations_of,
    double_support,
    measure_gait,
    step_time_asymmetry,
    step_width,
    stride_times,
)
from gaitproof.types import GAIT_LANDMARKS, Landmark

DATA = Path(__file__).parents[3] / "shared" / "data"


def events(left=(), right=(), left_offs=(), right_offs=(), runs=((0.0, 100.0),)):
    return GaitEvents(*(np.array(v, float) for v in (left, right, left_offs, right_offs)), runs)


@settings(max_examples=20, deadline=None)
@given(
    stride_rate=st.floats(0.6, 1.3), yaw=st.floats(-3, 3), rate=st.sampled_from([25.0, 30.0, 100.0])
)
def test_cadence_of_a_known_walk(stride_rate, yaw, rate):
    parameters = measure_gait(make_walk(8, rate, stride_rate=stride_rate, yaw=yaw))
    assert parameters.cadence == pytest.approx(120 * stride_rate, rel=0.02)
    assert parameters.stride_time == pytest.approx(1 / stride_rate, rel=0.02)
    assert parameters.stride_time_sd < 0.04
    assert parameters.step_time_asymmetry < 6
    assert parameters.strides >= 6


def test_lengths_and_angles_of_a_known_walk():
    walk = make_walk(8, 100, yaw=0.7)
    parameters = measure_gait(walk)
    assert parameters.step_width == pytest.approx(HIPS / TORSO, abs=1e-4)
    assert parameters.step_width_m == pytest.approx(HIPS, abs=1e-4)
    phases = np.linspace(0, 2 * np.pi, 4001)
    knee = 0.1 + 0.4 * (1 + np.sin(phases + 0.9)) / 2
    low, high = np.percentile(np.degrees(knee), [5, 95])
    assert parameters.knee_range == pytest.approx(high - low, abs=0.5)
    strike = phases[np.argmax(foot_ahead(phases, "heel")[0])]
    apart = foot_ahead(strike, "ankle")[0] - foot_ahead(strike + np.pi, "ankle")[0]
    assert parameters.step_length == pytest.approx(apart / TORSO, rel=0.03)


def test_accelerations_are_the_second_derivative():
    walk = make_walk(2, 200, yaw=0.4)
    accelerations = accelerations_of(walk.timestamps, gait_points(walk))
    w = 2 * np.pi * 0.9
    # knee: thigh times (sin a, -cos a), a = 0.4 sin wt
    a = 0.4 * np.sin(w * walk.timestamps)
    rate, bend = 0.4 * w * np.cos(w * walk.timestamps), -0.4 * w**2 * np.sin(w * walk.timestamps)
    expected = THIGH * (np.sin(a) * bend + np.cos(a) * rate**2) / TORSO
    knee = GAIT_LANDMARKS.index(Landmark.LEFT_KNEE)
    np.testing.assert_allclose(accelerations[3:-3, knee, 1], expected[3:-3], atol=0.05)
    assert accelerations.shape == (400, 12, 3)
    assert SHANK > 0


@settings(max_examples=20, deadline=None)
@given(yaw=st.floats(-3, 3), width=st.floats(-0.2, 0.5))
def test_step_width_in_any_direction(yaw, width):
    points = gait_points(make_walk(2, yaw=yaw))
    across = np.array([np.sin(yaw), 0, -np.cos(yaw)])
    ankle = GAIT_LANDMARKS.index(Landmark.LEFT_ANKLE)
    points[:, ankle] += across * (width - HIPS)
    np.testing.assert_allclose(step_width(points), width / TORSO, atol=1e-5)


class TestFromEvents:
    def test_strides_do_not_span_breaks_or_pauses(self):
        strides = stride_times(events([1, 2, 3, 7, 8], [1.5, 2.5], runs=((0, 2.6), (2.9, 10))))
        np.testing.assert_allclose(sorted(strides), [1, 1, 1])

    def test_asymmetry_is_robinsons_index(self):
        # right steps last 0.4 s, left ones 0.6 s: 200 * 0.2 / 1.0
        asymmetry = step_time_asymmetry(events([1, 2, 3], [1.4, 2.4, 3.4]))
        assert asymmetry == pytest.approx(40)

    def test_double_support_from_strike_to_toe_off(self):
        walk = events([1, 2], [1.5, 2.5], left_offs=[1.62, 2.62], right_offs=[1.12, 2.12])
        assert double_support(walk) == pytest.approx(0.24)

    def test_too_little_is_nan(self):
        alone = events([1.0], [])
        assert np.isnan(step_time_asymmetry(alone))
        assert np.isnan(double_support(alone))
        assert len(stride_times(alone)) == 0


@pytest.mark.parametrize(
    "walk", [make_walk(times=[]), make_walk(0.2), make_walk(3, stride_rate=0.0)]
)
def test_without_walking_everything_is_nan_or_still(walk):
    parameters = measure_gait(walk)
    assert np.isnan(parameters.cadence)
    assert parameters.strides == 0
    assert set(parameters.to_dict()) >= {"cadence", "step_width", "knee_range"}


def test_gaps_are_no_strides():
    walk = make_walk(8)
    points = np.array(walk.world)
    points[100:140] = np.nan
    parameters = measure_gait(replace(walk, world=points))
    assert parameters.cadence == pytest.approx(108, rel=0.02)


def test_two_dimensional_source_has_no_width():
    parameters = measure_gait(make_walk(5, world=False))
    assert parameters.step_width == 0
    assert np.isnan(parameters.step_width_m)
    assert parameters.cadence == pytest.approx(108, rel=0.02)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not (DATA / "kinectgait.npz").exists(), reason="real data is absent")
def test_cadence_of_real_walks_agrees_with_the_spectrum():
    with np.load(DATA / "kinectgait.npz") as data:
        names = [str(n) for n in data["joints"]]
        joints = json.loads(str(data["landmark12"]))
        offsets, xyz, scale = data["offsets"], data["xyz"], float(data["scale"])
    columns = [joints[landmark.name.lower()] for landmark in GAIT_LANDMARKS]
    ratios = []
    for k in range(0, 670, 45):
        walk = xyz[offsets[k] : offsets[k + 1]].astype(float) * scale
        points = np.full((len(walk), 12, 3), np.nan)
        for i, name in enumerate(columns):
            if name is not None:
                points[:, i] = walk[:, names.index(name)]
        times = np.arange(len(walk)) / 30
        strides = stride_times(events_from_points(times, points))
        # the distance of the ankles beats once a step, whichever way the walker faces
        ankles = [GAIT_LANDMARKS.index(Landmark[f"{s}_ANKLE".upper()]) for s in ("left", "right")]
        apart = np.linalg.norm(points[:, ankles[0]] - points[:, ankles[1]], axis=1)
        spectrum = np.abs(np.fft.rfft((apart - apart.mean()) * np.hanning(len(apart)), 2**13))
        frequencies = np.fft.rfftfreq(2**13, 1 / 30)
        band = (frequencies > 1.2) & (frequencies < 2.6)
        steps = frequencies[band][np.argmax(spectrum[band])]
        ratios.append(2 / np.median(strides) / steps)
    assert np.median(ratios) == pytest.approx(1, abs=0.03)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.08) >= 0.8

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking import foot_ahead, make_walk, without_feet

from gaitproof.gait.events import find_events, forward_path, walking_direction
from gaitproof.gait.features import gait_points
from gaitproof.types import Landmark


def true_event(part, sign, stride_rate, offset, seconds):
    """Times at which the formula's foot is farthest ahead (sign 1) or behind (-1)."""
    phases = np.linspace(0, 2 * np.pi, 20_001)[:-1]
    best = phases[np.argmax(sign * foot_ahead(phases, part)[0])]
    first = ((best - offset) / (2 * np.pi)) % 1 / stride_rate
    return np.arange(first, seconds, 1 / stride_rate)


def inner(times, seconds):
    """Leave out what lies at the ends, where a peak is not seen whole."""
    return times[(times > 0.4) & (times < seconds - 0.4)]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-np.pi, np.pi),
    stride_rate=st.floats(0.6, 1.3),
    rate=st.sampled_from([15.0, 25.0, 30.0, 120.0]),
)
def test_events_are_where_the_formula_has_them(yaw, stride_rate, rate):
    seconds = 6.0
    events = find_events(make_walk(seconds, rate, yaw=yaw, stride_rate=stride_rate))
    for name, part, sign, offset in (
        ("left_strikes", "heel", 1, 0),
        ("right_strikes", "heel", 1, np.pi),
        ("left_offs", "toe", -1, 0),
        ("right_offs", "toe", -1, np.pi),
    ):
        true = true_event(part, sign, stride_rate, offset, seconds)
        moments = getattr(events, name)
        assert (np.diff(moments) > 0).all()
        expected = inner(true, seconds)
        gaps = np.abs(expected[:, None] - moments[None]).min(axis=1)
        assert gaps.max() <= 0.5 / min(rate, 30) + 1e-6
        assert len(inner(moments, seconds)) <= len(expected) + 1


@pytest.mark.parametrize("yaw", [0.0, np.pi])
def test_two_dimensional_side_view_gives_the_same_events(yaw):
    solid = find_events(make_walk(5, yaw=yaw))
    flat = find_events(make_walk(5, yaw=yaw, world=False))
    for name in ("left_strikes", "right_strikes", "left_offs", "right_offs"):
        np.testing.assert_allclose(getattr(flat, name), getattr(solid, name), atol=0.05)


def test_without_heels_the_ankle_takes_their_place():
    events = find_events(make_walk(5, heels=False))
    true = inner(true_event("ankle", 1, 0.9, 0, 5), 5)
    assert np.abs(true[:, None] - events.left_strikes[None]).min(axis=1).max() < 0.04


@pytest.mark.parametrize("stride_rate", [0.0])
def test_standing_has_no_events(stride_rate):
    events = find_events(make_walk(5, stride_rate=stride_rate, noise=0.005))
    assert not len(events.left_strikes)
    assert not len(events.right_offs)


def test_nothing_to_search():
    events = find_events(make_walk(times=[]))
    assert events.runs == ()
    assert len(events.left_strikes) == 0


@settings(max_examples=25, deadline=None)
@given(yaw=st.floats(-np.pi, np.pi))
def test_walking_direction_is_the_heading(yaw):
    walk = make_walk(3, yaw=yaw)
    heading = walking_direction(walk.timestamps, gait_points(walk))
    expected = np.broadcast_to([np.cos(yaw), 0, np.sin(yaw)], heading.shape)
    np.testing.assert_allclose(heading, expected, atol=1e-6)


def test_forward_path_is_in_torso_lengths():
    walk = make_walk(3, yaw=1.0)
    path = forward_path(walk.timestamps, gait_points(walk), Landmark.LEFT_ANKLE)
    expected = foot_ahead(2 * np.pi * 0.9 * walk.timestamps, "ankle")[0] / 0.5
    np.testing.assert_allclose(path, expected, atol=1e-5)


@pytest.mark.parametrize("yaw", [0.0, np.pi])
@pytest.mark.parametrize("world", [True, False])
def test_strikes_are_found_without_feet(yaw, world):
    walk = make_walk(5, yaw=yaw, world=world)
    whole, cut = find_events(walk), find_events(without_feet(walk))
    assert len(cut.left_offs) == len(cut.right_offs) == 0
    # the ankle is farthest ahead a moment later than the heel
    np.testing.assert_allclose(cut.left_strikes, whole.left_strikes, atol=0.06)

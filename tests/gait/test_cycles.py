from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking import make_walk, without_feet

from gaitproof.errors import PoseError
from gaitproof.gait.cycles import ANGLES, GaitProfile, measure_profile, pool_profiles
from gaitproof.gait.events import find_events

SHAPE = (6, 101)
ROW = {name: i for i, name in enumerate(ANGLES)}


def profile(level=0.0, sd=1.0, left=3, right=3):
    return GaitProfile(np.full(SHAPE, level), np.full(SHAPE, sd), left, right)


@settings(max_examples=10, deadline=None)
@given(yaw=st.floats(-3, 3), stride_rate=st.floats(0.7, 1.2))
def test_angles_of_a_known_walk(yaw, stride_rate):
    walk = make_walk(8, 100, yaw=yaw, stride_rate=stride_rate)
    profile = measure_profile(walk)
    for side, offset in (("left", 0.0), ("right", np.pi)):
        strikes = getattr(find_events(walk), f"{side}_strikes")
        phase = 2 * np.pi * (stride_rate * strikes[0] + np.linspace(0, 1, 101)) + offset
        hip = np.degrees(0.4 * np.sin(phase))
        knee = np.degrees(0.1 + 0.4 * (1 + np.sin(phase + 0.9)) / 2)
        pitch = np.degrees(0.3 * np.sin(phase + 0.4))
        # the foot of the stick figure: heel and toe lie at the same height below the ankle
        truth = {"hip": hip, "knee": knee, "ankle": pitch - (hip - knee)}
        for joint, curve in truth.items():
            assert profile.mean[ROW[f"{side} {joint}"]] == pytest.approx(curve, abs=1.5), joint
    assert np.nanmax(profile.sd) < 1.5
    assert abs(profile.left_cycles - profile.right_cycles) <= 1


def test_a_walk_seen_from_the_side_in_two_dimensions():
    flat = measure_profile(make_walk(8, 50, world=False))
    full = measure_profile(make_walk(8, 50))
    assert flat.mean == pytest.approx(full.mean, abs=1.0)


def test_mirrored_walks_swap_sides():
    one, other = measure_profile(make_walk(8, 50)), measure_profile(make_walk(8, 50, yaw=np.pi))
    assert one.mean == pytest.approx(other.mean, abs=1.0)


def test_without_feet_there_is_no_ankle():
    profile = measure_profile(without_feet(make_walk(8)))
    assert np.isnan(profile.mean[ROW["left ankle"]]).all()
    assert np.isfinite(profile.mean[ROW["left knee"]]).all()
    pooled = pool_profiles([profile, measure_profile(make_walk(8))])
    assert np.isfinite(pooled.mean).all()


def test_too_short_a_walk_has_no_profile():
    assert measure_profile(make_walk(0.8)) is None
    assert pool_profiles([None, None]) is None


def test_no_cycle_spans_a_gap():
    walk = make_walk(8)
    world, image = np.array(walk.world), np.array(walk.image)
    world[100:130] = image[100:130] = np.nan
    gap = replace(walk, world=world, image=image)
    whole, broken = measure_profile(walk), measure_profile(gap)
    assert broken.cycles < whole.cycles
    assert broken.mean == pytest.approx(whole.mean, abs=2.0)


@pytest.mark.slow
@given(
    st.lists(
        st.lists(st.floats(-50, 50), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_pooling_is_measuring_all_cycles_together(recordings):
    def of(values):
        sd = np.std(values, ddof=1) if len(values) > 1 else np.nan
        return GaitProfile(
            np.full(SHAPE, np.mean(values)), np.full(SHAPE, sd), len(values), len(values)
        )

    together = of([v for values in recordings for v in values])
    pooled = pool_profiles(of(values) for values in recordings)
    assert pooled.counts.tolist() == together.counts.tolist()
    assert pooled.mean == pytest.approx(together.mean, abs=1e-3)
    assert pooled.sd == pytest.approx(together.sd, abs=1e-2, nan_ok=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": np.zeros((6, 100))},
        {"mean": np.full(SHAPE, np.inf)},
        {"mean": np.full(SHAPE, 1000.0)},
        {"sd": np.full(SHAPE, -1.0)},
        {"left_cycles": 0, "right_cycles": 0},
        {"left_cycles": -1},
    ],
)
def test_malformed_profiles_are_refused(changes):
    with pytest.raises(PoseError):
        replace(profile(), **changes)

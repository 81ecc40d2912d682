from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import ConfigError
from gaitproof.synth.legs import solve_leg
from gaitproof.synth.motion import Motion, simulate
from gaitproof.synth.skeleton import BALL_FRONT, HEEL_BACK, Bone
from gaitproof.synth.walker import Walker
from gaitproof.types import Landmark

SEEDS = st.integers(0, 2**31 - 1)


def knee_flexion(motion: Motion, side: str) -> np.ndarray:
    hip, knee, ankle = (
        motion.joints[:, Landmark[f"{side}_{name}"]] for name in ("HIP", "KNEE", "ANKLE")
    )
    u, v = hip - knee, ankle - knee
    cosine = np.sum(u * v, axis=1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    return 180 - np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def sole_points(walker: Walker, motion: Motion, side: int) -> tuple[np.ndarray, np.ndarray]:
    foot = Bone(Bone.LEFT_FOOT + side)
    ankle, length = walker.build.ankle, walker.build.foot
    heel, ball = ((0.0, -ankle, part * length) for part in (-HEEL_BACK, BALL_FRONT))
    return motion.bones.place(foot, heel), motion.bones.place(foot, ball)


def test_the_same_seed_gives_the_same_joints_to_the_bit() -> None:
    a, b = (simulate(Walker.random(3), seed=9, seconds=2) for _ in range(2))
    assert a.joints.tobytes() == b.joints.tobytes()
    assert not np.array_equal(a.joints, simulate(Walker.random(3), seed=10, seconds=2).joints)


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_feet_neither_sink_nor_slide(seed: int) -> None:
    walker = Walker.random(seed)
    motion = simulate(walker, seed=1, seconds=3)
    for side in (0, 1):
        heel, ball = sole_points(walker, motion, side)
        lowest = np.minimum(heel[:, 1], ball[:, 1])
        down = motion.contact[:, side]
        assert lowest.min() > -0.002
        # a leg too short for its foothold may lift the foot by millimetres
        assert np.percentile(lowest[down], 95) < 0.012
        part = (motion.phase - (0.5 + 0.03) * side) % 1
        flat = down & (part > 0.15) & (part < 0.28)
        pairs = flat[1:] & flat[:-1]
        speed = np.linalg.norm(np.diff(heel, axis=0), axis=1)[pairs] * 30
        assert np.median(speed) < 0.02
        assert lowest[~down].max() > 0.03


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_joints_stay_within_human_limits(seed: int) -> None:
    motion = simulate(Walker.random(seed), seed=2, seconds=3)
    for side in ("LEFT", "RIGHT"):
        knee = knee_flexion(motion, side)
        assert knee.min() > 0.5
        assert knee.max() < 95
        assert knee.max() > 40
    assert 85 < motion.cadence < 140
    assert 0.7 < motion.speed < 2.1
    # the walk ratio of healthy adults, metres per step per minute (Sekiya and Nagasaki 1998)
    # four deviations about the mean of 0.0065, since spreads are those of the normative bands
    assert 0.0022 < 60 * motion.speed / motion.cadence**2 < 0.0110
    rise = np.ptp(motion.joints[:, (23, 24), 1].mean(axis=1))
    assert 0.01 < rise < 0.09


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_segments_keep_their_lengths(seed: int) -> None:
    walker = Walker.random(seed)
    joints = simulate(walker, seed=3, seconds=2).joints
    build = walker.build
    for a, b, length in (
        ("HIP", "KNEE", build.thigh),
        ("KNEE", "ANKLE", build.shank),
        ("SHOULDER", "ELBOW", build.upper_arm),
        ("ELBOW", "WRIST", build.forearm),
    ):
        for side in ("LEFT", "RIGHT"):
            span = joints[:, Landmark[f"{side}_{a}"]] - joints[:, Landmark[f"{side}_{b}"]]
            np.testing.assert_allclose(np.linalg.norm(span, axis=1), length, atol=1e-6)


@pytest.mark.slow
def test_an_average_walk_looks_like_the_textbook() -> None:
    peaks, speeds, cadences = [], [], []
    for seed in range(20):
        motion = simulate(Walker.random(seed), seed=1, seconds=6)
        knee = knee_flexion(motion, "LEFT")
        swing = (motion.phase % 1 > 0.62) & (motion.phase % 1 < 0.85)
        peaks.append(knee[swing].max())
        speeds.append(motion.speed)
        cadences.append(motion.cadence)
    assert np.mean(peaks) == pytest.approx(61, abs=5)
    assert np.mean(speeds) == pytest.approx(1.33, abs=0.12)
    assert np.mean(cadences) == pytest.approx(112, abs=5)


def test_left_and_right_alternate_and_left_is_left() -> None:
    motion = simulate(Walker.random(1), seed=1, seconds=4)
    left, right = motion.joints[:, Landmark.LEFT_ANKLE], motion.joints[:, Landmark.RIGHT_ANKLE]
    ahead = left[:, 2] - right[:, 2]
    assert (np.diff(np.sign(ahead)) != 0).sum() >= 6
    assert (motion.joints[:, Landmark.LEFT_HIP, 0] > motion.joints[:, Landmark.RIGHT_HIP, 0]).all()
    # the left foot is ahead at its own heel strike
    assert (ahead[motion.phase % 1 < 0.05] > 0.2).all()
    # the opposite arm swings
    arm = motion.joints[:, Landmark.RIGHT_WRIST, 2] - motion.joints[:, Landmark.LEFT_WRIST, 2]
    assert np.corrcoef(ahead, arm)[0, 1] > 0.7


def test_a_treadmill_keeps_the_walker_in_place() -> None:
    walker = Walker.random(4)
    over, on = (simulate(walker, seed=5, seconds=5, treadmill=t) for t in (False, True))
    travelled = np.ptp(over.joints[:, 23, 2])
    assert travelled == pytest.approx(over.speed * 5, rel=0.08)
    assert np.ptp(on.joints[:, 23, 2]) < 0.35
    # the pose itself is the same
    np.testing.assert_allclose(
        on.joints - on.joints[:, 23:24], over.joints - over.joints[:, 23:24], atol=1e-9
    )


def test_the_frame_rate_samples_the_same_walk() -> None:
    walker = Walker.random(4)
    slow = simulate(walker, seed=5, seconds=2, frame_rate=15)
    fast = simulate(walker, seed=5, seconds=2, frame_rate=30)
    np.testing.assert_allclose(
        slow.joints - slow.joints[:, 23:24], (fast.joints - fast.joints[:, 23:24])[::2], atol=1e-9
    )


def test_leg_solution_reaches_the_ankle_and_bends_forwards() -> None:
    hip, ankle = np.array([[0.0, 0.8, 0.0]]), np.array([[0.05, 0.1, 0.1]])
    thigh, shank, knee, reached = solve_leg(hip, ankle, np.array([[0.0, 0.0, 1.0]]), (0.42, 0.41))
    np.testing.assert_allclose(reached, ankle, atol=1e-9)
    np.testing.assert_allclose(hip + thigh[:, :, 1] * -0.42, knee, atol=1e-9)
    np.testing.assert_allclose(knee + shank[:, :, 1] * -0.41, ankle, atol=1e-9)
    assert knee[0, 2] > 0.1
    for matrix in (thigh[0], shank[0]):
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(matrix) == pytest.approx(1)


@pytest.mark.parametrize(("seconds", "rate"), [(0, 30), (-1, 30), (float("nan"), 30), (1, 0.1)])
def test_impossible_lengths_are_refused(seconds: float, rate: float) -> None:
    with pytest.raises(ConfigError, match="length"):
        simulate(Walker.random(0), seed=0, seconds=seconds, frame_rate=rate)

"""Augmentation changes the camera, not the walker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gaitproof.data.gait import Recording
from gaitproof.gait.features import compute_features, mirror
from gaitproof.train.augment import augment, change_tempo, drop_joints, rotations, smooth_noise
from gaitproof.train.config import AugmentSettings
from gaitproof.train.sampler import WindowSampler
from gaitproof.types import GAIT_LANDMARKS, Landmark

STILL = AugmentSettings(
    yaw=0, tilt=0, depth=0, white_noise=0, bias_noise=0, smooth_noise=0, heel_dropout=0
)


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 60, 12, 3))


def test_mirror_is_an_involution(points: np.ndarray) -> None:
    assert not np.allclose(mirror(points), points)
    np.testing.assert_array_equal(mirror(mirror(points)), points)


def test_mirror_exchanges_left_and_right_angles(points: np.ndarray) -> None:
    times = np.arange(60) / 30
    plain = compute_features(times, points)[..., 36:42]
    mirrored = compute_features(times, mirror(points))[..., 36:42]
    np.testing.assert_allclose(mirrored, plain[..., [1, 0, 3, 2, 5, 4]], atol=1e-12)


def test_without_strength_only_origin_and_scale_change(points: np.ndarray) -> None:
    times = np.arange(60) / 30
    out = augment(points, STILL, np.random.default_rng(0))
    np.testing.assert_allclose(
        compute_features(times, out), compute_features(times, points), atol=1e-9
    )


def test_yaw_alone_keeps_heights_and_angles(points: np.ndarray) -> None:
    times = np.arange(60) / 30
    out = augment(points, STILL.model_copy(update={"yaw": 180.0}), np.random.default_rng(0))
    plain, turned = compute_features(times, points), compute_features(times, out)
    np.testing.assert_allclose(turned[..., 36:42], plain[..., 36:42], atol=1e-9)
    np.testing.assert_allclose(turned[..., 1:36:3], plain[..., 1:36:3], atol=1e-9)
    assert np.abs(turned[..., 0:36:3] - plain[..., 0:36:3]).max() > 0.1


def test_rotations_match_scipy() -> None:
    matrices = rotations(np.random.default_rng(3), 50, 180, 20)
    np.testing.assert_allclose(matrices, Rotation.from_matrix(matrices).as_matrix(), atol=1e-12)
    tilt = np.degrees(np.arccos(matrices[:, 1, 1]))
    assert tilt.max() <= np.hypot(20, 20) + 1e-9


def test_heel_dropout_hides_heels_only(points: np.ndarray) -> None:
    out = augment(points, STILL.model_copy(update={"heel_dropout": 1.0}), np.random.default_rng(0))
    missing = {GAIT_LANDMARKS[i] for i in np.flatnonzero(np.isnan(out).any(axis=(0, 1, 3)))}
    assert missing == {Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL}


def test_smooth_noise_has_the_given_size() -> None:
    noise = smooth_noise(np.random.default_rng(0), (400, 60, 12, 3), 0.02)
    assert noise.std() == pytest.approx(0.02, rel=0.1)
    # slow: neighbouring frames are nearly alike
    assert np.abs(np.diff(noise, axis=1)).std() < 0.02


def test_same_seed_same_windows(points: np.ndarray) -> None:
    settings = AugmentSettings()
    first, second = (augment(points, settings, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_flat_walks_stay_flat(points: np.ndarray) -> None:
    points[:2, ..., 2] = 0
    points[0, :, 5] = np.nan  # an unknown joint has no depth to speak of
    settings = AugmentSettings(yaw=0, tilt=0, depth=0, heel_dropout=0)
    shown = augment(points, settings, np.random.default_rng(0))
    assert not np.nan_to_num(shown[:2, ..., 2]).any()
    assert np.isnan(shown[0, :, 5]).all()
    assert (shown[2:, ..., 2] != 0).all()
    moved = augment(points, STILL, np.random.default_rng(0))
    assert (shown[1, ..., :2] != moved[1, ..., :2]).all()


def test_joints_are_hidden_whole_and_never_shoulders_or_hips() -> None:
    points = np.random.default_rng(0).normal(size=(400, 60, 12, 3))
    shown = drop_joints(points, 0.3, np.random.default_rng(1))
    hidden = np.isnan(shown)
    assert not hidden[:, :, :4].any()
    assert (hidden.all(axis=(1, 3)) == hidden.any(axis=(1, 3))).all()
    assert hidden.any(axis=(1, 3))[:, 4:].mean() == pytest.approx(0.3, abs=0.03)
    assert np.array_equal(shown[~hidden], points[~hidden])
    assert np.isfinite(points).all()


def test_dropout_is_part_of_the_augmentation() -> None:
    points = np.random.default_rng(0).normal(size=(50, 60, 12, 3))
    plain = {"heel_dropout": 0.0}
    never = augment(points, AugmentSettings(**plain), np.random.default_rng(0))
    often = augment(points, AugmentSettings(**plain, joint_dropout=0.5), np.random.default_rng(0))
    assert np.isfinite(never).all()
    assert 0.3 < np.isnan(often[:, 0, 4:, 0]).mean() < 0.7


@given(st.floats(0.5, 1.5), st.floats(0, 11), st.floats(-2, 2))
def test_a_straight_path_is_walked_at_the_new_tempo(
    factor: float, start: float, speed: float
) -> None:
    frames = np.arange(100.0)[:, None, None] * np.full((1, 12, 3), speed)
    cut = change_tempo(frames, np.array([start]), np.array([factor]))
    assert cut.shape == (1, 60, 12, 3)
    expected = speed * (start + factor * np.arange(60))
    np.testing.assert_allclose(cut[0, :, 5, 1], expected, atol=1e-7)


def test_tempo_one_changes_nothing() -> None:
    frames = np.random.default_rng(0).normal(size=(80, 12, 3))
    cut = change_tempo(frames, np.array([3.0, 20.0]), np.ones(2))
    np.testing.assert_array_equal(cut, np.stack([frames[3:63], frames[20:80]]))


def test_the_sampler_stays_within_a_walk(
    make_recordings: Callable[..., list[Recording]],
) -> None:
    recordings = make_recordings(2, 2)
    marked = []
    for i, recording in enumerate(recordings):
        points = np.zeros_like(recording.points) + 1000.0 * i
        points[:, :, 1] += np.linspace(0, 1, len(points))[:, None]
        marked.append(
            Recording(
                recording.subject, recording.recording, "walk", "any", "s", recording.times, points
            )
        )
    sampler = WindowSampler(marked, AugmentSettings(tempo=0.4, mirror=False))
    cut, lengths = sampler._cut(np.random.default_rng(0), np.arange(len(sampler._starts)))
    assert (lengths == 60).all()
    # a window that bridged two walks would hold values between two multiples of 1000
    assert np.isin(cut[..., 0], [0.0, 1000.0, 2000.0, 3000.0]).all()
    rise = cut[:, -1, 0, 1] - cut[:, 0, 0, 1]
    assert rise.max() / rise.min() > 1.5


@pytest.mark.parametrize(("mirror", "people"), [(True, 2), (False, 3)])
def test_a_mirrored_copy_never_gives_a_person_a_second_label(
    make_recordings: Callable[..., list[Recording]], mirror: bool, people: int
) -> None:
    walks = make_recordings(2, 1)
    copy = replace(walks[0], subject="s00~mirrored", recording="s00/0~flip1", parent="s00/0")
    sampler = WindowSampler([*walks, copy], AugmentSettings(mirror=mirror))
    assert len(sampler.people) == people
    assert sampler.n_labels == (4 if mirror else 3)

"""Augmentation changes the camera, not the walker."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gaitproof.gait.features import compute_features, mirror
from gaitproof.train.augment import augment, rotations, smooth_noise
from gaitproof.train.config import AugmentSettings
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

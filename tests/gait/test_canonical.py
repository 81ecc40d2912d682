"""Canonical bones: lengths as stated, directions and angles kept, nothing else left of the body."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gaitproof.gait.canonical import (
    CANONICAL_HEIGHT,
    CANONICAL_LENGTHS,
    FOOT,
    HEEL,
    PELVIS,
    SEGMENTS,
    SHANK,
    SHOULDERS,
    THIGH,
    TRUNK,
    canonical_bones,
    join_segments,
    split_segments,
)
from gaitproof.gait.features import compute_features
from gaitproof.types import GAIT_LANDMARKS, Landmark

seeds = st.integers(0, 2**32 - 1)


def _index(name: str) -> int:
    return GAIT_LANDMARKS.index(Landmark[name])


def _walk(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(*shape, 12, 3))


def _length(points: np.ndarray, a: str, b: str) -> np.ndarray:
    return np.linalg.norm(points[..., _index(a), :] - points[..., _index(b), :], axis=-1)


def _middle(points: np.ndarray, joint: str) -> np.ndarray:
    return points[..., [_index(f"LEFT_{joint}"), _index(f"RIGHT_{joint}")], :].mean(axis=-2)


@given(seeds)
def test_every_bone_has_its_stated_length(seed: int) -> None:
    made = canonical_bones(_walk(seed, 4, 3))
    expected = {("HIP", "KNEE"): THIGH, ("KNEE", "ANKLE"): SHANK}
    expected |= {("ANKLE", "HEEL"): HEEL, ("ANKLE", "FOOT_INDEX"): FOOT}
    for (a, b), part in expected.items():
        for side in ("LEFT", "RIGHT"):
            length = _length(made, f"{side}_{a}", f"{side}_{b}")
            np.testing.assert_allclose(length, part * CANONICAL_HEIGHT)
    trunk = np.linalg.norm(_middle(made, "SHOULDER") - _middle(made, "HIP"), axis=-1)
    np.testing.assert_allclose(trunk, TRUNK * CANONICAL_HEIGHT)
    for joint, part in (("HIP", PELVIS), ("SHOULDER", SHOULDERS)):
        np.testing.assert_allclose(
            _length(made, f"LEFT_{joint}", f"RIGHT_{joint}"), part * CANONICAL_HEIGHT
        )


@given(seeds)
def test_mid_hip_and_the_angles_of_knees_and_ankles_stay(seed: int) -> None:
    points = _walk(seed, 5)
    made = canonical_bones(points)
    np.testing.assert_allclose(_middle(made, "HIP"), _middle(points, "HIP"), atol=1e-12)
    before, after = (compute_features(np.arange(5) / 30, p)[:, 36:42] for p in (points, made))
    np.testing.assert_allclose(after[:, [0, 1, 4, 5]], before[:, [0, 1, 4, 5]], atol=1e-9)


@given(seeds)
def test_the_direction_of_the_trunk_and_of_both_axes_stays(seed: int) -> None:
    points = _walk(seed)
    made = canonical_bones(points)
    for of in (
        lambda p: _middle(p, "SHOULDER") - _middle(p, "HIP"),
        lambda p: p[_index("LEFT_HIP")] - p[_index("RIGHT_HIP")],
        lambda p: p[_index("LEFT_SHOULDER")] - p[_index("RIGHT_SHOULDER")],
    ):
        a, b = of(points), of(made)
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(1)


@given(seeds)
def test_segments_join_to_the_points_they_came_from(seed: int) -> None:
    points = _walk(seed, 3)
    middle_hip, vectors = split_segments(points)
    assert vectors.shape == (3, len(SEGMENTS), 3)
    np.testing.assert_allclose(join_segments(middle_hip, vectors), points, atol=1e-12)
    knee = _index("LEFT_KNEE")
    thigh = vectors[:, SEGMENTS.index("left thigh")]
    np.testing.assert_allclose(thigh, points[:, knee] - points[:, _index("LEFT_HIP")])


@given(seeds, st.lists(st.floats(0.3, 3), min_size=len(SEGMENTS), max_size=len(SEGMENTS)))
def test_another_body_with_the_same_directions_becomes_the_same(
    seed: int, factors: list[float]
) -> None:
    points = _walk(seed, 2)
    middle_hip, vectors = split_segments(points)
    other = join_segments(middle_hip, vectors * np.array(factors)[:, None])
    np.testing.assert_allclose(canonical_bones(other), canonical_bones(points), atol=1e-9)


@given(seeds, st.floats(0.01, 100))
def test_scale_about_mid_hip_is_forgotten(seed: int, scale: float) -> None:
    points = _walk(seed, 2)
    points -= _middle(points, "HIP")[:, None]
    np.testing.assert_allclose(canonical_bones(points * scale), canonical_bones(points), atol=1e-9)


@given(seeds)
def test_a_second_time_changes_nothing(seed: int) -> None:
    once = canonical_bones(_walk(seed, 3))
    np.testing.assert_allclose(canonical_bones(once), once, atol=1e-12)


@given(seeds)
def test_rotations_and_shifts_pass_through(seed: int) -> None:
    points = _walk(seed, 3)
    turn = Rotation.random(random_state=seed).as_matrix()
    shift = np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(
        canonical_bones(points @ turn.T + shift),
        canonical_bones(points) @ turn.T + shift,
        atol=1e-9,
    )


def test_lengths_are_in_the_order_of_the_segments() -> None:
    _, vectors = split_segments(canonical_bones(_walk(0)))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), CANONICAL_LENGTHS)


def test_unknown_heels_stay_unknown_and_spoil_nothing() -> None:
    points = _walk(0, 4)
    heels = [_index("LEFT_HEEL"), _index("RIGHT_HEEL")]
    whole = canonical_bones(points)
    points[:, heels] = np.nan
    made = canonical_bones(points)
    assert np.isnan(made[:, heels]).all()
    rest = [i for i in range(12) if i not in heels]
    np.testing.assert_array_equal(made[:, rest], whole[:, rest])


def test_below_an_unknown_knee_nothing_is_known() -> None:
    points = _walk(0, 1)
    points[:, _index("LEFT_KNEE")] = np.nan
    unknown = np.isnan(canonical_bones(points)).any(axis=(0, 2))
    lost = {GAIT_LANDMARKS[i].name for i in np.flatnonzero(unknown)}
    assert lost == {f"LEFT_{j}" for j in ("KNEE", "ANKLE", "HEEL", "FOOT_INDEX")}


def test_a_bone_without_length_has_no_direction() -> None:
    points = _walk(0, 1)
    points[:, _index("LEFT_FOOT_INDEX")] = points[:, _index("LEFT_ANKLE")]
    made = canonical_bones(points)
    assert np.isnan(made[:, _index("LEFT_FOOT_INDEX")]).all()
    assert np.isfinite(np.delete(made, _index("LEFT_FOOT_INDEX"), axis=1)).all()

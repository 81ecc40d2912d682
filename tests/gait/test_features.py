from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation
from walking import THIGH, TORSO, make_walk, without_feet

from gaitproof.gait.features import (
    align_heading,
    compute_angle,
    compute_features,
    compute_windows,
    gait_points,
    resample,
    valid_segments,
    windows_from_points,
)
from gaitproof.types import GAIT_LANDMARKS, Landmark

ROW = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
POSITIONS, ANGLES, VELOCITIES = slice(0, 36), slice(36, 42), slice(42, 78)


def features_of(walk):
    return compute_features(walk.timestamps, gait_points(walk))


walks = st.builds(
    make_walk,
    st.just(1.5),
    st.just(30.0),
    yaw=st.floats(-np.pi, np.pi),
    stride_rate=st.floats(0.6, 1.2),
    noise=st.sampled_from([0.0, 0.02]),
    seed=st.integers(0, 100),
)


class TestFeatures:
    @settings(max_examples=15, deadline=None)
    @given(walks, hnp.arrays(float, 3, elements=st.floats(-100, 100)), st.floats(0.01, 1000))
    def test_place_and_size_do_not_matter(self, walk, shift, scale):
        points = gait_points(walk)
        moved = compute_features(walk.timestamps, scale * points + shift)
        np.testing.assert_allclose(
            moved, compute_features(walk.timestamps, points), atol=1e-6, rtol=1e-6
        )

    @settings(max_examples=15, deadline=None)
    @given(walks, st.floats(-np.pi, np.pi))
    def test_turning_turns_vectors_and_keeps_angles(self, walk, yaw):
        turn = Rotation.from_euler("y", yaw).as_matrix()
        before = features_of(walk)
        after = compute_features(walk.timestamps, gait_points(walk) @ turn.T)
        np.testing.assert_allclose(after[:, ANGLES], before[:, ANGLES], atol=1e-9)
        for part in (POSITIONS, VELOCITIES):
            turned = before[:, part].reshape(-1, 12, 3) @ turn.T
            np.testing.assert_allclose(after[:, part].reshape(-1, 12, 3), turned, atol=1e-8)

    @settings(max_examples=15, deadline=None)
    @given(walks, st.floats(0.5, 2))
    def test_velocity_goes_with_the_tempo(self, walk, tempo):
        slow = compute_features(walk.timestamps / tempo, gait_points(walk))
        normal = features_of(walk)
        np.testing.assert_allclose(slow[:, :42], normal[:, :42], atol=1e-12)
        np.testing.assert_allclose(
            slow[:, VELOCITIES], tempo * normal[:, VELOCITIES], atol=1e-8, rtol=1e-9
        )

    def test_velocity_is_the_analytic_derivative(self):
        walk = make_walk(3, 120, stride_rate=0.9)
        w = 2 * np.pi * 0.9
        hip = 0.4 * np.sin(w * walk.timestamps)
        expected = THIGH * np.cos(hip) * 0.4 * w * np.cos(w * walk.timestamps) / TORSO
        column = 42 + 3 * ROW[Landmark.LEFT_KNEE]
        np.testing.assert_allclose(
            features_of(walk)[1:-1, column], expected[1:-1], atol=0.01 * np.abs(expected).max()
        )

    def test_origin_and_unit(self):
        positions = features_of(make_walk(1))[:, POSITIONS].reshape(-1, 12, 3)
        hips = positions[:, [ROW[Landmark.LEFT_HIP], ROW[Landmark.RIGHT_HIP]]].mean(axis=1)
        shoulders = positions[:, [ROW[Landmark.LEFT_SHOULDER], ROW[Landmark.RIGHT_SHOULDER]]]
        np.testing.assert_allclose(hips, 0, atol=1e-7)
        np.testing.assert_allclose(np.linalg.norm(shoulders.mean(axis=1), axis=1), 1, atol=1e-6)

    def test_angles_by_another_formula(self):
        walk = make_walk(2, noise=0.02, yaw=0.5)
        points = gait_points(walk)
        angles = features_of(walk)[:, ANGLES]
        triples = [
            (a, b, c)
            for a, b, c in (
                ("HIP", "KNEE", "ANKLE"),
                ("SHOULDER", "HIP", "KNEE"),
                ("KNEE", "ANKLE", "FOOT_INDEX"),
            )
        ]
        column = 0
        for triple in triples:
            for side in ("LEFT", "RIGHT"):
                a, b, c = (points[:, ROW[Landmark[f"{side}_{j}"]]] for j in triple)
                # law of cosines
                ab, bc, ac = (np.linalg.norm(u - v, axis=1) for u, v in ((a, b), (b, c), (a, c)))
                expected = np.arccos((ab**2 + bc**2 - ac**2) / (2 * ab * bc))
                np.testing.assert_allclose(angles[:, column], expected, atol=1e-6)
                column += 1

    def test_known_angles(self):
        o, x, y = np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 2.0, 0])
        for a, c, expected in ((x, y, np.pi / 2), (x, -x, np.pi), (x, 3 * x, 0), (o, x, 0)):
            assert compute_angle(a, o, c) == pytest.approx(expected)

    @pytest.mark.parametrize("world", [True, False])
    def test_feet_that_a_source_lacks_are_masked_not_invented(self, world):
        walk = without_feet(make_walk(3, world=world))
        windows = compute_windows(walk)
        assert len(windows) == 3
        shown = compute_windows(make_walk(3, world=world))
        lost = [
            3 * ROW[Landmark[f"{s}_{j}"]] + k
            for s in ("LEFT", "RIGHT")
            for j in ("HEEL", "FOOT_INDEX")
            for k in range(3)
        ]
        missing = sorted([*lost, 40, 41, *(42 + i for i in lost)])
        for mask, values, full in zip(windows.mask, windows.features, shown.features, strict=True):
            assert np.flatnonzero(~mask).tolist() == missing
            assert (values[:, missing] == 0).all()
            np.testing.assert_allclose(values[:, mask], full[:, mask], atol=1e-6)

    def test_feet_out_of_sight_are_no_missing_feet(self):
        assert len(compute_windows(replace(without_feet(make_walk(3)), feet=True))) == 0

    def test_missing_heels_are_masked_not_invented(self):
        windows = compute_windows(make_walk(3, heels=False))
        heels = [3 * ROW[Landmark[f"{s}_HEEL"]] + k for s in ("LEFT", "RIGHT") for k in range(3)]
        missing = sorted([*heels, *(42 + h for h in heels)])
        for mask, values in zip(windows.mask, windows.features, strict=True):
            assert np.flatnonzero(~mask).tolist() == missing
            assert (values[:, missing] == 0).all()


class TestWindows:
    @pytest.mark.parametrize("rate", [15.0, 24.0, 25.0, 30.0, 59.94, 120.0])
    def test_frame_rate_does_not_matter(self, rate):
        windows = compute_windows(make_walk(5, rate))
        same = compute_windows(make_walk(5, 30))
        n = min(len(windows), len(same))
        assert n >= 5
        np.testing.assert_allclose(windows.starts[:n], same.starts[:n], atol=1e-6)
        gap = np.abs(windows.features[:n, 1:-1, POSITIONS] - same.features[:n, 1:-1, POSITIONS])
        assert gap.max() < 0.06 if rate < 20 else gap.max() < 0.03

    @pytest.mark.parametrize(
        ("seconds", "windows"), [(0.2, 0), (1.9, 0), (2.0, 1), (2.4, 1), (2.5, 2), (6.0, 9)]
    )
    def test_number_of_windows(self, seconds, windows):
        assert len(compute_windows(make_walk(seconds))) == windows

    def test_time_is_not_stretched(self):
        slow = compute_windows(make_walk(3, stride_rate=0.6))
        fast = compute_windows(make_walk(3, stride_rate=1.2))
        assert not np.allclose(slow.features[0], fast.features[0], atol=0.2)

    def test_gaps_split(self):
        walk = make_walk(8)
        points = np.array(walk.world)
        points[100] = np.nan
        windows = compute_windows(replace(walk, world=points))
        assert all(s + 2 <= 100 / 30 + 1e-6 or s >= 101 / 30 - 1e-6 for s in windows.starts)
        assert len(windows) == 9

    def test_time_jumps_split(self):
        times = np.concatenate([np.arange(90) / 30, 4 + np.arange(90) / 30])
        windows = compute_windows(make_walk(times=times))
        assert len(windows) == 6
        assert all(s <= 1.0 + 1e-6 or s >= 4.0 for s in windows.starts)

    def test_low_frame_rate_is_no_time_jump(self):
        assert len(compute_windows(make_walk(4, 5.0))) > 0

    @settings(max_examples=15, deadline=None)
    @given(
        known=hnp.arrays(bool, st.integers(0, 80), elements=st.just(True) | st.booleans()),
    )
    def test_segments_hold_known_frames_only(self, known):
        points = np.zeros((len(known), 12, 3))
        points[~known] = np.nan
        runs = valid_segments(points)
        for run in runs:
            assert known[run].all()
            assert run.stop - run.start >= 10
            assert run.start == 0 or not known[run.start - 1]
            assert run.stop == len(known) or not known[run.stop]

    def test_resampling_agrees_with_numpy(self):
        rng = np.random.default_rng(0)
        times = np.cumsum(rng.uniform(0.01, 0.08, 50))
        values = rng.normal(size=(50, 3, 2))
        grid, path = resample(times, values)
        np.testing.assert_allclose(np.diff(grid), 1 / 30)
        np.testing.assert_allclose(path[:, 1, 0], np.interp(grid, times, values[:, 1, 0]))
        assert grid[0] == times[0]
        assert times[-1] - 1 / 30 < grid[-1] <= times[-1]

    def test_empty(self):
        assert len(windows_from_points(np.zeros(0), np.zeros((0, 12, 3)))) == 0


class TestTwoDimensions:
    def test_y_is_turned_up_and_depth_is_zero(self):
        walk = make_walk(2, world=False)
        points = gait_points(walk)
        assert (points[..., 2] == 0).all()
        assert (points[:, 0, 1] > points[:, ROW[Landmark.LEFT_ANKLE], 1]).all()

    def test_unknown_is_nan_in_all_three(self):
        walk = make_walk(2, world=False)
        image = np.array(walk.image)
        image[3, Landmark.LEFT_KNEE] = np.nan
        points = gait_points(replace(walk, image=image))
        assert np.isnan(points[3, ROW[Landmark.LEFT_KNEE]]).all()
        assert np.isfinite(points[4]).all()

    def test_side_view_equals_the_projected_walk(self):
        flat = compute_windows(make_walk(3, world=False))
        solid = compute_windows(make_walk(3))
        x = [3 * ROW[Landmark.LEFT_ANKLE] + k for k in (0, 1)]
        np.testing.assert_allclose(flat.features[:, :, x], solid.features[:, :, x], atol=1e-3)


class TestAlignHeading:
    @settings(max_examples=15, deadline=None)
    @given(st.floats(-np.pi, np.pi))
    def test_the_view_is_taken_out(self, yaw):
        base = align_heading(compute_windows(make_walk(3, yaw=0.3)).features)
        other = align_heading(compute_windows(make_walk(3, yaw=yaw)).features)
        np.testing.assert_allclose(other, base, atol=2e-4)

    def test_walkers_face_forward(self):
        aligned = align_heading(compute_windows(make_walk(3, yaw=2.0)).features)
        toe = aligned[..., 3 * ROW[Landmark.LEFT_FOOT_INDEX] + 2]
        ankle = aligned[..., 3 * ROW[Landmark.LEFT_ANKLE] + 2]
        assert (toe - ankle).mean() > 0.1

    def test_angles_stay(self):
        windows = compute_windows(make_walk(3, yaw=2.0)).features
        np.testing.assert_array_equal(align_heading(windows)[..., ANGLES], windows[..., ANGLES])

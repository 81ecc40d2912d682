from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import ConfigError
from gaitproof.synth.motion import simulate
from gaitproof.synth.staging import Camera, make_staging, plan_stage
from gaitproof.synth.walker import Walker
from gaitproof.types import Landmark


@pytest.mark.slow
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 20, 30, 45, 60, 70, 90, 135, 180]),
    st.sampled_from([2.0, 4.0, 7.0]),
    st.sampled_from([(640, 360), (640, 480)]),
)
@settings(max_examples=40, deadline=None)
def test_the_walker_is_large_and_whole_all_the_time(
    seed: int, view: float, seconds: float, size: tuple[int, int]
) -> None:
    walker = Walker.random(seed)
    motion = simulate(walker, seed=seed, seconds=seconds)
    stage = plan_stage(size, motion.speed * seconds, view, walker.build.height, "auto")
    if stage == "treadmill":
        motion = simulate(walker, seed=seed, seconds=seconds, treadmill=True)
    staging = make_staging(
        motion,
        np.random.default_rng(seed),
        size=size,
        view=view,
        height=walker.build.height,
        treadmill=stage == "treadmill",
    )
    image = staging.camera.project(staging.place(motion.joints))
    assert (image >= 0).all()
    assert (image < np.array(size)).all()
    feet = image[:, (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL), 1].max(axis=1)
    # the nose is at 0.9 of the body height
    tall = (feet - image[:, Landmark.NOSE, 1]) / 0.9 / size[1]
    assert np.percentile(tall, 2) > 0.44
    forward = staging.turn @ np.array([0, 0, 1.0])
    assert np.degrees(np.arccos(np.clip(forward[2], -1, 1))) == pytest.approx(view, abs=1e-4)


def test_a_pass_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="one pass"):
        plan_stage((640, 360), 20.0, 90.0, 1.7, "pass")
    assert plan_stage((640, 360), 20.0, 90.0, 1.7, "auto") == "treadmill"
    assert plan_stage((640, 360), 3.0, 90.0, 1.7, "treadmill") == "treadmill"


def test_projection_and_clip_matrix_agree() -> None:
    camera = Camera((640, 360), 500.0, 1.4, 5.0)
    points = np.array([[0.3, 1.2, -4.0], [-0.8, 0.0, -6.0]])
    pixels = camera.project(points)
    box = (100.0, 20.0, 420.0, 300.0)
    homogeneous = np.concatenate([camera.to_camera(points), np.ones((2, 1))], axis=1)
    clip = homogeneous @ camera.clip_matrix(box).T
    ndc = clip[:, :2] / clip[:, 3:]
    expected_x = (pixels[:, 0] - 100) / 320 * 2 - 1
    expected_y = 1 - (pixels[:, 1] - 20) / 280 * 2
    np.testing.assert_allclose(ndc, np.stack([expected_x, expected_y], axis=1), atol=1e-9)


def test_rays_go_through_the_points_of_their_pixels() -> None:
    camera = Camera((640, 360), 500.0, 1.4, 5.0)
    points = np.array([[0.3, 1.2, -4.0], [-0.8, 0.0, -6.0]])
    rays = camera.rays(camera.project(points))
    direction = points - np.array([0, 1.4, 0])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    np.testing.assert_allclose(rays, direction, atol=1e-9)


def test_higher_things_are_higher_in_the_picture() -> None:
    camera = Camera((640, 360), 500.0, 1.4, 5.0)
    low, high = camera.project(np.array([[0, 0.0, -5], [0, 1.0, -5]]))
    assert high[1] < low[1]
    left, right = camera.project(np.array([[-1, 1.0, -5], [1, 1.0, -5]]))
    assert left[0] < right[0]

"""Features of the 17 COCO joints, and the human-oriented transformation."""

from __future__ import annotations

import numpy as np
import pytest
from coco_walks import armed

from gaitproof.errors import PoseError
from gaitproof.gait.canonical import orient
from gaitproof.gait.features import (
    align_heading,
    compute_features,
    in_joints,
    mirror,
    mirror_features,
    valid_segments,
)
from gaitproof.types import Landmark
from gaitproof.types.layouts import COCO_LAYOUT, GAIT_LAYOUT, LAYOUTS, layout_of
from gaitproof.types.rotations import axis_rotations

SHARED = [x for x in COCO_LAYOUT.landmarks if x in GAIT_LAYOUT.landmarks]


def columns(layout, part: slice, landmarks) -> list[int]:
    return [part.start + 3 * layout.landmarks.index(x) + k for x in landmarks for k in range(3)]


def test_layouts_are_found_by_their_numbers_of_joints_and_features():
    for layout in LAYOUTS.values():
        assert layout_of(len(layout.landmarks)) is layout_of(layout.n_features) is layout
        assert layout.velocities.stop == layout.n_features
    assert COCO_LAYOUT.n_features == 108
    with pytest.raises(PoseError, match="layout"):
        layout_of(13)


def test_shared_joints_have_the_same_features_in_both_layouts():
    walk = armed(0, head=True)
    twelve, seventeen = walk.windows, walk.seen(COCO_LAYOUT).windows
    assert len(twelve) == len(seventeen)
    for part in ("coordinates", "velocities"):
        a, b = (columns(one, getattr(one, part), SHARED) for one in (GAIT_LAYOUT, COCO_LAYOUT))
        np.testing.assert_array_equal(twelve.features[..., a], seventeen.features[..., b])
    knees_and_hips = range(4)
    for i in knees_and_hips:
        a, b = (one.angles.start + i for one in (GAIT_LAYOUT, COCO_LAYOUT))
        np.testing.assert_array_equal(twelve.features[..., a], seventeen.features[..., b])


@pytest.mark.parametrize("head", [True, False])
def test_joints_that_the_recording_lacks_are_masked(head):
    windows = armed(1, head=head).seen(COCO_LAYOUT).windows
    face = [x for x in COCO_LAYOUT.landmarks if "EAR" in x.name or "EYE" in x.name]
    face.append(Landmark.NOSE)
    for part in (COCO_LAYOUT.coordinates, COCO_LAYOUT.velocities):
        shown = windows.mask[:, columns(COCO_LAYOUT, part, face)]
        assert shown.all() if head else not shown.any()
        arms = columns(COCO_LAYOUT, part, [Landmark.LEFT_ELBOW, Landmark.RIGHT_WRIST])
        assert windows.mask[:, arms].all()
    # the ankles' angles need toes, which COCO does not have
    assert not windows.mask[:, COCO_LAYOUT.angles][:, 4:].any()
    assert windows.mask[:, COCO_LAYOUT.angles][:, :4].all()


def test_a_hidden_wrist_does_not_interrupt_the_walk_but_a_hidden_knee_does():
    points = armed(2).seen(COCO_LAYOUT).points.copy()
    points[40:60, COCO_LAYOUT.pair("WRIST")[0]] = np.nan
    assert len(valid_segments(points, feet=False)) == 1
    points[40:60, COCO_LAYOUT.pair("KNEE")[0]] = np.nan
    assert len(valid_segments(points, feet=False)) == 2


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_mirrored_features_are_those_of_mirrored_points(layout):
    points = np.random.default_rng(0).normal(size=(30, len(layout.landmarks), 3))
    times = np.arange(30) / 30
    expected = np.nan_to_num(compute_features(times, mirror(points)))
    mirrored = mirror_features(np.nan_to_num(compute_features(times, points)).astype(np.float32))
    np.testing.assert_allclose(mirrored, expected, atol=1e-4)
    np.testing.assert_array_equal(mirror(mirror(points)), points)


def test_the_heading_of_coco_windows_is_turned_to_the_front():
    windows = armed(3).seen(COCO_LAYOUT).windows
    plain = windows.features.astype(np.float64)
    turned = plain.copy()
    turn = axis_rotations("y", np.array([40.0]))[0]
    for part in (COCO_LAYOUT.coordinates, COCO_LAYOUT.velocities):
        moved = in_joints(plain, part) @ turn.T
        turned[..., part] = moved.reshape(turned[..., part].shape)
    np.testing.assert_allclose(align_heading(turned), align_heading(plain), atol=1e-6)


def flat_features(layout, points):
    return np.nan_to_num(compute_features(np.arange(len(points)) / 30, points))[None]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_human_oriented_skeletons_are_upright_of_one_height_and_know_no_camera(layout):
    points = armed(4, head=True).seen(layout).points[:60].copy()
    points[..., 2] = 0
    points[:, :, 0] += 0.2 * points[:, :, 1]
    oriented = orient(flat_features(layout, points))
    joints = in_joints(oriented, layout.coordinates)[0]
    neck = joints[:, layout.pair("SHOULDER")].mean(axis=1)
    np.testing.assert_allclose(neck, 0, atol=1e-12)
    hip = joints[:, layout.pair("HIP")].mean(axis=1)
    np.testing.assert_allclose(hip[:, 0], 0, atol=1e-12)
    assert (hip[:, 1] < 0).all()
    np.testing.assert_allclose(joints[:, layout.pair("ANKLE"), 1].min(axis=1), -1)
    np.testing.assert_allclose(
        in_joints(oriented, layout.velocities)[0], np.gradient(joints, 1 / 30, axis=0)
    )
    # every frame from another place, size and tilt of the camera
    rng = np.random.default_rng(0)
    turn = axis_rotations("z", rng.uniform(-30, 30, len(points)))
    seen = rng.uniform(0.5, 2, (len(points), 1, 1)) * (points @ turn) + rng.normal(size=3)
    again = orient(flat_features(layout, seen))
    np.testing.assert_allclose(
        in_joints(again, layout.coordinates)[0], joints, rtol=1e-6, atol=1e-9
    )


def test_human_oriented_velocities_end_where_the_padding_begins():
    points = armed(5).points[:60].copy()
    short = np.zeros((1, 60, 78))
    short[:, :25] = flat_features(GAIT_LAYOUT, points[:25])
    alone = orient(short[:, :25])
    padded = orient(short, np.array([25]))
    np.testing.assert_allclose(padded[:, :25], alone, atol=1e-12)

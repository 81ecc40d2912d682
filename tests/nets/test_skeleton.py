"""The skeletons' graphs, and how windows become joints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gaitproof.gait.features import compute_angle, compute_features
from gaitproof.nets.skeleton import COCO_SKELETON, GAIT_SKELETON, SKELETONS, Skeleton, half_rate
from gaitproof.types.layouts import LAYOUTS

both = pytest.mark.parametrize("body", SKELETONS.values(), ids=SKELETONS)


def name(body: Skeleton, joint: int) -> str:
    return body.layout.landmarks[joint].name


def test_every_layout_has_a_skeleton() -> None:
    assert set(SKELETONS) == set(LAYOUTS)


@pytest.mark.parametrize(("body", "count"), [(GAIT_SKELETON, 12), (COCO_SKELETON, 18)])
def test_edges_join_named_neighbours(body: Skeleton, count: int) -> None:
    named = {tuple(sorted((name(body, a), name(body, b)))) for a, b in body.edges}
    assert len(named) == len(body.edges) == count
    assert ("LEFT_ANKLE", "LEFT_KNEE") in named
    assert (("RIGHT_ANKLE", "RIGHT_FOOT_INDEX") in named) == (body is GAIT_SKELETON)
    assert (("LEFT_ELBOW", "LEFT_WRIST") in named) == (body is COCO_SKELETON)
    assert not any("LEFT" in a and "RIGHT" in b and "KNEE" in a + b for a, b in named)


def test_parents() -> None:
    body = GAIT_SKELETON
    assert {name(body, j): name(body, p) for j, p in enumerate(body.parents)} == {
        f"{side}_{joint}": f"{parent_side}_{parent}"
        for side, other in (("LEFT", "RIGHT"), ("RIGHT", "LEFT"))
        for joint, parent, parent_side in (
            ("SHOULDER", "HIP", side),
            ("HIP", "HIP", other),
            ("KNEE", "HIP", side),
            ("ANKLE", "KNEE", side),
            ("HEEL", "ANKLE", side),
            ("FOOT_INDEX", "ANKLE", side),
        )
    }


def test_parents_of_coco_lead_to_the_nose_on_their_own_side() -> None:
    body = COCO_SKELETON
    for joint in range(5, 17):
        side, above = name(body, joint).split("_")[0], joint
        while "SHOULDER" not in name(body, above):
            assert name(body, above).startswith(side)
            above = body.parents[above]
        assert name(body, body.parents[above]) == "NOSE"


@both
def test_limbs_and_parts_cover_the_skeleton(body: Skeleton) -> None:
    everything = set(range(body.n_joints))
    assert {j for limb in body.limbs for j in limb} == everything
    assert {j for part in body.parts for j in part} == everything
    assert len(body.limbs) == 6
    assert len({len(limb) for limb in body.limbs}) == 1
    for group in (*body.limbs[2:], *body.parts[1:4]):
        sides = {name(body, j).split("_")[0] for j in group}
        assert len(sides) == 1


@both
def test_hops_agree_with_breadth_first_search(body: Skeleton) -> None:
    count = body.n_joints
    neighbours = {j: {b for e in body.edges if j in e for b in e} - {j} for j in range(count)}
    distance = body.hops()
    for start in range(count):
        seen, front, steps = {start: 0}, {start}, 0
        while front:
            steps += 1
            front = {n for j in front for n in neighbours[j]} - seen.keys()
            seen |= dict.fromkeys(front, steps)
        assert distance[start].tolist() == [seen[j] for j in range(count)]


@both
def test_adjacency_averages_over_neighbours(body: Skeleton) -> None:
    for graph in (*body.adjacency(), body.part_adjacency()):
        np.testing.assert_allclose(graph.sum(dim=0), 1, rtol=1e-6)
    torch.testing.assert_close(body.adjacency(0), torch.eye(body.n_joints)[None])
    joined = body.part_adjacency() > 0
    knee = body.layout.pair("KNEE")[0]
    leg = [name(body, j) for j in torch.nonzero(joined[:, knee])[:, 0].tolist()]
    assert all("LEFT" in n and "SHOULDER" not in n for n in leg)
    assert len(leg) == (5 if body is GAIT_SKELETON else 3)


@both
def test_joints_of_a_window(body: Skeleton) -> None:
    points = np.random.default_rng(0).normal(size=(60, body.n_joints, 3))
    features = np.nan_to_num(compute_features(np.arange(60) / 30, points))
    x = torch.from_numpy(features)[None]
    relative = body.coordinates(x)[0].numpy()
    np.testing.assert_allclose(body.velocities(x)[0], np.gradient(relative, 1 / 30, axis=0))
    hip, knee, ankle = (body.layout.pair(joint)[0] for joint in ("HIP", "KNEE", "ANKLE"))
    shank = relative[:, ankle] - relative[:, knee]
    np.testing.assert_allclose(body.bones(x)[0, :, ankle], shank)
    angles = body.angles(x)[0, :, :, 0]
    bent = compute_angle(points[:, hip], points[:, knee], points[:, ankle])
    np.testing.assert_allclose(angles[:, knee], bent)
    others = [j for j in range(body.n_joints) if j not in body.angle_joints]
    assert (angles[:, others] == 0).all()
    assert body.describe(x).shape == (1, 60, body.n_joints, 10)


@pytest.mark.parametrize("frames", [10, 31, 60])
def test_half_rate_averages_three_frames(frames: int) -> None:
    x = torch.randn(2, frames, 78)
    halved = half_rate(x)
    assert halved.shape == (2, (frames + 1) // 2, 78)
    torch.testing.assert_close(halved[:, 0], x[:, :2].mean(dim=1))
    torch.testing.assert_close(halved[:, 2], x[:, 3:6].mean(dim=1))


def test_half_rate_averages_known_frames_only() -> None:
    x = torch.randn(1, 20, 78)
    x[:, 13:] = 0
    known = (torch.arange(20) < 13)[None]
    halved = half_rate(x, known)
    torch.testing.assert_close(halved[:, 1], x[:, 1:4].mean(dim=1))
    torch.testing.assert_close(halved[:, 6], x[:, 11:13].mean(dim=1))
    assert (halved[:, 7:] == 0).all()

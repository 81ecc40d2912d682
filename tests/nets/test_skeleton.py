"""The skeleton's graph, and how windows become joints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gaitproof.gait.features import compute_angle, compute_features
from gaitproof.nets.skeleton import (
    ANGLE_JOINTS,
    EDGES,
    LIMBS,
    N_JOINTS,
    PARENTS,
    PARTS,
    adjacency,
    angles,
    bones,
    coordinates,
    half_rate,
    hops,
    part_adjacency,
    velocities,
)
from gaitproof.types import GAIT_LANDMARKS


def name(joint: int) -> str:
    return GAIT_LANDMARKS[joint].name


def test_edges_join_named_neighbours() -> None:
    named = {tuple(sorted((name(a), name(b)))) for a, b in EDGES}
    assert len(named) == len(EDGES) == 12
    assert ("LEFT_ANKLE", "LEFT_KNEE") in named
    assert ("RIGHT_ANKLE", "RIGHT_FOOT_INDEX") in named
    assert not any("LEFT" in a and "RIGHT" in b and "KNEE" in a + b for a, b in named)


def test_parents() -> None:
    assert {name(j): name(p) for j, p in enumerate(PARENTS)} == {
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


def test_limbs_and_parts_cover_the_skeleton() -> None:
    assert sorted(j for limb in LIMBS for j in limb) == list(range(N_JOINTS))
    assert {j for part in PARTS for j in part} == set(range(N_JOINTS))
    for part, side in zip(PARTS, ("", "LEFT", "RIGHT"), strict=True):
        assert all(side in name(j) for j in part)


def test_hops_agree_with_breadth_first_search() -> None:
    neighbours = {j: {b for e in EDGES if j in e for b in e} - {j} for j in range(N_JOINTS)}
    distance = hops()
    for start in range(N_JOINTS):
        seen, front, steps = {start: 0}, {start}, 0
        while front:
            steps += 1
            front = {n for j in front for n in neighbours[j]} - seen.keys()
            seen |= dict.fromkeys(front, steps)
        assert distance[start].tolist() == [seen[j] for j in range(N_JOINTS)]


def test_adjacency_averages_over_neighbours() -> None:
    for graph in (*adjacency(), part_adjacency()):
        np.testing.assert_allclose(graph.sum(dim=0), 1, rtol=1e-6)
    torch.testing.assert_close(adjacency(0), torch.eye(N_JOINTS)[None])
    joined = part_adjacency() > 0
    knees = [name(j) for j in torch.nonzero(joined[:, 4])[:, 0].tolist()]
    assert all("LEFT" in n and "SHOULDER" not in n for n in knees)
    assert len(knees) == 5


def test_joints_of_a_window() -> None:
    points = np.random.default_rng(0).normal(size=(60, 12, 3))
    features = compute_features(np.arange(60) / 30, points)
    x = torch.from_numpy(features)[None]
    relative = coordinates(x)[0].numpy()
    np.testing.assert_allclose(velocities(x)[0], np.gradient(relative, 1 / 30, axis=0))
    np.testing.assert_allclose(bones(x)[0, :, 6], relative[:, 6] - relative[:, 4])  # left shank
    knee = compute_angle(points[:, 2], points[:, 4], points[:, 6])
    found = angles(x)[0, :, :, 0]
    np.testing.assert_allclose(found[:, 4], knee)
    others = [j for j in range(N_JOINTS) if j not in ANGLE_JOINTS]
    assert (found[:, others] == 0).all()


@pytest.mark.parametrize("frames", [10, 31, 60])
def test_half_rate_averages_three_frames(frames: int) -> None:
    x = torch.randn(2, frames, 78)
    halved = half_rate(x)
    assert halved.shape == (2, (frames + 1) // 2, 78)
    torch.testing.assert_close(halved[:, 0], x[:, :2].mean(dim=1))
    torch.testing.assert_close(halved[:, 2], x[:, 3:6].mean(dim=1))

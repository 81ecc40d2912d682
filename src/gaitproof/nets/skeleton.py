"""The skeleton of the 12 gait landmarks as graph networks need it (torch; training only).

Networks on joints read the coordinates (features 0-35) and velocities (42-77) of a window. Both
are z-scores per feature, so that differences between joints are not metric bone vectors; they
carry the same information, each joint scaled by its own spread. A joint that the source does not
have is 0, its mean, in every frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path
from torch import Tensor, nn

from gaitproof.types import GAIT_LANDMARKS, Landmark

N_JOINTS: Final = len(GAIT_LANDMARKS)

_INDEX: Final = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}


def _joints(*names: str) -> tuple[int, ...]:
    return tuple(_INDEX[Landmark[name]] for name in names)


def _both_sides(first: str, second: str) -> tuple[tuple[int, ...], ...]:
    return tuple(_joints(f"{side}_{first}", f"{side}_{second}") for side in ("LEFT", "RIGHT"))


EDGES: Final[tuple[tuple[int, ...], ...]] = (
    _joints("LEFT_SHOULDER", "RIGHT_SHOULDER"),
    _joints("LEFT_HIP", "RIGHT_HIP"),
    *_both_sides("SHOULDER", "HIP"),
    *_both_sides("HIP", "KNEE"),
    *_both_sides("KNEE", "ANKLE"),
    *_both_sides("ANKLE", "HEEL"),
    *_both_sides("ANKLE", "FOOT_INDEX"),
)
"""Pairs of joints (indices among the 12) that a body segment joins."""

PARENTS: Final[tuple[int, ...]] = tuple(
    _INDEX[Landmark[f"{side}_{parent}" if parent != "HIP_ACROSS" else f"{other}_HIP"]]
    for parent in ("HIP", "HIP_ACROSS", "HIP", "KNEE", "ANKLE", "ANKLE")
    for side, other in (("LEFT", "RIGHT"), ("RIGHT", "LEFT"))
)
"""The joint at the other end of each joint's bone; a hip's is the other hip."""

ANGLE_JOINTS: Final[tuple[int, ...]] = _joints(
    "LEFT_KNEE", "RIGHT_KNEE", "LEFT_HIP", "RIGHT_HIP", "LEFT_ANKLE", "RIGHT_ANKLE"
)
"""The joints whose angles are features 36-41."""

LIMBS: Final[tuple[tuple[int, ...], ...]] = (
    _joints("LEFT_SHOULDER", "RIGHT_SHOULDER"),
    _joints("LEFT_HIP", "RIGHT_HIP"),
    _joints("LEFT_KNEE", "LEFT_ANKLE"),
    _joints("LEFT_HEEL", "LEFT_FOOT_INDEX"),
    _joints("RIGHT_KNEE", "RIGHT_ANKLE"),
    _joints("RIGHT_HEEL", "RIGHT_FOOT_INDEX"),
)
"""Shoulders, pelvis, and either shank and foot: every joint once, and two neighbouring limbs make a
larger part (trunk, left leg, right leg)."""

PARTS: Final[tuple[tuple[int, ...], ...]] = (
    LIMBS[0] + LIMBS[1],
    (*LIMBS[1][:1], *LIMBS[2], *LIMBS[3]),
    (*LIMBS[1][1:], *LIMBS[4], *LIMBS[5]),
)
"""Trunk, left leg, right leg; each leg from its hip down."""


def half_rate(x: Tensor) -> Tensor:
    """Average windows (B, T, 78) over three frames around every second: (B, T / 2, 78), rounded up.

    Gait ends below 6 Hz, the new Nyquist frequency is 7.5; joint networks cost per joint and frame.
    """
    mean = nn.functional.avg_pool1d(
        x.transpose(1, 2), 3, stride=2, padding=1, count_include_pad=False
    )
    return mean.transpose(1, 2)


def coordinates(x: Tensor) -> Tensor:
    """Take the coordinates of windows (B, T, 78) as (B, T, 12, 3)."""
    return x[..., :36].reshape(*x.shape[:-1], N_JOINTS, 3)


def velocities(x: Tensor) -> Tensor:
    """Take the velocities of windows (B, T, 78) as (B, T, 12, 3)."""
    return x[..., 42:].reshape(*x.shape[:-1], N_JOINTS, 3)


def bones(x: Tensor) -> Tensor:
    """Return each joint less its parent, windows (B, T, 78) to (B, T, 12, 3)."""
    joints = coordinates(x)
    return joints - joints[:, :, list(PARENTS)]


def angles(x: Tensor) -> Tensor:
    """Put the joint angles of windows (B, T, 78) to their joints: (B, T, 12, 1), else 0."""
    order = [ANGLE_JOINTS.index(j) if j in ANGLE_JOINTS else None for j in range(N_JOINTS)]
    missing = torch.zeros_like(x[..., 0])
    columns = [missing if i is None else x[..., 36 + i] for i in order]
    return torch.stack(columns, dim=-1).unsqueeze(-1)


def hops() -> NDArray[np.int64]:
    """Return the number of edges between every two joints, shape (12, 12)."""
    edges = np.zeros((N_JOINTS, N_JOINTS))
    edges[tuple(np.transpose(EDGES))] = 1
    return shortest_path(edges, directed=False, unweighted=True).astype(np.int64)


def adjacency(farthest: int = 2) -> Tensor:
    """Return the graph's adjacency, partitioned by distance (Yan et al., AAAI 2018).

    Parameters
    ----------
    farthest
        Largest number of edges between neighbours.

    Returns
    -------
    Tensor
        Shape (farthest + 1, 12, 12), float32: partition d joins joints d edges apart; every column
        with neighbours sums to 1, so that ``x @ adjacency[d]`` averages over them.
    """
    distance = hops()
    levels = np.stack([distance == d for d in range(farthest + 1)]).astype(np.float32)
    return torch.from_numpy(levels / np.maximum(levels.sum(axis=1, keepdims=True), 1))


def part_adjacency() -> Tensor:
    """Return the averaging adjacency that joins the joints of each part.

    Returns
    -------
    Tensor
        Shape (12, 12), float32, columns summing to 1: the neighbours of a joint are all joints of
        its `PARTS`, as hips belong to trunk and leg.
    """
    levels = np.zeros((N_JOINTS, N_JOINTS), np.float32)
    for part in PARTS:
        levels[np.ix_(part, part)] = 1
    return torch.from_numpy(levels / levels.sum(axis=0))

"""Skeletons as graph networks need them (torch; training only).

Networks on joints read the coordinates and velocities of a window. Both are z-scores per feature,
so that differences between joints are not metric bone vectors; they carry the same information,
each joint scaled by its own spread. A joint that the source does not have is 0, its mean, in every
frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path
from torch import Tensor, nn

from gaitproof.types import Landmark
from gaitproof.types.layouts import COCO_LAYOUT, GAIT_LAYOUT, Layout

Joints = tuple[int, ...]
"""Places of joints in a layout."""


@dataclass(frozen=True)
class Skeleton:
    """How the joints of a layout hang together.

    Parameters
    ----------
    layout
        The joints and their features.
    edges
        Pairs of joints that a body segment joins.
    parents
        The joint at the other end of each joint's bone.
    limbs
        Six groups of equally many joints; two neighbouring ones make a larger part of the body.
    parts
        Parts of the body as part-aware networks see it; together all joints.
    """

    layout: Layout
    edges: tuple[Joints, ...]
    parents: Joints
    limbs: tuple[Joints, ...]
    parts: tuple[Joints, ...]

    @property
    def n_joints(self) -> int:
        """Number of joints J."""
        return len(self.layout.landmarks)

    @property
    def angle_joints(self) -> Joints:
        """The joints of the six angles; -1 where the layout lacks a joint that it is between."""
        layout = self.layout
        legs = (*layout.pair("KNEE"), *layout.pair("HIP"), *layout.pair("ANKLE"))
        toes = Landmark.LEFT_FOOT_INDEX in layout.landmarks
        return legs if toes else (*legs[:4], -1, -1)

    def coordinates(self, x: Tensor) -> Tensor:
        """Take the coordinates of windows (B, T, F) as (B, T, J, 3)."""
        return x[..., self.layout.coordinates].reshape(*x.shape[:-1], self.n_joints, 3)

    def velocities(self, x: Tensor) -> Tensor:
        """Take the velocities of windows (B, T, F) as (B, T, J, 3)."""
        return x[..., self.layout.velocities].reshape(*x.shape[:-1], self.n_joints, 3)

    def bones(self, x: Tensor) -> Tensor:
        """Return each joint less its parent, windows (B, T, F) to (B, T, J, 3)."""
        joints = self.coordinates(x)
        return joints - joints[:, :, list(self.parents)]

    def angles(self, x: Tensor) -> Tensor:
        """Put the joint angles of windows (B, T, F) to their joints: (B, T, J, 1), else 0."""
        first, places = self.layout.angles.start, self.angle_joints
        missing = torch.zeros_like(x[..., 0])
        columns = [
            x[..., first + places.index(j)] if j in places else missing
            for j in range(self.n_joints)
        ]
        return torch.stack(columns, dim=-1).unsqueeze(-1)

    def describe(self, x: Tensor) -> Tensor:
        """Return coordinates, bones, angles and velocities of windows: (B, T, J, 10)."""
        parts = (self.coordinates(x), self.bones(x), self.angles(x), self.velocities(x))
        return torch.cat(parts, dim=3)

    def hops(self) -> NDArray[np.int64]:
        """Return the number of edges between every two joints, shape (J, J)."""
        edges = np.zeros((self.n_joints, self.n_joints))
        edges[tuple(np.transpose(self.edges))] = 1
        return shortest_path(edges, directed=False, unweighted=True).astype(np.int64)

    def adjacency(self, farthest: int = 2) -> Tensor:
        """Return the graph's adjacency, partitioned by distance (Yan et al., AAAI 2018).

        Parameters
        ----------
        farthest
            Largest number of edges between neighbours.

        Returns
        -------
        Tensor
            Shape (farthest + 1, J, J), float32: partition d joins joints d edges apart; every
            column with neighbours sums to 1, so that ``x @ adjacency[d]`` averages over them.
        """
        distance = self.hops()
        levels = np.stack([distance == d for d in range(farthest + 1)]).astype(np.float32)
        return torch.from_numpy(levels / np.maximum(levels.sum(axis=1, keepdims=True), 1))

    def part_adjacency(self) -> Tensor:
        """Return the averaging adjacency that joins the joints of each part.

        Returns
        -------
        Tensor
            Shape (J, J), float32, columns summing to 1: the neighbours of a joint are all joints
            of its `parts`, as of the 12 the hips belong to trunk and leg.
        """
        levels = np.zeros((self.n_joints, self.n_joints), np.float32)
        for part in self.parts:
            levels[np.ix_(part, part)] = 1
        return torch.from_numpy(levels / levels.sum(axis=0))


_GAIT: Final = GAIT_LAYOUT.landmarks


def _joints(*names: str) -> Joints:
    return tuple(_GAIT.index(Landmark[name]) for name in names)


def _both_sides(first: str, second: str) -> tuple[Joints, ...]:
    return tuple(_joints(f"{side}_{first}", f"{side}_{second}") for side in ("LEFT", "RIGHT"))


_LIMBS: Final = (
    _joints("LEFT_SHOULDER", "RIGHT_SHOULDER"),
    _joints("LEFT_HIP", "RIGHT_HIP"),
    _joints("LEFT_KNEE", "LEFT_ANKLE"),
    _joints("LEFT_HEEL", "LEFT_FOOT_INDEX"),
    _joints("RIGHT_KNEE", "RIGHT_ANKLE"),
    _joints("RIGHT_HEEL", "RIGHT_FOOT_INDEX"),
)

GAIT_SKELETON: Final = Skeleton(
    GAIT_LAYOUT,
    edges=(
        _joints("LEFT_SHOULDER", "RIGHT_SHOULDER"),
        _joints("LEFT_HIP", "RIGHT_HIP"),
        *_both_sides("SHOULDER", "HIP"),
        *_both_sides("HIP", "KNEE"),
        *_both_sides("KNEE", "ANKLE"),
        *_both_sides("ANKLE", "HEEL"),
        *_both_sides("ANKLE", "FOOT_INDEX"),
    ),
    # a hip's is the other hip
    parents=tuple(
        _GAIT.index(Landmark[f"{side}_{parent}" if parent != "HIP_ACROSS" else f"{other}_HIP"])
        for parent in ("HIP", "HIP_ACROSS", "HIP", "KNEE", "ANKLE", "ANKLE")
        for side, other in (("LEFT", "RIGHT"), ("RIGHT", "LEFT"))
    ),
    # shoulders, pelvis, and either shank and foot
    limbs=_LIMBS,
    # trunk, left leg, right leg; each leg from its hip down
    parts=(
        _LIMBS[0] + _LIMBS[1],
        (*_LIMBS[1][:1], *_LIMBS[2], *_LIMBS[3]),
        (*_LIMBS[1][1:], *_LIMBS[4], *_LIMBS[5]),
    ),
)

_ARMS_AND_LEGS: Final = ((5, 7, 9), (6, 8, 10), (11, 13, 15), (12, 14, 16))
_HEAD: Final = (0, 1, 2, 3, 4)

COCO_SKELETON: Final = Skeleton(
    COCO_LAYOUT,
    # nose to eyes to ears to shoulders, then down arms, trunk and legs
    edges=(
        *((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (5, 11), (6, 12), (11, 12)),
        *((a, b) for limb in _ARMS_AND_LEGS for a, b in pairwise(limb)),
    ),
    # towards the nose, as GaitGraph, Gait-TR and GPGait have it
    parents=(5, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    # the nose counts for either half of the head, as in GaitPT: head, arms and legs by two
    limbs=((0, 1, 3), (0, 2, 4), *_ARMS_AND_LEGS),
    # GPGait's five
    parts=(*_ARMS_AND_LEGS, _HEAD),
)

SKELETONS: Final[Mapping[str, Skeleton]] = {
    one.layout.name: one for one in (GAIT_SKELETON, COCO_SKELETON)
}
"""By the name of their layout."""


def half_rate(x: Tensor, known: Tensor | None = None) -> Tensor:
    """Average windows (B, T, F) over three frames around every second: (B, T / 2, F), rounded up.

    Gait ends below 6 Hz, the new Nyquist frequency is 7.5; joint networks cost per joint and frame.
    """
    mean = _three(x)
    # padding, which is 0, does not count
    return mean if known is None else mean / _three(known[..., None].to(x.dtype)).clamp(min=0.1)


def _three(x: Tensor) -> Tensor:
    mean = nn.functional.avg_pool1d(
        x.transpose(1, 2), 3, stride=2, padding=1, count_include_pad=False
    )
    return mean.transpose(1, 2)

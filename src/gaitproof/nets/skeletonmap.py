"""Joints drawn as heat maps for a convolutional network (torch; training only)."""

from __future__ import annotations

from typing import Final

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.nets.layers import FeatureEncoder, initialise
from gaitproof.nets.silhouette import Residual
from gaitproof.nets.skeleton import GAIT_SKELETON
from gaitproof.types.windows import N_FEATURES

ROWS: Final = 32
COLUMNS: Final = 22
"""Of a map; the published ones have 64 by 44."""

_TOP: Final = 1.4
_LENGTH: Final = 3.6
"""Torso lengths from the mid-hip up to the first row, and from the first row to the last: a raised
shoulder and a stretched foot stay inside."""

_SPREAD: Final = 0.12
"""Deviation of a joint's spot and of a bone's edge, torso lengths: one row of the map."""

_STEP: Final = 4
"""Every fourth frame, 7.5 a second, is drawn."""

_STRIPS: Final = 8
_START: Final = torch.tensor([edge[0] for edge in GAIT_SKELETON.edges])
_STOP: Final = torch.tensor([edge[1] for edge in GAIT_SKELETON.edges])
_LEAST: Final = 1e-6


def draw_maps(points: Tensor) -> Tensor:
    """Draw joints, and the bones between them, as two grey images.

    Gaussian spots and strokes as in PoseMapGait (Liao et al., Neurocomputing 501, 2022) and
    SkeletonGait (Fan et al., AAAI 2024), where the spots of all joints are one map and those of
    all limbs another.

    Parameters
    ----------
    points
        Shape (N, 12, 2), torso lengths from the mid-hip to the right and up.

    Returns
    -------
    Tensor
        Shape (N, 2, 32, 22), 0 to 1: joints, bones.
    """
    y = _TOP - torch.linspace(0, _LENGTH, ROWS, dtype=points.dtype, device=points.device)
    half = _LENGTH / ROWS * COLUMNS / 2
    x = torch.linspace(-half, half, COLUMNS, dtype=points.dtype, device=points.device)
    # the brightest spot is that of the nearest joint
    across = (x - points[..., :1]).square()
    down = (y - points[..., 1:]).square()
    joints = down[..., None] + across[:, :, None]
    start, along = points[:, _START], points[:, _STOP] - points[:, _START]
    length = along.square().sum(dim=2).clamp(min=_LEAST)[..., None, None]
    right = (x - start[..., :1])[:, :, None]
    up = (y - start[..., 1:])[..., None]
    along_x, along_y = along[..., 0, None, None], along[..., 1, None, None]
    # the nearest place on the bone, 0 its start and 1 its end
    place = ((right * along_x + up * along_y) / length).clamp(0, 1)
    apart = (right - place * along_x).square() + (up - place * along_y).square()
    nearest = torch.stack([joints.amin(dim=1), apart.amin(dim=1)], dim=1)
    return torch.exp(-nearest / (2 * _SPREAD**2))


class SkeletonMap(FeatureEncoder):
    """Heat maps of the skeleton from two sides through a residual network.

    The windows' z-scores are undone (`set_normaliser`), so that the skeleton has its proportions;
    it is drawn as the camera sees it and from its side, which is what another camera sees. Joints
    and bones of both are four channels of a small residual network on every frame, with one
    convolution over time; maxima over time, in strips. The published networks draw at 64 × 44 and
    begin with 64 channels.

    Parameters
    ----------
    dropout
        Dropout rate before the embedding.
    layers
        Residual blocks of the last stage.
    width
        Channels of the last stage; a multiple of 4.
    """

    mean: Tensor
    std: Tensor

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        self.register_buffer("mean", torch.zeros(N_FEATURES))
        self.register_buffer("std", torch.ones(N_FEATURES))
        self.stem = nn.Sequential(
            nn.Conv2d(4, width // 4, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(inplace=True),
            Residual(width // 4, width // 2, 2),
        )
        self.time = nn.Conv3d(width // 2, width // 2, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.time_norm = nn.BatchNorm3d(width // 2)
        self.deep = nn.Sequential(
            Residual(width // 2, width, 2), *(Residual(width, width) for _ in range(layers - 1))
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(_STRIPS * width, embedding))
        self.head.apply(initialise)

    def set_normaliser(self, mean: ArrayLike, std: ArrayLike) -> None:
        """Note the mean and deviation (78,) by which windows are z-scored."""
        self.mean.copy_(torch.as_tensor(mean))
        self.std.copy_(torch.as_tensor(std))

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        joints = self.skeleton.coordinates(x[:, ::_STEP] * self.std + self.mean)
        batch, frames = joints.shape[:2]
        flat = joints.flatten(0, 1)
        sides = [draw_maps(flat[..., axes]) for axes in ([0, 1], [2, 1])]
        maps = self.stem(torch.cat(sides, dim=1)).unflatten(0, (batch, frames)).transpose(1, 2)
        maps = functional.relu(maps + self.time_norm(self.time(maps)))
        maps = self.deep(maps.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, frames))
        strips = maps.amax(dim=1)
        pooled = (strips.amax(dim=3) + strips.mean(dim=3)).flatten(1)
        return self.head(pooled)

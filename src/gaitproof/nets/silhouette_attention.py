"""Transformers on windows of silhouettes, alone or beside joints (torch; training only)."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.nets.attention import AxisAttention, position
from gaitproof.nets.layers import initialise
from gaitproof.nets.silhouette import STRIPS, Residual, SilhouetteNetwork, StripHead
from gaitproof.nets.skeleton import GAIT_SKELETON, half_rate
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES, SILHOUETTE_RATE
from gaitproof.types.windows import WINDOW_RATE

_HEADS: Final = 4
_TUBE: Final = 4
"""Frames of a token."""

_COLUMNS: Final = 4
_TOKENS: Final = STRIPS * _COLUMNS


class GaitTriViT(SilhouetteNetwork):
    """Parallel spatial and temporal branches of a vision transformer.

    After Sheng, "GaitTriViT and GaitVViT", PeerJ Computer Science 11, 2025 (e3061): transformers
    throughout, one branch for fine spatial features and one for time. Here: tokens of 4 frames by
    4 × 11 pixels, one shared layer, then one branch attends among the tokens of a moment and
    keeps their maximum over time, the other along the time of every place and keeps the mean; the
    strips of both. The published network starts from ViT-B weights of photographs (768 channels, 12
    layers), which cannot be had here.

    Parameters
    ----------
    embedding
        Length of the embedding.
    layers
        Of each branch.
    width
        Channels of the tokens; a multiple of 4.
    """

    def __init__(self, *, embedding: int, layers: int, width: int) -> None:
        super().__init__(embedding, StripHead(width, maps=2))
        patch = (MASK_HEIGHT // STRIPS, MASK_WIDTH // _COLUMNS)
        self.enter = nn.Conv2d(_TUBE, width, patch, stride=patch)
        self.place = position(1, 1, _TOKENS, width)
        self.time = position(1, SILHOUETTE_FRAMES // _TUBE, 1, width)
        self.shared = AxisAttention(width, 2)
        self.spatial = nn.Sequential(*(AxisAttention(width, 2) for _ in range(layers)))
        self.temporal = nn.Sequential(*(AxisAttention(width, 1) for _ in range(layers)))
        for part in (self.enter, self.shared, self.spatial, self.temporal):
            part.apply(initialise)

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to the maps of both branches, one below the other."""
        moments = SILHOUETTE_FRAMES // _TUBE
        tubes = masks[:, : moments * _TUBE].to(self.directions.weight.dtype)
        entered = self.enter(tubes.reshape(-1, _TUBE, MASK_HEIGHT, MASK_WIDTH))
        tokens = entered.flatten(2).transpose(1, 2).unflatten(0, (-1, moments))
        tokens = self.shared(tokens + self.place + self.time)
        branches = [self.spatial(tokens).amax(dim=1), self.temporal(tokens).mean(dim=1)]
        return torch.cat([_as_map(branch) for branch in branches], dim=2)


def _as_map(tokens: Tensor) -> Tensor:
    """Lay tokens (B, 64, C) out where they came from, (B, C, 16, 4)."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, STRIPS, _COLUMNS)


class CrossAttention(nn.Module):
    """Tokens (B, N, D) read from others (B, M, D), pre-norm, and think about it (GELU).

    Parameters
    ----------
    width
        D, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own, self.other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.pair = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return the tokens, (B, N, D), with what they read."""
        query = self.query(self.own(x)).unflatten(2, (_HEADS, -1)).transpose(1, 2)
        pair = self.pair(self.other(context)).unflatten(2, (2, _HEADS, -1))
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        mixed = (scores.softmax(dim=3) @ value).transpose(1, 2).flatten(2)
        x = x + self.project(mixed)
        return x + self.feed(x)


_CYCLE_SECONDS: Final = 1.0
_HARMONICS: Final = 3


class CyclePosition(nn.Module):
    """A code of the place in a gait cycle of about a second, not of the place in the window.

    Parameters
    ----------
    width
        Channels of the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.code = nn.Linear(2 * _HARMONICS, width)

    def forward(self, x: Tensor, rate: float) -> Tensor:
        """Add it to tokens (B, T, D) of `rate` per second."""
        order = torch.arange(1, _HARMONICS + 1, device=x.device)
        turns = torch.arange(x.shape[1], device=x.device)[:, None] / (rate * _CYCLE_SECONDS)
        angle = (2 * math.pi * order * turns).to(x.dtype)
        return x + self.code(torch.cat([angle.sin(), angle.cos()], dim=1))


class MMGaitFormer(SilhouetteNetwork):
    """Silhouettes and joints that read from each other (Cui and Kang, "MMGaitFormer", CVPR 2023).

    A convolutional branch on every second mask, an attention branch on the joints; in space the
    strips of the body and the joints read from each other, in time the frames of both do, whose
    code is the place in the gait cycle. Strips, joints and both sums over time are the parts that
    learn who walks. Departures: attention among joints and along time in place of a graph network;
    cross-attention both ways in place of one encoder over all tokens; every strip may read from
    every joint; an eighth of the published 256 channels and up.

    Parameters
    ----------
    embedding
        Length of the embedding.
    layers
        Of the joints' branch.
    width
        Channels of all tokens; a multiple of 4.
    """

    def __init__(self, *, embedding: int, layers: int, width: int) -> None:
        super().__init__(embedding, StripHead(width, (STRIPS + GAIT_SKELETON.n_joints + 2,)))
        self.masks = nn.Sequential(
            nn.Conv2d(1, width // 2, 5, 2, 2, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(inplace=True),
            Residual(width // 2, width, 2),
        )
        self.scale = nn.BatchNorm2d(6)
        self.enter = nn.Linear(6, width)
        self.joint = position(1, 1, GAIT_SKELETON.n_joints, width)
        self.joints = nn.Sequential(
            *(
                layer
                for _ in range(layers)
                for layer in (AxisAttention(width, 2), AxisAttention(width, 1))
            )
        )
        self.strip = position(1, STRIPS, width)
        self.cycle = CyclePosition(width)
        self.strips_read, self.joints_read = CrossAttention(width), CrossAttention(width)
        self.masks_read, self.poses_read = CrossAttention(width), CrossAttention(width)
        for part in (self.enter, self.joints, self.strips_read, self.joints_read):
            part.apply(initialise)

    def features(self, masks: Tensor, joints: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) and features (B, 60, 78) to parts (B, C, 30, 1)."""
        chosen = masks[:, ::2]
        x = chosen.to(self.directions.weight.dtype).flatten(0, 1)[:, None]
        maps = self.masks(x).unflatten(0, (-1, chosen.shape[1]))
        # (B, T, 16, C) of the masks, (B, T', 12, C) of the joints
        strips = (maps.amax(dim=4) + maps.mean(dim=4)).transpose(2, 3)
        slow = half_rate(joints)
        known = torch.cat([GAIT_SKELETON.coordinates(slow), GAIT_SKELETON.velocities(slow)], dim=3)
        known = self.scale(known.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        poses = self.joints(self.enter(known) + self.joint)
        across = strips.amax(dim=1) + self.strip, poses.mean(dim=1)
        along = (
            self.cycle(strips.mean(dim=2), SILHOUETTE_RATE / 2),
            self.cycle(poses.mean(dim=2), WINDOW_RATE / 2),
        )
        parts = [
            self.strips_read(*across),
            self.joints_read(*across[::-1]),
            self.masks_read(*along).mean(dim=1, keepdim=True),
            self.poses_read(*along[::-1]).mean(dim=1, keepdim=True),
        ]
        return torch.cat(parts, dim=1).transpose(1, 2)[..., None]

    # every input has a name of its own in the exported file
    def forward(self, masks: Tensor, joints: Tensor) -> Tensor:  # type: ignore[override]
        """Map masks (B, 50, 64, 44) and features (B, 60, 78) to unit embeddings (B, E)."""
        return functional.normalize(self.directions(self.described(masks, joints)), dim=1)

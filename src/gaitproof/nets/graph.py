"""Graph convolution networks over the skeleton: GaitGraph and GPGait (torch; training only).

Both are compact implementations from the papers, for 12 or 17 joints at 30 Hz and a CPU: few
channels, and a temporal stride of 2 in the first blocks.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from gaitproof.nets.layers import (
    FeatureEncoder,
    at_rate,
    initialise,
    mean_and_peak,
    mean_over_time,
    peak_over_time,
)
from gaitproof.nets.skeleton import half_rate

_TAPS = 5
"""Frames of a temporal convolution: 0.33 s at half the frame rate, as the papers' 9 at 25-30 Hz."""

_PUBLISHED_TAPS = 9


class GraphConvolution(nn.Module):
    """Mix joints by fixed neighbourhoods with learned edge weights, then channels.

    Parameters
    ----------
    inputs, outputs
        Channels.
    graph
        Shape (K, J, J): K neighbourhoods, each with channel weights of its own.
    """

    graph: Tensor

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        self.register_buffer("graph", graph, persistent=False)
        self.edges = nn.Parameter(torch.ones_like(graph))
        self.channels = nn.Conv2d(len(graph) * inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, J) to (B, C', T, J)."""
        weights = self.graph * self.edges
        mixed = torch.cat([x @ neighbours for neighbours in weights.unbind(0)], dim=1)
        return self.norm(self.channels(mixed))


class GraphBlock(nn.Module):
    """Spatial graph convolution and temporal convolution with a shortcut (ResGCN).

    Parameters
    ----------
    inputs, outputs
        Channels.
    graph
        Neighbourhoods, shape (K, J, J).
    stride
        Temporal stride.
    dropout
        Dropout rate.
    reduction
        Bottleneck: graph and temporal convolution work on ``outputs / reduction`` channels.
    taps
        Frames of the temporal convolution, odd.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        graph: Tensor,
        *,
        stride: int = 1,
        dropout: float = 0.0,
        reduction: int = 1,
        taps: int = _TAPS,
    ) -> None:
        super().__init__()
        inner = outputs // reduction
        enter = [_pointwise(inputs, inner), nn.ReLU()] if reduction > 1 else []
        leave = [nn.ReLU(), _pointwise(inner, outputs)] if reduction > 1 else []
        self.body = nn.Sequential(
            *enter,
            GraphConvolution(inner if reduction > 1 else inputs, inner, graph),
            nn.ReLU(),
            nn.Conv2d(
                inner, inner, (taps, 1), stride=(stride, 1), padding=(taps // 2, 0), bias=False
            ),
            nn.BatchNorm2d(inner),
            *leave,
            nn.Dropout2d(dropout),
        )
        self.shortcut: nn.Module = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else _pointwise(inputs, outputs, stride)
        )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, J) to (B, C', T / stride, J)."""
        return self.activation(self.body(x) + self.shortcut(x))


def _pointwise(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(outputs)
    )


def _channels_first(x: Tensor) -> Tensor:
    """Map (B, T, J, C) to (B, C, T, J)."""
    return x.permute(0, 3, 1, 2)


class GaitGraph(FeatureEncoder):
    """Residual graph convolutions over joints, velocities and bones.

    Teepe, Khan, Gilg, Herzog, Hörmann, Rigoll, "GaitGraph: Graph convolutional network for
    skeleton-based gait recognition", ICIP 2021: ResGCN blocks (basic, then bottleneck) with the
    neighbourhood partitioned by distance, averaged over time and joints into the embedding. The
    branches for joints, velocities and bones, joined early, are those of its successor (Teepe et
    al., "Towards a deeper understanding of skeleton-based gait recognition", CVPR workshops 2022).
    Here 4 blocks of up to 128 channels instead of 7 to 10 of up to 256, half the frame rate with 5
    taps instead of 9, and bottlenecks of a half instead of an eighth; `published` are those of
    ResGCN-N39-R8 (github.com/tteepe/GaitGraph): branches of 64, 64 and 32 channels, a trunk of 128,
    128, 256 and 256. The papers initialise as ResGCN does (Kaiming-normal fan-out, which the design
    has too).

    Parameters
    ----------
    layers
        Bottleneck blocks after the branches; the first and the last halve the frame rate again.
    width
        Channels after the branches are joined; each branch has a quarter, the last block twice as
        many.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        graph = self.skeleton.adjacency()
        branch: tuple[int, ...] = (width // 4,)
        channels: tuple[int, ...] = (3 * branch[0], *([width] * (layers - 1)), 2 * width)
        halved, reduction, taps = (0, layers - 1), 2, _TAPS
        if self.published:
            branch, channels = (64, 64, 32), (96, 128, 128, 256, 256)
            halved, reduction, taps = (0, 2), 8, _PUBLISHED_TAPS
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(3),
                GraphBlock(3, branch[0], graph, taps=taps),
                *(
                    GraphBlock(before, after, graph, reduction=reduction, taps=taps)
                    for before, after in pairwise(branch)
                ),
            )
            for _ in range(3)
        )
        self.trunk = nn.Sequential(
            *(
                GraphBlock(
                    before,
                    after,
                    graph,
                    stride=2 if i in halved else 1,
                    dropout=dropout,
                    reduction=reduction,
                    taps=taps,
                )
                for i, (before, after) in enumerate(pairwise(channels))
            )
        )
        self.head = nn.Linear(channels[-1], embedding)
        self.apply(initialise)

    @property
    def maps(self) -> nn.Module:
        """What puts out the last convolution over time, (B, C, T, J), as Grad-CAM needs it."""
        return self.trunk

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        x = x if self.published else half_rate(x, known)
        body = self.skeleton
        inputs = (body.coordinates(x), body.velocities(x), body.bones(x))
        joined = [
            branch(_channels_first(part))
            for branch, part in zip(self.branches, inputs, strict=True)
        ]
        frames = self.trunk(torch.cat(joined, dim=1)).mean(dim=3).transpose(1, 2)
        return self.head(mean_over_time(frames, at_rate(known, frames.shape[1])))


class GPGait(FeatureEncoder):
    """Part-aware graph convolutions over human-oriented descriptors.

    Fu, Meng, Hou, Hu, Huang, "GPGait: Generalized pose-based gait recognition", ICCV 2023. The
    paper's human-oriented transformation (body upright, centred, of unit size) is `alignment:
    human-oriented` of a recipe (`gaitproof.gait.canonical`); other features have the origin
    mid-hip, lengths in torsos and y up. The descriptors are joints, bones, angles and, beside the
    paper's, velocities. Every block adds a graph convolution over the whole skeleton to one whose
    edges are masked to the body parts, and parts are pooled and projected separately before they
    are joined: trunk and legs of the 12 joints; arms, legs and head, as in the paper, of COCO-17,
    which is divided in one way instead of four. Here one joint embedding instead of one per part,
    since a gallery keeps one vector. `published` has the seven blocks of 64 to 256 channels of the
    authors' settings (FastPoseGait), at the full frame rate.

    Parameters
    ----------
    layers
        Blocks, at half the frame rate; the second halves it again.
    width
        Channels; the first block has half.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        body = self.skeleton
        graph = torch.cat([body.adjacency(1), body.part_adjacency()[None]])
        self.descriptors = nn.BatchNorm2d(10)
        channels: tuple[int, ...] = (10, width // 2, *([width] * (layers - 1)))
        halved, taps = 1, _TAPS
        if self.published:
            channels = (10, 64, 128, 128, 128, 128, 256, 256)
            halved, taps = -1, _PUBLISHED_TAPS
        self.blocks = nn.Sequential(
            *(
                GraphBlock(
                    before,
                    after,
                    graph,
                    stride=2 if i == halved else 1,
                    dropout=dropout,
                    taps=taps,
                )
                for i, (before, after) in enumerate(pairwise(channels))
            )
        )
        self.heads = nn.ModuleList(
            nn.Linear(2 * channels[-1], embedding // 2) for _ in range(len(body.parts) + 1)
        )
        self.join = nn.Sequential(
            nn.BatchNorm1d((len(body.parts) + 1) * (embedding // 2)),
            nn.Dropout(dropout),
            nn.Linear((len(body.parts) + 1) * (embedding // 2), embedding),
        )
        self.apply(initialise)

    @property
    def maps(self) -> nn.Module:
        """What puts out the last convolution over time, (B, C, T, J), as Grad-CAM needs it."""
        return self.blocks

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        body = self.skeleton
        x = x if self.published else half_rate(x, known)
        moving = self.blocks(self.descriptors(_channels_first(body.describe(x)))).transpose(1, 2)
        joints = peak_over_time(moving, at_rate(known, moving.shape[1]))
        regions = [joints, *(joints[:, :, list(part)] for part in body.parts)]
        pooled = [
            head(mean_and_peak(region.transpose(1, 2)))
            for head, region in zip(self.heads, regions, strict=True)
        ]
        return self.join(torch.cat(pooled, dim=1))

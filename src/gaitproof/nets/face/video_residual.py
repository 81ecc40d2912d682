"""A residual network over space and time, whose convolutions are of space or of time alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gaitproof.nets.face.temporal_only import TemporalConvolution


class VideoBottleneck(nn.Module):
    """Over three images, over neighbouring places, and back to many channels, with a shortcut.

    Parameters
    ----------
    width, inner, out
        Channels before, within and after.
    spatial
        Side of the spatial kernel.
    stride
        2 halves the sides.
    """

    def __init__(self, width: int, inner: int, out: int, spatial: int, stride: int) -> None:
        super().__init__()
        self.over_time = TemporalConvolution(width, inner)
        # places are averaged, not left out: a spatial kernel of 1 would never see them
        self.shrink = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.over_places = nn.Conv2d(inner, inner, spatial, padding=spatial // 2, bias=False)
        self.widen = nn.Conv2d(inner, out, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(one) for one in (inner, inner, out))
        self.shortcut = (
            nn.Identity()
            if width == out
            else nn.Sequential(nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, maps: Tensor, linked: Tensor) -> Tensor:
        """Return maps (M, out, h / stride, w / stride); see `links`."""
        changed = torch.relu(self.norms[0](self.over_time(maps, linked)))
        changed = torch.relu(self.norms[1](self.over_places(self.shrink(changed))))
        changed = self.norms[2](self.widen(changed))
        return torch.relu(changed + self.shortcut(self.shrink(maps)))


class VideoResidual(nn.Module):
    """Bottleneck blocks in stages, a 32nd of the image's side at the end.

    Parameters
    ----------
    width
        Channels of the first layer; a stage's blocks have as many within and four times as many
        after them, twice those of the stage before (He et al., CVPR 2016).
    depths
        Blocks of each stage.
    spatial
        Side of the spatial kernels; the first layer's is 1 where theirs is.

    Attributes
    ----------
    width
        Channels at the end.
    """

    def __init__(self, width: int, depths: Sequence[int], spatial: int) -> None:
        super().__init__()
        kernel = 1 if spatial == 1 else 5
        self.enter_places = nn.Conv2d(3, width, kernel, padding=kernel // 2, bias=False)
        self.enter_time = TemporalConvolution(width, width)
        self.enter_norm = nn.BatchNorm2d(width)
        self.shrink = nn.AvgPool2d(2)
        outs = [width, *(4 * width * 2**stage for stage in range(len(depths)))]
        self.width = outs[-1]
        self.blocks = nn.ModuleList(
            VideoBottleneck(
                out if place else before,
                out // 4,
                out,
                spatial,
                2 if stage and not place else 1,
            )
            for stage, ((before, out), depth) in enumerate(zip(pairwise(outs), depths, strict=True))
            for place in range(depth)
        )

    def forward(self, crops: Tensor, linked: Tensor) -> Tensor:
        """Return maps (M, C, S / 32, S / 32) of crops (M, 3, S, S); see `links`."""
        entered = self.enter_time(self.enter_places(self.shrink(crops)), linked)
        maps: Tensor = self.shrink(torch.relu(self.enter_norm(entered)))
        for block in self.blocks:
            maps = block(maps, linked)
        return maps

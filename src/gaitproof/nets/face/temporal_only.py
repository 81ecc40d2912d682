"""A network that sees how every place of a face changes, and no shapes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import ClipNetwork
from gaitproof.nets.face.encoded import gather, spread
from gaitproof.nets.face.pooling import AttentionPooling
from gaitproof.nets.face.transformer import TemporalTransformer


class TemporalConvolution(nn.Module):
    """A convolution over three images in time with a spatial kernel of 1.

    Which is an ordinary one of kernel 1 on the channels of an image and its neighbours; before
    the first and after the last image of a clip there is 0.

    Parameters
    ----------
    width, out
        Channels.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3 * width, out, 1, bias=False)

    def forward(self, maps: Tensor, linked: Tensor) -> Tensor:
        """Return maps (M, out, h, w) of maps (M, width, h, w); see `links`."""
        nothing, joined = torch.zeros_like(maps[:1]), linked[:, None, None, None]
        before = torch.cat((nothing, maps[:-1] * joined))
        after = torch.cat((maps[1:] * joined, nothing))
        mixed: Tensor = self.mix(torch.cat((before, maps, after), dim=1))
        return mixed


class Block(nn.Module):
    """Two temporal convolutions around a shortcut."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.first, self.second = TemporalConvolution(width, out), TemporalConvolution(out, out)
        self.norms = nn.ModuleList((nn.BatchNorm2d(out), nn.BatchNorm2d(out)))
        self.shortcut = nn.Conv2d(width, out, 1, bias=False)

    def forward(self, maps: Tensor, linked: Tensor) -> Tensor:
        """Return maps (M, out, h, w) of maps (M, width, h, w)."""
        changed = torch.relu(self.norms[0](self.first(maps, linked)))
        changed = self.norms[1](self.second(changed, linked))
        return torch.relu(changed + self.shortcut(maps))


class TemporalOnly(ClipNetwork):
    """Changes from image to image, temporal convolutions with spatial kernels of 1.

    In the spirit of FTCN (Zheng et al., ICCV 2021): without spatial kernels a network cannot learn
    what one way of forging looks like, only that places do not go together over time, which other
    ways of forging share. Here it is not even shown the colours, but only their changes, so that
    of a clip of one image it has nothing to say. Between the stages neighbouring places are
    averaged; nothing spatial is learnt. A transformer over time and attention follow.

    Parameters
    ----------
    width
        Channels of the first stage; the others have two and four times as many.
    dropout
        In the transformer, and before the last layer.
    """

    def __init__(self, width: int = 24, dropout: float = 0.1) -> None:
        super().__init__()
        widths = (6, width, 2 * width, 4 * width)
        self.shrink = nn.AvgPool2d(2)
        # changes are far smaller than colours
        self.scale = nn.BatchNorm2d(widths[0])
        self.stages = nn.ModuleList(Block(before, after) for before, after in pairwise(widths))
        # the mean of the places and the one that stands out
        codes = 2 * widths[-1]
        self.sequence = TemporalTransformer(codes, 1, dropout)
        self.pool = AttentionPooling(codes)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(codes, 2))

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        linked = find_links(crops, present)
        maps = self.scale(changes(self.shrink(gather(crops, present)), linked))
        for stage in self.stages:
            maps = stage(self.shrink(maps), linked)
        codes = torch.cat((maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))), dim=1)
        states = self.sequence(spread(codes, present, len(crops)), present)
        pooled, weights = self.pool(states, present)
        return self.head(pooled), weights


def find_links(crops: Tensor, present: Tensor | None) -> Tensor:
    """Return `links` of the images of clips (N, T, ...), all of them if None."""
    return links_throughout(crops) if present is None else links(present)


def links_throughout(crops: Tensor) -> Tensor:
    """Return `links` of clips (N, T, ...) whose images are all there."""
    clips, images = crops.shape[:2]
    inside = torch.ones(clips, images - 1, device=crops.device)
    last = torch.zeros(clips, 1, device=crops.device)
    return torch.cat((inside, last), dim=1).flatten()[:-1]


def links(present: Tensor) -> Tensor:
    """Return which of the M present images is followed by one of its clip, float32 (M - 1,)."""
    clips = torch.nonzero(present)[:, 0]
    return (clips[1:] == clips[:-1]).float()


def changes(maps: Tensor, linked: Tensor) -> Tensor:
    """Return changes from the image before and to the one after, (M, 2 C, h, w); 0 if none."""
    steps = (maps[1:] - maps[:-1]) * linked[:, None, None, None]
    nothing = torch.zeros_like(maps[:1])
    return torch.cat((torch.cat((nothing, steps)), torch.cat((steps, nothing))), dim=1)

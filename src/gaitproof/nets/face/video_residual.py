"""Networks over space and time, whose convolutions are of space or of time alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import ClipNetwork
from gaitproof.nets.face.compact import Size
from gaitproof.nets.face.encoded import AttentionPooling, gather, spread
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
        return self.mix(torch.cat((before, maps, after), dim=1))


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


SIZES: Final[dict[Size, tuple[int, tuple[int, ...]]]] = {
    "small": (12, (1, 1, 1, 1)),
    "published": (64, (3, 4, 6, 3)),
}
"""Channels of the first layer, and blocks of each stage: those of ResNet-50 in the papers."""


class Ftcn(ClipNetwork):
    """A video ResNet with spatial kernels of 1, and a transformer over time.

    After Zheng et al., FTCN (ICCV 2021): without spatial kernels only what does not go together
    over time can be learnt. Beside `TemporalOnly` it sees the colours, not only their changes.

    Not the paper's: temporal kernels of 3 in the first layer, too; the sides are halved by
    averaging 2 by 2 places; attention over time in place of a class token, to say what an image
    counted.

    Parameters
    ----------
    size
        ``published`` for ResNet-50's channels and depth.
    width
        Channels of the first layer; all others follow.
    dropout
        In the transformer, and before the last layer.
    """

    def __init__(
        self, size: Size = "small", width: int | None = None, dropout: float = 0.1
    ) -> None:
        super().__init__()
        own, depths = SIZES[size]
        self.body = VideoResidual(width or own, depths, spatial=1)
        codes = self.body.width
        self.sequence = TemporalTransformer(codes, 1, dropout)
        self.pool = AttentionPooling(codes)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(codes, 2))

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        maps = self.body(gather(crops, present), find_links(crops, present))
        states = self.sequence(spread(maps.mean(dim=(2, 3)), present, len(crops)), present)
        pooled, weights = self.pool(states, present)
        return self.head(pooled), weights


TURNS: Final = (20, 1)
"""Steps in which spatial weights rest, then steps in which temporal ones do: what lies in single
images is learnt sooner (the paper's numbers)."""


class AltFreezing(ClipNetwork):
    """A video ResNet whose spatial and temporal weights learn by turns.

    After Wang et al., AltFreezing (CVPR 2023): otherwise such a network learns whichever of the two
    kinds of traces is easier. Normalisations, convolutions of 1 by 1 by 1 and the head always
    learn. The paper's forged clips of repeated and left out images are the recipe's `retimed`,
    and its clips blended alike throughout are what self-blended ones are anyway.

    Not the paper's: kernels of the first layer are 3 over time and 5 over places (5 and 7); the
    sides are halved by averaging; attention over time in place of the mean.

    Parameters
    ----------
    size
        ``published`` for ResNet-50's channels and depth.
    width
        Channels of the first layer; all others follow.
    dropout
        Before the last layer.
    """

    def __init__(
        self, size: Size = "small", width: int | None = None, dropout: float = 0.5
    ) -> None:
        super().__init__()
        own, depths = SIZES[size]
        self.body = VideoResidual(width or own, depths, spatial=3)
        self.pool = AttentionPooling(self.body.width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.body.width, 2))

    def resting(self, step: int) -> list[Tensor]:
        """Return what does not learn in a step: the spatial weights, or the temporal ones."""
        spatial_rests = step % sum(TURNS) < TURNS[0]
        kinds = self.kinds()
        return kinds["spatial" if spatial_rests else "temporal"]

    def kinds(self) -> dict[str, list[Tensor]]:
        """Return the weights of kernels over places, and of those over time."""
        parts = list(self.body.modules())
        over_time = [part.mix.weight for part in parts if isinstance(part, TemporalConvolution)]
        over_places = [
            part.weight
            for part in parts
            if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)
        ]
        return {"spatial": over_places, "temporal": over_time}

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        maps = self.body(gather(crops, present), find_links(crops, present))
        codes = spread(maps.mean(dim=(2, 3)), present, len(crops))
        pooled, weights = self.pool(codes, present)
        return self.head(pooled), weights

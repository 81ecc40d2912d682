"""Networks on windows of silhouettes (torch; training only).

All take masks (B, 50, 64, 44) of 0 and 1 at 25 Hz, of any type, and share one head: the feature
map is cut into horizontal strips, each with a projection of its own (horizontal pyramid mapping;
Chao et al., "GaitSet", AAAI 2019), batch-normalised (Luo et al., "BNNeck", CVPRW 2019). Training
looks at `SilhouetteNetwork.parts`; templates are made of the unit embedding, the strips' unit
vectors side by side on the directions in which people differ most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.gait.silhouettes import GAPS, LEGS
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH

STRIPS: Final = 16
"""Horizontal strips of the feature maps' 16 rows."""

PART: Final = 128
"""Length of a strip's vector."""


class StripHead(nn.Module):
    """From a feature map (B, C, H, W) to one vector per horizontal strip, (B, P, 128).

    Parameters
    ----------
    channels
        C.
    pyramid
        Numbers of strips a map is cut into.
    maps
        Maps one below the other in H; P is their number times the sum of the pyramid.
    """

    def __init__(self, channels: int, pyramid: Sequence[int] = (STRIPS,), maps: int = 1) -> None:
        super().__init__()
        self.pyramid, self.maps = tuple(pyramid), maps
        self.count = sum(self.pyramid) * maps
        self.projection = nn.Parameter(torch.empty(self.count, channels, PART))
        self.neck = nn.BatchNorm1d(self.count * PART)
        nn.init.xavier_uniform_(self.projection)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the strips' vectors before and after their normalisation, in full precision."""
        x = x.float()
        strips = [
            part.amax(dim=-1) + part.mean(dim=-1)
            for single in x.chunk(self.maps, dim=2)
            for part in (single.reshape(*single.shape[:2], n, -1) for n in self.pyramid)
        ]
        vectors = torch.einsum("bcp,pce->bpe", torch.cat(strips, dim=2), self.projection).float()
        return vectors, self.neck(vectors.flatten(1)).reshape(vectors.shape)


class SilhouetteNetwork(nn.Module):
    """An encoder of silhouettes with a `StripHead`.

    Parameters
    ----------
    embedding
        Length of the embedding.
    head
        Of the feature map that `features` returns.
    """

    def __init__(self, embedding: int, head: StripHead) -> None:
        super().__init__()
        self.embedding_size = embedding
        self.head = head
        self.directions = nn.Linear(head.count * PART, embedding)
        nn.init.orthogonal_(self.directions.weight)
        nn.init.zeros_(self.directions.bias)

    features: Callable[..., Tensor]
    """Map what the network reads, masks (B, 50, 64, 44) first, to a feature map (B, C, 16, W)."""

    def parts(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the strips' vectors (B, P, 128) before and after normalisation."""
        return self.head(self.features(*inputs))

    def described(self, *inputs: Tensor) -> Tensor:
        """Return the strips' unit vectors side by side, (B, P * 128)."""
        return functional.normalize(self.parts(*inputs)[1], dim=2).flatten(1)

    def forward(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to unit embeddings (B, E)."""
        return functional.normalize(self.directions(self.described(masks)), dim=1)


class Residual(nn.Module):
    """Two 3 × 3 convolutions and a way past them (He et al., CVPR 2016)."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.past: nn.Module = nn.Identity()
        if channels != out or stride != 1:
            self.past = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(inner)) + self.past(x))


def _sets(x: Tensor, frames: int) -> Tensor:
    """Divide the maps (B * T, C, H, W) of all frames into those of each window, (B, T, ...)."""
    return x.reshape(-1, frames, *x.shape[1:])


def energies(masks: Tensor, gaps: Sequence[int]) -> Tensor:
    """Return how often every cell is the person, and how often it changes within some frames.

    Parameters
    ----------
    masks
        Shape (B, T, 64, 44), of 0 and 1, floating.
    gaps
        Numbers of frames.

    Returns
    -------
    Tensor
        Shape (B, 1 + gaps, 64, 44): the gait energy image (Han and Bhanu, IEEE TPAMI 28, 2006) and
        the mean change over each gap.
    """
    changes = [(masks[:, gap:] - masks[:, :-gap]).abs().mean(dim=1) for gap in gaps]
    return torch.stack([masks.mean(dim=1), *changes], dim=1)


def openings(masks: Tensor, parts: int) -> Tensor:
    """Return the mean mask of the frames in which the legs are closest, ..., widest apart.

    What a mean over the window blurs most is the legs. Frames with the legs equally far apart are
    of about the same moment of a step, so that their mean is nearly as sharp as a frame.

    Parameters
    ----------
    masks
        Shape (B, T, 64, 44), of 0 and 1, floating.
    parts
        Number of parts, of T / `parts` frames each.

    Returns
    -------
    Tensor
        Shape (B, parts, 64, 44), 0 to 1.
    """
    columns = torch.arange(MASK_WIDTH, dtype=torch.float32, device=masks.device)
    legs = masks[:, :, LEGS].float().sum(dim=2)
    area = legs.sum(dim=2).clamp(min=1)
    apart = (legs * columns**2).sum(dim=2) / area - ((legs * columns).sum(dim=2) / area) ** 2
    later = torch.arange(masks.shape[1], device=masks.device)
    one, other = apart[:, :, None], apart[:, None, :]
    # of equals the earlier is the narrower
    wider = (one > other) | ((one == other) & (later[:, None] > later))
    part = wider.sum(dim=2) * parts // masks.shape[1]
    chosen = (part[:, None] == torch.arange(parts, device=masks.device)[:, None]).to(masks.dtype)
    means = chosen @ masks.flatten(2) / chosen.sum(dim=2, keepdim=True).clamp(min=1)
    return means.reshape(-1, parts, *masks.shape[2:])


class StripEnergy(SilhouetteNetwork):
    """A small residual network on energy images: our own, made for few processor hours.

    Where the body is on the whole and where it moves, at four time scales, is one small image
    whatever the moment of the stride and the number of frames; a network on it sees sixty times
    as many windows per processor hour as one on every frame.

    Parameters
    ----------
    embedding
        Length of the embedding.
    width
        Channels of the last stage.
    parts
        Parts of the window by how far the legs are apart whose `openings` are seen beside it; 0
        for none.
    """

    def __init__(self, *, embedding: int, width: int, parts: int = 0) -> None:
        super().__init__(embedding, StripHead(width))
        stem, first, second = width // 5, 3 * width // 10, 3 * width // 5
        self.parts_of_step = parts
        channels = 1 + len(GAPS) + parts
        self.scale = nn.BatchNorm2d(channels)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, stem, 7, 2, 3, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(inplace=True),
        )
        self.deep = nn.Sequential(
            Residual(stem, first), Residual(first, second, 2), Residual(second, width)
        )

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to a feature map (B, C, 16, 11)."""
        masks = masks.to(self.directions.weight.dtype)
        images = energies(masks, GAPS)
        if self.parts_of_step:
            images = torch.cat([images, openings(masks, self.parts_of_step)], dim=1)
        return self.deep(self.stem(self.scale(images)))


class EnergyDiscriminant(nn.Module):
    """Linear discriminants of energy images, in closed form.

    Mean, spread and mean change of the masks over the window (gait energy image: Han and Bhanu,
    IEEE TPAMI 28, 2006; discriminants: Rao, JRSS B 10, 1948), at half resolution; the directions
    are found by `gaitproof.train.silhouettes.discriminant`.

    Parameters
    ----------
    embedding
        Number of directions.
    """

    def __init__(self, *, embedding: int) -> None:
        super().__init__()
        self.embedding_size = embedding
        size = (2 + len(_SHORT_GAPS)) * (MASK_HEIGHT // 2) * (MASK_WIDTH // 2)
        self.directions = nn.Linear(size, embedding)

    def described(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to the values of their energy images, (B, F)."""
        images = energies(masks.to(self.directions.weight.dtype), _SHORT_GAPS)
        mean = images[:, :1]
        spread = (mean * (1 - mean)).clamp(min=_LEAST).sqrt()
        images = torch.cat([mean, spread, images[:, 1:]], dim=1)
        return functional.avg_pool2d(images, 2).flatten(1)

    def forward(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to unit embeddings (B, E)."""
        return functional.normalize(self.directions(self.described(masks)), dim=1)


_SHORT_GAPS: Final = (2, 4)
_LEAST: Final = 1e-12
"""The root's slope at 0 is infinite."""


class EnergyBlend(nn.Module):
    """`EnergyDiscriminant` and `StripEnergy` side by side: the two err on different walks.

    Parameters
    ----------
    embedding
        Length of the whole embedding.
    directions
        Of the discriminants; the rest is the network's.
    width
        Of the network.
    share
        The network's part of the similarity.
    """

    def __init__(self, *, embedding: int, directions: int, width: int, share: float) -> None:
        super().__init__()
        self.embedding_size = embedding
        self.share = share
        self.discriminant = EnergyDiscriminant(embedding=directions)
        self.network = StripEnergy(embedding=embedding - directions, width=width)

    def forward(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to unit embeddings (B, E)."""
        linear = math.sqrt(1 - self.share) * self.discriminant(masks)
        return torch.cat([linear, math.sqrt(self.share) * self.network(masks)], dim=1)


class GaitSet(SilhouetteNetwork):
    """Frames as a set (Chao et al., "GaitSet", AAAI 2019).

    Six convolutions on every frame, the set pooled by its maximum after each pair of them; the
    pooled maps run through a second column of convolutions (multilayer global pipeline). Strips of
    both at the end, by a pyramid of 1, 2, 4, 8 and 16. Every other frame of the window is taken.

    Parameters
    ----------
    embedding
        Length of the embedding.
    width
        Channels of the first pair of convolutions; the paper's 32.
    """

    def __init__(self, *, embedding: int, width: int) -> None:
        super().__init__(embedding, StripHead(4 * width, _PYRAMID, maps=2))
        self.frame = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(i, o, k, 1, k // 2, bias=False),
                nn.LeakyReLU(inplace=True),
                nn.Conv2d(o, o, 3, 1, 1, bias=False),
                nn.LeakyReLU(inplace=True),
            )
            for i, o, k in ((1, width, 5), (width, 2 * width, 3), (2 * width, 4 * width, 3))
        )
        self.set = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(i, o, 3, 1, 1, bias=False),
                nn.LeakyReLU(inplace=True),
                nn.Conv2d(o, o, 3, 1, 1, bias=False),
                nn.LeakyReLU(inplace=True),
            )
            for i, o in ((width, 2 * width), (2 * width, 4 * width))
        )

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to the maps of both columns, one below the other."""
        chosen = masks[:, ::2]
        x = chosen.to(self.directions.weight.dtype).flatten(0, 1)[:, None]
        frames = chosen.shape[1]
        first, second, third = self.frame
        x = functional.max_pool2d(first(x), 2)
        pooled = self.set[0](_sets(x, frames).amax(dim=1))
        x = functional.max_pool2d(second(x), 2)
        pooled = functional.max_pool2d(pooled, 2) + _sets(x, frames).amax(dim=1)
        pooled = self.set[1](pooled)
        last = _sets(third(x), frames).amax(dim=1)
        return torch.cat([last, pooled + last], dim=2)


_PYRAMID: Final = (1, 2, 4, 8, 16)


class GaitBase(SilhouetteNetwork):
    """A small residual network on every frame (Fan et al., "OpenGait", CVPR 2023), compact.

    Parameters
    ----------
    embedding
        Length of the embedding.
    layers
        Residual blocks per stage.
    width
        Channels of the first stage; the paper's 64.
    """

    def __init__(self, *, embedding: int, layers: int, width: int) -> None:
        super().__init__(embedding, StripHead(8 * width))
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        stages = ((width, width, 1), (width, 2 * width, 2), (2 * width, 4 * width, 2))
        self.stages = nn.Sequential(
            *(
                Residual(i if n == 0 else o, o, stride if n == 0 else 1)
                for i, o, stride in (*stages, (4 * width, 8 * width, 1))
                for n in range(layers)
            )
        )

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to a feature map (B, C, 16, 11)."""
        chosen = masks[:, ::2]
        x = chosen.to(self.directions.weight.dtype).flatten(0, 1)[:, None]
        return _sets(self.stages(self.stem(x)), chosen.shape[1]).amax(dim=1)

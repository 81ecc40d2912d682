"""Genuine faces rebuilt; what cannot be rebuilt guides the look at it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import GENUINE, ImageNetwork, Looked, Studied
from gaitproof.nets.face.compact import Size

_WEIGHT: Final = 0.1
"""Of the loss of rebuilding, and of that of the distances (the paper's)."""
_NOISE: Final = 0.1
"""Standard deviation of what is added to the crops while it learns, in their own scale."""
_SIZES: Final[dict[Size, tuple[int, int]]] = {"small": (8, 1), "published": (32, 4)}
"""Channels of the first layer; half the blocks of the middle."""
_TINY: Final = 1e-6


def separable(width: int, out: int) -> list[nn.Module]:
    """Return a convolution of each channel, one of each place, and batch normalisation."""
    return [
        nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
        nn.Conv2d(width, out, 1, bias=False),
        nn.BatchNorm2d(out),
    ]


class Block(nn.Module):
    """Two or three separable convolutions around a shortcut (Chollet, CVPR 2017).

    Parameters
    ----------
    widths
        Channels before, between and after the convolutions.
    stride
        2 halves the sides.
    """

    def __init__(self, widths: tuple[int, ...], stride: int) -> None:
        super().__init__()
        layers = [
            layer
            for before, after in pairwise(widths)
            for layer in (nn.ReLU(), *separable(before, after))
        ]
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, 1))
        self.body = nn.Sequential(*layers)
        self.shortcut = (
            nn.Identity()
            if stride == 1
            else nn.Sequential(
                nn.Conv2d(widths[0], widths[-1], 1, stride, bias=False), nn.BatchNorm2d(widths[-1])
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, out, h / stride, w / stride)."""
        return self.shortcut(maps) + self.body(maps)


class GraphReasoning(nn.Module):
    """Every place of the encoder's maps reads from the places of the decoder's that lie in it.

    Relations are products of both, softmax over the finer places of one coarse place: a bipartite
    graph at each scale.

    Parameters
    ----------
    width
        Channels of the encoder's maps.
    finer
        Channels of the decoder's maps, of twice and four times the sides.
    """

    def __init__(self, width: int, finer: tuple[int, ...]) -> None:
        super().__init__()
        inner = max(width // 4, 8)
        self.ask = nn.ModuleList(nn.Conv2d(width, inner, 1, bias=False) for _ in finer)
        self.answer = nn.ModuleList(nn.Conv2d(one, inner, 1, bias=False) for one in finer)
        self.hand = nn.ModuleList(nn.Conv2d(one, inner, 1, bias=False) for one in finer)
        self.join = nn.Sequential(
            nn.Conv2d(width + len(finer) * inner, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )

    def forward(self, maps: Tensor, finer: tuple[Tensor, ...]) -> Tensor:
        """Return maps (N, C, h, w) of maps (N, C, h, w) and finer ones."""
        read = [maps]
        for ask, answer, hand, fine in zip(self.ask, self.answer, self.hand, finer, strict=True):
            ratio = fine.shape[2] // maps.shape[2]
            asked = ask(maps)
            # (N, inner, ratio * ratio, h, w): the places that lie in one
            keys, values = (
                nn.functional.pixel_unshuffle(one, ratio).reshape(
                    one.shape[0], -1, ratio * ratio, *maps.shape[2:]
                )
                for one in (answer(fine), hand(fine))
            )
            relation = (asked[:, :, None] * keys).sum(dim=1, keepdim=True) / asked.shape[1] ** 0.5
            read.append((relation.softmax(dim=2) * values).sum(dim=2))
        return maps + self.join(torch.cat(read, dim=1))


class Recce(ImageNetwork):
    """Reconstruction and classification learnt together, after Cao et al., RECCE (CVPR 2022).

    The first half of an Xception encodes, a decoder rebuilds the crop. While it learns, only
    genuine faces must be rebuilt and lie near each other, so that what is left of a forged one
    stands out: that residual weighs the second half's features, which have read from the decoder at
    two scales.

    Not the paper's: the crop is rebuilt in its own scale without a bound.

    Parameters
    ----------
    size
        ``published`` for Xception's own channels and depth.
    width
        Channels of the first layer; all others follow.
    dropout
        Before the last layer.
    """

    aims = ("reconstruction", "distance")

    def __init__(
        self, size: Size = "small", width: int | None = None, dropout: float = 0.2
    ) -> None:
        super().__init__()
        own, depth = _SIZES[size]
        first = width or own
        # 728, 1024, 1536 and 2048 of Xception's 32
        middle, last, wide, code = (first * times // 4 for times in (91, 128, 192, 256))
        self.encoder = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, 2 * first, 3, 1, 1, bias=False),
            nn.BatchNorm2d(2 * first),
            Block((2 * first, 4 * first, 4 * first), 2),
            Block((4 * first, 8 * first, 8 * first), 2),
            Block((8 * first, middle, middle), 2),
            *(Block((middle,) * 4, 1) for _ in range(depth)),
        )
        steps = (middle, 8 * first, 4 * first, 2 * first, first)
        self.decoder = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2.0), *separable(before, after), nn.ReLU())
            for before, after in pairwise(steps)
        )
        self.rebuild = nn.Conv2d(first, 3, 3, padding=1)
        self.reason = GraphReasoning(middle, steps[1:3])
        self.guide = nn.Sequential(nn.Conv2d(3, 1, 3, padding=1), nn.Sigmoid())
        self.select = nn.Sequential(
            nn.Conv2d(middle, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU()
        )
        self.rest = nn.Sequential(
            *(Block((middle,) * 4, 1) for _ in range(depth)),
            Block((middle, middle, last), 2),
            *separable(last, wide),
            nn.ReLU(),
            *separable(wide, code),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(code, 2))

    def features(self, crops: Tensor) -> Tensor:
        """Return the last maps, shape (N, 64 times the first layer's channels, S / 32, S / 32)."""
        return self._see(crops)[0]

    def study(self, crops: Tensor, labels: Tensor) -> Studied:
        """Look at noisy crops, and return what rebuilding and distances cost."""
        noisy = crops + _NOISE * torch.randn_like(crops)
        features, rebuilt, codes = self._see(noisy)
        genuine = labels == GENUINE
        errors = (rebuilt - crops).abs().mean(dim=(1, 2, 3))
        losses = {
            # no genuine crop among them: 0, and not the mean of nothing
            "reconstruction": _WEIGHT * (errors * genuine).sum() / genuine.sum().clamp(min=1),
            "distance": _WEIGHT * torch.stack([distance(one, genuine) for one in codes]).sum(),
        }
        return Studied(Looked(self.head(features.mean(dim=(2, 3)))), losses)

    def _see(self, crops: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return last maps, the crops rebuilt, and codes (N, C) of encoder and decoder."""
        encoded = self.encoder(crops)
        stages = [encoded]
        for step in self.decoder:
            stages.append(step(stages[-1]))
        # sides that are no multiple of 16 were rounded up on the way
        rebuilt = self.rebuild(stages[-1])[..., : crops.shape[2], : crops.shape[3]]
        residual = nn.functional.adaptive_avg_pool2d((rebuilt - crops).abs(), encoded.shape[2:])
        read = self.reason(encoded, (stages[1], stages[2]))
        guided = read + self.guide(residual) * self.select(read)
        return self.rest(guided), rebuilt, [one.mean(dim=(2, 3)) for one in stages]


def distance(codes: Tensor, genuine: Tensor) -> Tensor:
    """Return how far genuine codes lie from each other, less how far from forged ones.

    Parameters
    ----------
    codes
        Shape (N, C).
    genuine
        Shape (N,).

    Returns
    -------
    Tensor
        Mean of (1 - cosine) / 2 over pairs of genuine codes, minus that over pairs of a genuine and
        a forged one; a kind without pairs counts 0.
    """
    unit = nn.functional.normalize(codes.float(), dim=1)
    apart = (1 - unit @ unit.T) / 2
    near = (
        genuine[:, None] & genuine & ~torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    )
    far = genuine[:, None] & ~genuine
    means = [(apart * pairs).sum() / pairs.sum().clamp(min=1) for pairs in (near, far)]
    return means[0] - means[1]

"""Networks on windows of silhouettes (torch; training only).

All take masks (B, 50, 64, 44) of 0 and 1 at 25 Hz, of any type, and share one head: the feature
map is cut into horizontal strips, each with a projection of its own (horizontal pyramid mapping;
Chao et al., "GaitSet", AAAI 2019), batch-normalised (Luo et al., "BNNeck", CVPRW 2019). Training
looks at `SilhouetteNetwork.parts`; templates are made of the unit embedding, the strips' unit
vectors side by side on the directions in which people differ most.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

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

    @abstractmethod
    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to a feature map (B, C, 16, W)."""

    def parts(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return the strips' vectors (B, P, 128) before and after normalisation."""
        found: tuple[Tensor, Tensor] = self.head(self.features(masks))
        return found

    def described(self, masks: Tensor) -> Tensor:
        """Return the strips' unit vectors side by side, (B, P * 128)."""
        return functional.normalize(self.parts(masks)[1], dim=2).flatten(1)

    def forward(self, masks: Tensor) -> Tensor:
        """Map masks (B, 50, 64, 44) to unit embeddings (B, E)."""
        return functional.normalize(self.directions(self.described(masks)), dim=1)


class _Residual(nn.Module):
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
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(inner)) + self.past(x))


def moments_of(masks: Tensor, gap: int = 2, step: int = 3) -> Tensor:
    """Return masks before, at and after evenly spaced moments.

    Parameters
    ----------
    masks
        Shape (B, T, 64, 44).
    gap
        Frames between the three: 0.08 s at 25 Hz.
    step
        Frames between the moments.

    Returns
    -------
    Tensor
        Shape (B, M, 3, 64, 44).
    """
    last = masks.shape[1] - 2 * gap
    return torch.stack([masks[:, k : k + last : step] for k in (0, gap, 2 * gap)], dim=2)


def random_moments(masks: Tensor, count: int = 8) -> Tensor:
    """Return `count` random moments of random gap, as `moments_of`; the same for all windows.

    Fewer than the network sees when it is used: the pooling must not count on their number.
    """
    gap = int(torch.randint(1, 4, ()))
    middle = gap + torch.randperm(masks.shape[1] - 2 * gap)[:count].sort().values
    return torch.stack([masks[:, middle + k] for k in (-gap, 0, gap)], dim=2)


def _sets(x: Tensor, frames: int) -> Tensor:
    """Divide the maps (B * T, C, H, W) of all frames into those of each window, (B, T, ...)."""
    return x.reshape(-1, frames, *x.shape[1:])


class SetPool(torch.autograd.Function):
    """Largest and mean value over the frames, in the memory order convolutions work in."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, frames: int) -> Tensor:
        """Map (B * T, C, H, W) to (B, 2 C, H, W)."""
        rows, channels, height, width = x.shape
        each = x.permute(0, 2, 3, 1).reshape(rows // frames, frames, -1)
        largest = each[:, 0].clone()
        total = each[:, 0].to(torch.promote_types(x.dtype, torch.float32), copy=True)
        for t in range(1, frames):
            torch.maximum(largest, each[:, t], out=largest)
            total += each[:, t]
        ctx.save_for_backward(each, largest)
        ctx.shape = (rows, channels, height, width)
        mean = (total / frames).to(largest.dtype)
        maps = [part.view(-1, height, width, channels) for part in (largest, mean)]
        return torch.cat(maps, dim=-1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Send the mean's gradient to all frames and the largest value's to where it was."""
        each, largest = ctx.saved_tensors
        rows, channels, height, width = ctx.shape
        grad = grad.permute(0, 2, 3, 1)
        to_largest = grad[..., :channels].reshape(len(each), -1)
        to_mean = grad[..., channels:].reshape(len(each), -1) / each.shape[1]
        back = torch.empty_like(each)
        for t in range(each.shape[1]):
            at = (each[:, t] == largest).to(to_largest.dtype)
            torch.addcmul(to_mean, to_largest, at, out=back[:, t])
        return back.view(rows, height, width, channels).permute(0, 3, 1, 2), None


class StripSet(SilhouetteNetwork):
    """Our own, made for few processor hours: what moves where, pooled over time at once.

    Sixteen moments of the window, each as three masks 0.08 s apart, folded losslessly to 16 × 11
    cells of 4 × 4 pixels; one convolution over cells and moments; largest and mean value over the
    moments (the set of frames; GaitSet); residual blocks on that one map.

    Parameters
    ----------
    embedding
        Length of the embedding.
    layers
        Residual blocks.
    width
        Their channels; the convolution before the pooling has half as many.
    """

    def __init__(self, *, embedding: int, layers: int, width: int) -> None:
        super().__init__(embedding, StripHead(width))
        before = width // 2
        self.cells = nn.Conv2d(3 * _CELL**2, before, 3, 1, 1)
        self.norm = nn.BatchNorm2d(2 * before)
        self.deep = nn.Sequential(
            *(_Residual(2 * before if i == 0 else width, width) for i in range(layers))
        )

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to a feature map (B, C, 16, 11)."""
        return self.pooled(random_moments(masks) if self.training else moments_of(masks))

    def pooled(self, moments: Tensor) -> Tensor:
        """Map moments (B, M, 3, 64, 44) to a feature map (B, C, 16, 11)."""
        rows, columns = MASK_HEIGHT // _CELL, MASK_WIDTH // _CELL
        cells = moments.to(self.cells.weight.dtype).reshape(-1, 3, rows, _CELL, columns, _CELL)
        cells = cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, rows, columns, 3 * _CELL**2)
        found = functional.leaky_relu(self.cells(cells.permute(0, 3, 1, 2)), _SLOPE)
        if torch.is_grad_enabled():
            pooled = SetPool.apply(found, moments.shape[1])  # type: ignore[no-untyped-call]
        else:  # what the exporter can follow
            each = _sets(found, moments.shape[1])
            pooled = torch.cat([each.amax(dim=1), each.mean(dim=1)], dim=1)
        result: Tensor = self.deep(self.norm(pooled))
        return result


_CELL: Final = 4
_SLOPE: Final = 0.05


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
                _Residual(i if n == 0 else o, o, stride if n == 0 else 1)
                for i, o, stride in (*stages, (4 * width, 8 * width, 1))
                for n in range(layers)
            )
        )

    def features(self, masks: Tensor) -> Tensor:
        """Map masks (B, T, 64, 44) to a feature map (B, C, 16, 11)."""
        chosen = masks[:, ::2]
        x = chosen.to(self.directions.weight.dtype).flatten(0, 1)[:, None]
        return _sets(self.stages(self.stem(x)), chosen.shape[1]).amax(dim=1)

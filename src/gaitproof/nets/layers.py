"""Building blocks that several networks share (torch; training only)."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.nets.skeleton import SKELETONS
from gaitproof.types.layouts import GAIT_LAYOUT, Layout
from gaitproof.types.windows import WINDOW_FRAMES

_LEAST_VARIANCE = 1e-6
"""Keeps the gradient of the spread finite for a constant (or missing) feature."""


class FeatureEncoder(nn.Module):
    """From windows of features to unit embeddings; a subclass builds its parts and describes.

    Parameters
    ----------
    embedding
        Length of the embedding.
    dropout
        Dropout rate.
    layers, width
        Depth and channels; the subclass says of what.
    published
        Whether the paper's sizes stand in for these, if the subclass has any.
    frames
        Frames per window.
    layout
        The joints of the windows.
    padded
        Whether windows may end in padding; see `take_apart`.
    """

    def __init__(
        self,
        *,
        embedding: int,
        dropout: float,
        layers: int = 0,
        width: int = 0,
        published: bool = False,
        frames: int = WINDOW_FRAMES,
        layout: Layout = GAIT_LAYOUT,
        padded: bool = False,
    ) -> None:
        super().__init__()
        self.embedding_size = embedding
        self.published = published
        self.skeleton = SKELETONS[layout.name]
        self.padded = padded
        self._build(embedding, dropout, layers, width, frames)

    @abstractmethod
    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        """Make the parts and draw their weights."""

    @abstractmethod
    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """Map z-scored features (B, frames, F) to embeddings (B, E) of any length.

        `known` (B, frames) says which frames are no padding; None: all.
        """

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, frames, F) to unit embeddings (B, E)."""
        return nn.functional.normalize(self._describe(*take_apart(x, self.padded)), dim=1)


def take_apart(x: Tensor, padded: bool) -> tuple[Tensor, Tensor | None]:
    """Return what a network may look at of its windows, and which frames are known.

    Parameters
    ----------
    x
        Shape (B, T, F), or (B, T, F + 1) if `padded`: the last number of a frame is then 1, or 0
        where the frame is padding.
    padded
        Whether they may be padded.

    Returns
    -------
    tuple
        Features (B, T, F), 0 in the padding whatever was there, and (B, T) True where a frame is
        known, or None for everywhere.
    """
    if not padded:
        return x, None
    known = x[..., -1] > 0.5
    return torch.where(known[..., None], x[..., :-1], 0.0), known


def at_rate(known: Tensor | None, frames: int) -> Tensor | None:
    """Return which frames are known (B, frames) after strides that left so many of them."""
    return None if known is None else known[:, :: -(-known.shape[1] // frames)]


def mean_over_time(x: Tensor, known: Tensor | None = None) -> Tensor:
    """Return the mean of the known frames: (B, T, ...) to (B, ...)."""
    if known is None:
        return x.mean(dim=1)
    weight = _along(known, x).to(x.dtype)
    return (x * weight).sum(dim=1) / weight.sum(dim=1)


def peak_over_time(x: Tensor, known: Tensor | None = None) -> Tensor:
    """Return the maximum of the known frames: (B, T, ...) to (B, ...)."""
    shown = x if known is None else x.masked_fill(~_along(known, x), float("-inf"))
    return shown.amax(dim=1)


def _along(known: Tensor, x: Tensor) -> Tensor:
    return known.reshape(*known.shape, *([1] * (x.ndim - 2)))


class ResidualBlock(nn.Module):
    """Two 3-tap convolutions with batch norm, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Dropout1d(dropout),
            nn.Conv1d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
        )
        self.shortcut: nn.Module = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Conv1d(inputs, outputs, 1, stride=stride, bias=False)
        )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T / stride), rounded up."""
        return self.activation(self.body(x) + self.shortcut(x))


class TransformerLayer(nn.Module):
    """Pre-norm self-attention and GELU feed-forward layer (Xiong et al. 2020).

    Parameters
    ----------
    width
        Channels D of the tokens.
    heads
        Attention heads; must divide `width`.
    dropout
        Rate on both residual branches.
    expansion
        Channels inside the feed-forward part, as a multiple of `width`.
    """

    def __init__(self, width: int, heads: int, dropout: float, expansion: int = 2) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(
                "The width of a Transformer must be a multiple of its attention heads.",
                expected=f"a multiple of {heads}",
                actual=str(width),
            )
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """Map (B, T, D) to (B, T, D); nothing attends to tokens that are not `known` (B, T)."""
        batch, time, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, time, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        # written out: for 30 steps this trains faster on a CPU than the fused attention
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5
        if known is not None:
            scores = scores.masked_fill(~known[:, None, None], float("-inf"))
        mixed = scores.softmax(dim=-1) @ value
        x = x + self.dropout(self.project(mixed.transpose(1, 2).reshape(batch, time, width)))
        return x + self.dropout(self.feed(self.norm2(x)))


def level_and_spread(x: Tensor, known: Tensor | None = None) -> Tensor:
    """Return mean and standard deviation over time: (B, T, C) to (B, 2C)."""
    level = mean_over_time(x, known)
    spread = mean_over_time((x - level[:, None]).square(), known).add(_LEAST_VARIANCE).sqrt()
    return torch.cat([level, spread], dim=1)


def mean_and_peak(x: Tensor, known: Tensor | None = None) -> Tensor:
    """Return mean and maximum over time: (B, T, C) to (B, 2C)."""
    return torch.cat([mean_over_time(x, known), peak_over_time(x, known)], dim=1)


def initialise(module: nn.Module) -> None:
    """Xavier-uniform for linear layers, Kaiming-normal fan-out for convolutions (design).

    To be handed to `torch.nn.Module.apply`; other layers keep PyTorch's own initialisation.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

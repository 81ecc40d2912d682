"""Transformers over the skeleton: Gait-TR, GaitPT and GaitFormer (torch; training only).

Compact implementations from the papers, for 12 or 17 joints at 30 Hz and a CPU. The attention layer
is the pre-norm GELU one that the hybrid uses. Position codes start as normal noise of deviation
0.02, linear layers Xavier-uniform (the vision transformers behind these papers: truncated normal
0.02).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.nets.layers import (
    FeatureEncoder,
    TransformerLayer,
    at_rate,
    initialise,
    mean_over_time,
)
from gaitproof.nets.skeleton import half_rate

_HEADS = 4


def position(*shape: int) -> nn.Parameter:
    """Return a code of places to be learnt: normal noise of deviation 0.02."""
    return nn.Parameter(torch.randn(*shape) * 0.02)


class AxisAttention(nn.Module):
    """A Transformer layer along one axis of tokens (B, T, V, D): 2 among those of every frame.

    With axis 1 every token attends to itself over time.
    """

    def __init__(self, width: int, axis: int, heads: int = _HEADS, expansion: int = 2) -> None:
        super().__init__()
        self.layer = TransformerLayer(width, heads, 0.0, expansion)
        self.other = 3 - axis

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """Let the tokens along the axis attend to each other, over time to those `known` (B, T)."""
        across = x.transpose(1, self.other)
        if known is not None:
            known = (
                known[:, None].expand(-1, x.shape[2], -1).flatten(0, 1) if self.other == 2 else None
            )
        out = self.layer(across.flatten(0, 1), known).unflatten(0, (-1, x.shape[self.other]))
        return out.transpose(1, self.other)


class TemporalConvolution(nn.Module):
    """A convolution along the time of every joint with batch norm, Mish and a shortcut.

    Parameters
    ----------
    inputs, outputs
        Channels.
    taps
        Frames, odd.
    stride
        Temporal stride.
    dropout
        Dropout rate.
    """

    def __init__(self, inputs: int, outputs: int, taps: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(
                inputs,
                outputs,
                (taps, 1),
                stride=(stride, 1),
                padding=(taps // 2, 0),
                bias=False,
            ),
            nn.BatchNorm2d(outputs),
            nn.Mish(),
            nn.Dropout2d(dropout),
        )
        self.shortcut: nn.Module = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Conv2d(inputs, outputs, 1, stride=(stride, 1), bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, V, C) to (B, T / stride, V, C')."""
        first = x.permute(0, 3, 1, 2)
        return (self.body(first) + self.shortcut(first)).permute(0, 2, 3, 1)


class GaitTR(FeatureEncoder):
    """Temporal convolutions and spatial self-attention in turn.

    Zhang, Chen, Han, Liu, "Spatial transformer network on skeleton-based gait recognition", 2022
    (arXiv 2204.03873): stacked modules of a temporal convolution with Mish, then self-attention
    among the joints of each frame; averaged over time and joints into the embedding. Here: joints,
    velocities and bones at half the frame rate as input, halved again by the first module; at most
    48 channels instead of 256 (`published`: 64, 64, 128 and 256, taps of 9, the full frame rate);
    and pre-norm attention with a feed-forward part instead of the paper's own.

    Parameters
    ----------
    layers
        Modules after the first.
    width
        Channels of the modules; the first has half. A multiple of 8.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        self.scale = nn.BatchNorm2d(9)
        channels: tuple[int, ...] = (9, width // 2, *([width] * layers))
        taps, stride = 5, 2
        if self.published:
            channels, taps, stride = (9, 64, 64, 128, 256), 9, 1
        modules: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(channels)):
            modules += [
                TemporalConvolution(before, after, taps, stride if i == 0 else 1, dropout),
                AxisAttention(after, 2),
            ]
        self.body = nn.Sequential(*modules)
        # attention alone cannot tell joints apart
        self.joint = position(1, 1, self.skeleton.n_joints, 9)
        self.head = nn.Sequential(nn.LayerNorm(channels[-1]), nn.Linear(channels[-1], embedding))
        self.apply(initialise)

    @property
    def maps(self) -> nn.Module:
        """What puts out the last convolution over time, (B, C, T, J), as Grad-CAM needs it."""
        convolution: Any = self.body[-2]
        return convolution.body

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        x = x if self.published else half_rate(x, known)
        body = self.skeleton
        joints = torch.cat([body.coordinates(x), body.velocities(x), body.bones(x)], dim=3)
        scaled = self.scale(joints.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        frames = self.body(scaled + self.joint).mean(dim=2)
        return self.head(mean_over_time(frames, at_rate(known, frames.shape[1])))


class GaitPT(FeatureEncoder):
    """Pyramid of spatial and temporal attention: joints, limbs, larger parts, whole body.

    Catruna, Cosma, Radoi, "GaitPT: Skeletons are all you need for gait recognition", 2023 (arXiv
    2308.10623): in each of four stages attention among the tokens of a frame, then along the time
    of each token; between stages the tokens of neighbouring parts are merged into one; the outcomes
    of all stages together give the embedding. Here: 12 joints merge by two into six limbs, those by
    two into trunk and legs, those by three into the body; of COCO-17, as in the paper, by three
    into halves of the head (which share the nose), arms and legs, then into head, arms and legs;
    stages are averaged over their tokens instead of read from class tokens, and the frame rate is
    quartered first. `published` has the
    authors' stages (github.com/AndyCatruna/GaitPT): 32, 64, 128 and 256 channels, three pairs of
    layers each, 8 heads, feed-forward parts of four times the channels, the full frame rate.

    Parameters
    ----------
    layers
        Spatial-temporal pairs of layers per stage.
    width
        Channels of the last stage, a multiple of 16; the joints have a quarter, the limbs two, the
        larger parts three.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        if width % 16:
            raise ModelError(
                "The width of gaitpt must divide into stages and attention heads.",
                expected="a multiple of 16",
                actual=str(width),
            )
        widths = tuple(width * part // 4 for part in (1, 2, 3, 4))
        heads, expansion, stride, length = _HEADS, 2, 2, -(-frames // 4)
        if self.published:
            widths, layers = (32, 64, 128, 256), 3
            heads, expansion, stride, length = 8, 4, 1, frames
        order = [joint for limb in self.skeleton.limbs for joint in limb]
        self._order, tokens = order, (len(order), 6, 3, 1)
        self.enter = nn.Conv2d(6, widths[0], (3, 1), stride=(stride, 1), padding=(1, 0))
        self.time = position(1, length, 1, widths[0])
        self.joint = position(1, 1, len(order), widths[0])
        self.merges = nn.ModuleList(
            nn.Linear(tokens[i] // tokens[i + 1] * widths[i], widths[i + 1]) for i in range(3)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    layer
                    for _ in range(layers)
                    for layer in (
                        *([AxisAttention(size, 2, heads, expansion)] if count > 1 else []),
                        AxisAttention(size, 1, heads, expansion),
                    )
                )
            )
            for count, size in zip(tokens, widths, strict=True)
        )
        self.head = nn.Sequential(
            nn.LayerNorm(sum(widths)), nn.Dropout(dropout), nn.Linear(sum(widths), embedding)
        )
        self.apply(initialise)

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        x = x if self.published else half_rate(x, known)
        joints = torch.cat([self.skeleton.coordinates(x), self.skeleton.velocities(x)], dim=3)
        tokens = self.enter(joints[:, :, self._order].permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        known = at_rate(known, tokens.shape[1])
        first, *others = self.stages
        tokens = _attend(first, tokens + self.time + self.joint, known)
        outcomes = [mean_over_time(tokens.mean(dim=2), known)]
        for merge, stage, parts in zip(self.merges, others, (6, 3, 1), strict=True):
            grouped = tokens.reshape(*tokens.shape[:2], parts, -1)
            tokens = _attend(stage, merge(grouped), known)
            outcomes.append(mean_over_time(tokens.mean(dim=2), known))
        return self.head(torch.cat(outcomes, dim=1))


def _attend(stage: nn.Module, tokens: Tensor, known: Tensor | None) -> Tensor:
    for layer in stage.children():
        tokens = layer(tokens, known)
    return tokens


class GaitFormer(FeatureEncoder):
    """Flat Transformer over skeletons: one token per two frames and a class token.

    Cosma, Radoi, "Learning gait representations with noisy multi-task learning", Sensors 2022
    (GaitFormer): the skeleton of a frame, flattened and projected, is a token of a plain vision
    transformer; the class token gives the embedding. Here: coordinates and velocities, two frames
    per token, 3 layers of 128 channels, and no appearance attributes to learn beside.

    Parameters
    ----------
    layers
        Transformer layers.
    width
        Channels; a multiple of 4.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        self.enter = nn.Conv1d(6 * self.skeleton.n_joints, width, 3, stride=2, padding=1)
        self.position = position(1, -(-frames // 2), width)
        self.summary = position(1, 1, width)
        self.body = nn.Sequential(
            *(TransformerLayer(width, _HEADS, dropout) for _ in range(layers)),
            nn.LayerNorm(width),
        )
        self.head = nn.Linear(width, embedding)
        self.apply(initialise)

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        layout = self.skeleton.layout
        flat = torch.cat([x[..., layout.coordinates], x[..., layout.velocities]], dim=2)
        frames = self.enter(flat.transpose(1, 2)).transpose(1, 2) + self.position
        summary = self.summary.expand(x.shape[0], -1, -1)
        tokens = torch.cat([summary, frames], dim=1)
        if (shown := at_rate(known, frames.shape[1])) is not None:
            known = torch.cat([torch.ones_like(shown[:, :1]), shown], dim=1)
        *layers, norm = self.body
        for layer in layers:
            tokens = layer(tokens, known)
        return self.head(norm(tokens[:, 0]))

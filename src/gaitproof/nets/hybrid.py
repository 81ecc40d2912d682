"""The CNN + BiLSTM + Transformer gait encoder (torch; training only).

A residual 1-D CNN reads the 78 features of each frame; a bidirectional LSTM and a Transformer read
its output side by side; a fusion MLP joins what both pooled over time into one embedding
(gait seed: report for `hybrid-base`, paper for `hybrid-small`). Beside the seed's design the fusion
also sees each input feature's mean and spread over the window: linear discriminants of those alone
verify nearly as well as the networks do, and the network learns faster when it need not rebuild
them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn

from gaitproof.nets.layers import (
    ResidualBlock,
    TransformerLayer,
    at_rate,
    initialise,
    level_and_spread,
    mean_and_peak,
    take_apart,
)
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES

Branch = Literal["cnn", "bilstm", "transformer"]
"""Part of the hybrid that can be left out, for ablation."""

_STRIDE = 2
"""The second CNN stage halves the frame rate: keeps gait (below 6 Hz), halves the later cost."""


class HybridEncoder(nn.Module):
    """Normalised gait windows to embeddings.

    Parameters
    ----------
    embedding
        Length of the embedding.
    dropout
        Dropout rate everywhere.
    width
        Channels of the last CNN stage, of the Transformer and of both LSTM directions together.
    stem
        Channels of the CNN stages before the last, at least one.
    layers
        Depth of the Transformer.
    heads
        Attention heads of the Transformer; must divide `width`.
    lstm_layers
        Depth of the BiLSTM; as deep as `layers` if None.
    branches
        Parts to build. Without ``cnn`` every two frames are projected linearly to `width`; with
        nothing but ``cnn`` its own output is pooled.
    frames
        Frames per window.
    padded
        Whether windows may end in padding (`gaitproof.nets.layers.take_apart`), in which the
        backward LSTM then begins.
    """

    def __init__(
        self,
        *,
        embedding: int,
        dropout: float,
        width: int,
        stem: tuple[int, ...],
        layers: int = 1,
        heads: int = 4,
        lstm_layers: int | None = None,
        branches: Collection[Branch] = ("cnn", "bilstm", "transformer"),
        frames: int = WINDOW_FRAMES,
        padded: bool = False,
    ) -> None:
        super().__init__()
        self.embedding_size = embedding
        self.padded = padded
        self.cnn = (
            _stages((*stem, width), dropout)
            if "cnn" in branches
            else nn.Conv1d(N_FEATURES, width, 3, stride=_STRIDE, padding=1)
        )
        pooled = 0
        self.lstm: nn.LSTM | None = None
        if "bilstm" in branches:
            depth = layers if lstm_layers is None else lstm_layers
            self.lstm = nn.LSTM(
                width,
                width // 2,
                depth,
                batch_first=True,
                bidirectional=True,
                dropout=dropout if depth > 1 else 0.0,
            )
            pooled += 2 * (width // 2)
        self.transformer: nn.Sequential | None = None
        if "transformer" in branches:
            steps = -(-frames // _STRIDE)
            self.position = nn.Parameter(torch.randn(1, steps, width) * 0.02)
            self.transformer = nn.Sequential(
                *(TransformerLayer(width, heads, dropout) for _ in range(layers)),
                nn.LayerNorm(width),
            )
            pooled += width
        self.fusion = nn.Sequential(
            nn.Linear(2 * (pooled or width) + 2 * N_FEATURES, 2 * embedding),
            nn.LayerNorm(2 * embedding),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * embedding, embedding),
        )
        self.apply(initialise)

    @property
    def maps(self) -> nn.Module:
        """What puts out the last convolution over time, (B, C, T), as Grad-CAM needs it."""
        return self.cnn

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, frames, 78), or 79 if padded, to unit embeddings (B, E)."""
        x, known = take_apart(x, self.padded)
        frames = self.cnn(x.transpose(1, 2)).transpose(1, 2)
        steps = at_rate(known, frames.shape[1])
        paths = []
        if self.lstm is not None:
            paths.append(self.lstm(frames)[0])
        if self.transformer is not None:
            tokens = frames + self.position
            *layers, norm = self.transformer
            for layer in layers:
                tokens = layer(tokens, steps)
            paths.append(norm(tokens))
        both = torch.cat(paths or [frames], dim=2)
        pooled = torch.cat([mean_and_peak(both, steps), level_and_spread(x, known)], dim=1)
        return nn.functional.normalize(self.fusion(pooled), dim=1)


def _stages(channels: tuple[int, ...], dropout: float) -> nn.Sequential:
    """Chain residual blocks, the second of them strided."""
    inputs = (N_FEATURES, *channels[:-1])
    return nn.Sequential(
        *(
            ResidualBlock(before, after, _STRIDE if i == 1 else 1, dropout)
            for i, (before, after) in enumerate(zip(inputs, channels, strict=True))
        )
    )


class PairHead(nn.Module):
    """Learned verification head on |a - b| and a * b: one logit, higher = same person.

    It shapes the embedding during training; verdicts rest on the cosine.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * embedding, embedding), nn.GELU(), nn.Linear(embedding, 1)
        )
        self.apply(initialise)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two (B, E) embeddings to (B,) logits."""
        logits: Tensor = self.layers(torch.cat([(a - b).abs(), a * b], dim=1))
        return logits[:, 0]

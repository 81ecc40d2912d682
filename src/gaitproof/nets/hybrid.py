"""The CNN + BiLSTM + Transformer gait encoder (torch; training only).

A residual 1-D CNN reads the 78 features of each frame; a bidirectional LSTM and a Transformer read
its output side by side; a fusion MLP joins what both pooled over time into one embedding
(gait seed: report for `hybrid-base`, paper for `hybrid-small`). Beside the seed's design the fusion
also sees each input feature's mean and spread over the window: linear discriminants of those alone
verify nearly as well as the networks do, and the network learns faster when it need not rebuild
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES


@dataclass(frozen=True)
class HybridConfig:
    """Sizes of a hybrid encoder.

    Parameters
    ----------
    channels
        Channels of the CNN stages; every stage after the first halves the frame rate if `stride`
        is 2, which keeps gait (below 6 Hz) and halves the cost of what follows.
    stride
        Temporal stride of the stages after the first, applied to the first of them only.
    lstm_hidden, lstm_layers
        Size per direction, and depth, of the BiLSTM.
    heads, layers
        Attention heads and depth of the Transformer; its width is the last channel count.
    embedding
        Length of the embedding.
    dropout
        Dropout rate everywhere.
    """

    channels: tuple[int, ...]
    lstm_hidden: int
    lstm_layers: int
    heads: int
    layers: int
    embedding: int
    dropout: float
    stride: int = 2


HYBRID_SMALL = HybridConfig((64, 128), 64, 1, 4, 2, 128, 0.1)
"""Gait seed, paper; below one million parameters."""

HYBRID_BASE = HybridConfig((64, 128, 256), 128, 2, 8, 4, 256, 0.3)
"""Gait seed, report; about 3.8 million parameters by its own count."""


_LEAST_VARIANCE = 1e-6
"""Keeps the gradient of the spread finite for a constant (or missing) feature."""


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
        """Map (B, C, T) to (B, C', T / stride)."""
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


class HybridEncoder(nn.Module):
    """Normalised gait windows to embeddings.

    Parameters
    ----------
    config
        Sizes.
    """

    def __init__(self, config: HybridConfig) -> None:
        super().__init__()
        strides = [1, config.stride, *([1] * (len(config.channels) - 2))]
        blocks: list[nn.Module] = []
        width = N_FEATURES
        for channels, stride in zip(config.channels, strides, strict=True):
            blocks.append(ResidualBlock(width, channels, stride, config.dropout))
            width = channels
        self.cnn = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(
            width,
            config.lstm_hidden,
            config.lstm_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.lstm_layers > 1 else 0.0,
        )
        self.position = nn.Parameter(torch.randn(1, WINDOW_FRAMES // config.stride, width) * 0.02)
        self.transformer = nn.Sequential(
            *(TransformerLayer(width, config.heads, config.dropout) for _ in range(config.layers)),
            nn.LayerNorm(width),
        )
        joined = 2 * (2 * config.lstm_hidden + width) + 2 * N_FEATURES
        self.fusion = nn.Sequential(
            nn.Linear(joined, 2 * config.embedding),
            nn.LayerNorm(2 * config.embedding),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * config.embedding, config.embedding),
        )
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, 60, 78) to unit embeddings (B, E)."""
        frames = self.cnn(x.transpose(1, 2)).transpose(1, 2)
        short, _ = self.lstm(frames)
        long = self.transformer(frames + self.position)
        both = torch.cat([short, long], dim=2)
        level = x.mean(dim=1)
        spread = (x - level[:, None]).square().mean(dim=1).add(_LEAST_VARIANCE).sqrt()
        pooled = torch.cat([both.mean(dim=1), both.amax(dim=1), level, spread], dim=1)
        return nn.functional.normalize(self.fusion(pooled), dim=1)


class TransformerLayer(nn.Module):
    """Pre-norm self-attention and GELU feed-forward layer (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, D) to (B, T, D)."""
        batch, time, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, time, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        # written out: for 30 steps this trains faster on a CPU than the fused attention
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5
        mixed = scores.softmax(dim=-1) @ value
        x = x + self.dropout(self.project(mixed.transpose(1, 2).reshape(batch, time, width)))
        out: Tensor = x + self.dropout(self.feed(self.norm2(x)))
        return out


def _initialise(module: nn.Module) -> None:
    """Xavier-uniform for linear layers, Kaiming-normal fan-out for convolutions (design)."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv1d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class PairHead(nn.Module):
    """Learned verification head on |a - b| and a * b: one logit, higher = same person.

    It shapes the embedding during training; verdicts rest on the cosine.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * embedding, embedding), nn.GELU(), nn.Linear(embedding, 1)
        )
        self.apply(_initialise)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two (B, E) embeddings to (B,) logits."""
        logits: Tensor = self.layers(torch.cat([(a - b).abs(), a * b], dim=1))
        return logits[:, 0]

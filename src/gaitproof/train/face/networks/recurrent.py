"""ResNet-50 features read by recurrent layers (face seed 2), and a small CNN likewise (seed 3)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.train.face.networks.backbones import FRESH, load_backbone
from gaitproof.train.face.networks.base import ClipNetwork
from gaitproof.train.face.networks.pooling import AttentionPooling, Recurrence, each_picture

RESNET_WIDTH: Final = 2048
"""Channels of ResNet-50's last maps (He et al., CVPR 2016)."""


class FrozenResNet50(nn.Module):
    """ResNet-50 that does not learn: its features, (M, 2048).

    Parameters
    ----------
    pretrained
        See `gaitproof.train.face.networks.backbones.load_backbone`. With ``none`` the features are
        random, which is for tests and for comparing what stands behind them.
    """

    def __init__(self, pretrained: str) -> None:
        super().__init__()
        from transformers import ResNetConfig, ResNetModel

        self.backbone = load_backbone(ResNetModel, ResNetConfig(), pretrained)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> FrozenResNet50:
        """Stay in evaluation mode: what is frozen must not follow the batches' statistics."""
        del mode
        super().train(False)
        return self

    def forward(self, crops: Tensor) -> Tensor:
        """Return features (M, 2048) of crops (M, 3, S, S)."""
        with torch.no_grad():
            features: Tensor = self.backbone(crops).pooler_output
        return features.flatten(1)


class ResNet50BiLstm(ClipNetwork):
    """Frozen ResNet-50, two bidirectional LSTM layers, attention over time, BatchNorm, one layer.

    Parameters
    ----------
    pretrained
        Of the backbone.
    width
        Of each direction: 768, or 512 for the second member of the ensemble.
    dropout
        Between the layers and before the last one.
    """

    kind: type[nn.LSTM | nn.GRU] = nn.LSTM

    def __init__(self, pretrained: str = FRESH, width: int = 768, dropout: float = 0.3) -> None:
        super().__init__()
        self.look = FrozenResNet50(pretrained)
        self.recurrence = Recurrence(self.kind, RESNET_WIDTH, width, 2, dropout)
        self.pooling = AttentionPooling(2 * width)
        self.head = nn.Sequential(
            nn.BatchNorm1d(2 * width), nn.Dropout(dropout), nn.Linear(2 * width, 2)
        )

    def attend(self, crops: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T); see `ClipNetwork.attend`."""
        read = self.recurrence(each_picture(self.look, crops, present), present)
        pooled, weights = self.pooling(read, present)
        return self.head(pooled), weights


class ResNet50BiLstm512(ResNet50BiLstm):
    """The same with 512 units."""

    def __init__(self, pretrained: str = FRESH, width: int = 512, dropout: float = 0.3) -> None:
        super().__init__(pretrained, width, dropout)


class ResNet50BiGru(ResNet50BiLstm):
    """The same with two bidirectional GRU layers."""

    kind = nn.GRU


class CnnBiLstm(ClipNetwork):
    """Small CNN to 512 features, two bidirectional LSTM layers of 256, 512 to 128 to 2 (seed 3).

    Parameters
    ----------
    width
        Channels of the CNN's first stage; the others have twice, four and eight times as many.
    hidden
        Of each direction.
    dropout
        Before the last layer; between the recurrent layers it is 0.3 (seed 3).
    """

    def __init__(self, width: int = 32, hidden: int = 256, dropout: float = 0.5) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before = 3
        for after in (width, 2 * width, 4 * width, 8 * width):
            stages += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = after
        self.look = nn.Sequential(
            *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 512), nn.ReLU()
        )
        self.recurrence = Recurrence(nn.LSTM, 512, hidden, 2, 0.3)
        self.pooling = AttentionPooling(2 * hidden)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 2)
        )

    def attend(self, crops: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T); see `ClipNetwork.attend`."""
        read = self.recurrence(each_picture(self.look, crops, present), present)
        pooled, weights = self.pooling(read, present)
        return self.head(pooled), weights

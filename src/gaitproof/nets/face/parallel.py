"""A convolutional network read by an LSTM and by a transformer side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.face.backbones import FRESH, load_backbone
from gaitproof.nets.face.encoded import EncodedNetwork
from gaitproof.nets.face.pooling import AttentionPooling
from gaitproof.nets.face.recurrent import Recurrence
from gaitproof.nets.face.stages import SMALL, Size, SmallStages
from gaitproof.nets.face.transformer import TemporalTransformer


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al., CVPR 2018) as far as the mean of its last maps.

    Parameters
    ----------
    pretrained
        See `gaitproof.nets.face.backbones.load_backbone`.
    """

    width = 1280

    def __init__(self, pretrained: str) -> None:
        super().__init__()
        from transformers import MobileNetV2Config, MobileNetV2Model

        self.body = load_backbone(MobileNetV2Model, MobileNetV2Config(), pretrained)

    def forward(self, crops: Tensor) -> Tensor:
        """Return codes (M, 1280) of crops (M, 3, S, S)."""
        codes: Tensor = self.body(crops).last_hidden_state.mean(dim=(2, 3))
        return codes


class MeanOfStages(nn.Module):
    """The mean of the last maps of `SmallStages`.

    Parameters
    ----------
    width
        Channels of the first stage.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stages = SmallStages(width)
        self.width = self.stages.widths[-1]

    def forward(self, crops: Tensor) -> Tensor:
        """Return codes (M, C) of crops (M, 3, S, S)."""
        codes: Tensor = self.stages(crops)[-1].mean(dim=(2, 3))
        return codes


class CnnLstmTransformer(EncodedNetwork):
    """Codes of single images, a BiLSTM and a transformer over them in parallel, joined.

    The hybrid of the gait seed's Table II [15]: short-range motion by the LSTM, long-range
    relations by the transformer. What could be read of it names MobileNetV2 and both branches, and
    no other size; those are ours.

    Parameters
    ----------
    size
        ``published`` for MobileNetV2 and branches of 256.
    pretrained
        Of MobileNetV2, see `gaitproof.nets.face.backbones.load_backbone`.
    width
        Channels of the branches, and of the small encoder a quarter.
    dropout
        In the branches, and before the last layer.
    """

    fresh = ("enter", "recurrence", "sequence", "pool", "head")

    def __init__(
        self,
        size: Size = "small",
        pretrained: str = FRESH,
        width: int | None = None,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        published = size == "published"
        width = width or (256 if published else 4 * SMALL)
        encoder = MobileNetV2(pretrained) if published else MeanOfStages(max(width // 4, 4))
        self.encoder = encoder
        self.enter = nn.Sequential(nn.LayerNorm(encoder.width), nn.Linear(encoder.width, width))
        self.recurrence = Recurrence(nn.LSTM, width, width // 2, dropout)
        self.sequence = TemporalTransformer(width, 2, dropout)
        self.pool = AttentionPooling(2 * width)
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2)
        )

    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, D) of single images (M, 3, S, S)."""
        codes: Tensor = self.encoder(crops)
        return codes

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, D)."""
        entered = self.enter(codes)
        branches = (self.recurrence(entered, present), self.sequence(entered, present))
        pooled, weights = self.pool(torch.cat(branches, dim=2), present)
        return self.head(pooled), weights

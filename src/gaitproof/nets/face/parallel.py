"""A convolutional network read by an LSTM and by a transformer side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.face.backbones import FRESH, MeanOfMaps, load_backbone
from gaitproof.nets.face.compact import SMALL, Size, SmallStages
from gaitproof.nets.face.encoded import AttentionPooling, EncodedNetwork
from gaitproof.nets.face.recurrent import Recurrence
from gaitproof.nets.face.transformer import TemporalTransformer


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
        return self.stages(crops)[-1].mean(dim=(2, 3))


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
        encoder = _mobile_net(pretrained) if published else MeanOfStages(max(width // 4, 4))
        self.encoder = encoder
        self.enter = nn.Sequential(nn.LayerNorm(encoder.width), nn.Linear(encoder.width, width))
        self.recurrence = Recurrence(nn.LSTM, width, width // 2, dropout)
        self.sequence = TemporalTransformer(width, 2, dropout)
        self.pool = AttentionPooling(2 * width)
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2)
        )

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, D)."""
        entered = self.enter(codes)
        branches = (self.recurrence(entered, present), self.sequence(entered, present))
        pooled, weights = self.pool(torch.cat(branches, dim=2), present)
        return self.head(pooled), weights


def _mobile_net(pretrained: str) -> MeanOfMaps:
    """Return MobileNetV2 (Sandler et al., CVPR 2018) as far as the mean of its last maps."""
    from transformers import MobileNetV2Config, MobileNetV2Model

    return MeanOfMaps(load_backbone(MobileNetV2Model, MobileNetV2Config(), pretrained), 1280)

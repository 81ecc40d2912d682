"""ResNet-50 features, frozen or not, read in both directions of time (face seed 2)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Final

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gaitproof.nets.face.backbones import FRESH, Learnt, MeanOfMaps, load_backbone, restrict
from gaitproof.nets.face.encoded import AttentionPooling, EncodedNetwork, Frozen, gather, spread

FEATURES: Final = 2048
"""Channels of ResNet-50's last maps (He et al., CVPR 2016)."""

_LAYERS: Final = 2

Kind = type[nn.LSTM] | type[nn.GRU]


class Recurrence(nn.Module):
    """Two recurrent layers in both directions that start and end with the clip.

    Parameters
    ----------
    kind
        ``nn.LSTM`` or ``nn.GRU``.
    inputs
        Length of the codes.
    width
        Length of the state of each direction.
    dropout
        Between the layers.
    """

    def __init__(self, kind: Kind, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = kind(
            inputs, width, _LAYERS, batch_first=True, dropout=dropout, bidirectional=True
        )

    def forward(self, codes: Tensor, present: Tensor | None) -> Tensor:
        """Return states (N, T, 2 * width) of codes (N, T, D); 0 where a clip has ended."""
        states: Tensor
        if present is None:
            states, _ = self.layers(codes)
            return states
        # packed, so that the way back begins at a clip's own last image
        packed: Any = pack_padded_sequence(
            codes, present.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(
            self.layers(packed)[0], batch_first=True, total_length=present.shape[1]
        )
        return states


class ResNetRecurrent(EncodedNetwork):
    """ResNet-50, recurrent layers, attention over time, batch normalisation, head.

    Parameters
    ----------
    pretrained
        Of the ResNet, see `gaitproof.nets.face.backbones.load_backbone`.
    width
        State of each direction.
    hidden
        Width of the head.
    dropout
        Between the recurrent layers and in the head.
    learn
        What is trained of the ResNet: by default nothing.

    Attributes
    ----------
    kind
        Of the recurrent layers.
    """

    kind: ClassVar[Kind]
    fresh = ("scale", "recurrence", "pool", "head")

    def __init__(
        self,
        pretrained: str = FRESH,
        width: int = 768,
        hidden: int = 256,
        dropout: float = 0.3,
        learn: Learnt = "nothing",
    ) -> None:
        super().__init__()
        from transformers import ResNetConfig, ResNetModel

        # built first: networks of one seed then have the same random features; the library's own
        # numbers are those of ResNet-50
        maps = MeanOfMaps(load_backbone(ResNetModel, ResNetConfig(), pretrained), FEATURES)
        restrict(maps, learn)
        self.encoder = Frozen(maps) if learn == "nothing" else maps
        # features of a network that does not follow come at any level and scale
        self.scale = nn.BatchNorm1d(FEATURES)
        self.recurrence = Recurrence(self.kind, FEATURES, width, dropout)
        self.pool = AttentionPooling(2 * width)
        self.head = nn.Sequential(
            nn.BatchNorm1d(2 * width),
            nn.Linear(2 * width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, 2048)."""
        scaled = spread(self.scale(gather(codes, present)), present, len(codes))
        pooled, weights = self.pool(self.recurrence(scaled, present), present)
        return self.head(pooled), weights


class ResNetBiLSTM(ResNetRecurrent):
    """With long short-term memory (Hochreiter & Schmidhuber 1997)."""

    kind = nn.LSTM


class ResNetBiLSTM512(ResNetBiLSTM):
    """The same, narrower: a member of its own in face seed 2's ensemble."""

    def __init__(
        self,
        pretrained: str = FRESH,
        width: int = 512,
        hidden: int = 256,
        dropout: float = 0.3,
        learn: Learnt = "nothing",
    ) -> None:
        super().__init__(pretrained, width, hidden, dropout, learn)


class ResNetBiGRU(ResNetRecurrent):
    """With gated recurrent units (Cho et al., EMNLP 2014)."""

    kind = nn.GRU


class CnnBiLSTM(EncodedNetwork):
    """Four convolutions to a code of 512, a BiLSTM of 256 in two layers, 128, 2 classes.

    The seed does not say how its states over time become one; here they are weighed by attention.

    Parameters
    ----------
    width
        State of each direction; a code is twice as long, and the convolutions have an eighth, a
        quarter, a half and all of it as channels.
    hidden
        Width of the head.
    dropout
        In the head; between the recurrent layers it is the seed's 0.3.
    """

    def __init__(self, width: int = 256, hidden: int = 128, dropout: float = 0.5) -> None:
        super().__init__()
        channels = (3, width // 8, width // 4, width // 2, width)
        self.encoder = nn.Sequential(
            *(
                layer
                for before, after in pairwise(channels)
                for layer in (
                    nn.Conv2d(before, after, 3, padding=1, bias=False),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                    nn.MaxPool2d(2),
                )
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, 2 * width),
        )
        self.recurrence = Recurrence(nn.LSTM, 2 * width, width, 0.3)
        self.pool = AttentionPooling(2 * width)
        self.head = nn.Sequential(
            nn.Linear(2 * width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 2)
        )

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, 2 * width)."""
        pooled, weights = self.pool(self.recurrence(codes, present), present)
        return self.head(pooled), weights

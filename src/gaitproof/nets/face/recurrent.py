"""Frozen ResNet-50 features read in both directions of time (face seed 2)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gaitproof.nets.face.backbones import FRESH, load_backbone
from gaitproof.nets.face.encoded import EncodedNetwork, Frozen, gather, spread
from gaitproof.nets.face.pooling import AttentionPooling

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


class ResNet50(nn.Module):
    """ResNet-50 as far as the mean of its last maps.

    Parameters
    ----------
    pretrained
        See `gaitproof.nets.face.backbones.load_backbone`. With ``none`` the features are
        random ones: for tests, and for comparing what stands behind them.
    """

    def __init__(self, pretrained: str) -> None:
        super().__init__()
        from transformers import ResNetConfig, ResNetModel

        # the library's own numbers are those of ResNet-50
        self.body = load_backbone(ResNetModel, ResNetConfig(), pretrained)

    def forward(self, crops: Tensor) -> Tensor:
        """Return features (M, 2048) of crops (M, 3, S, S)."""
        features: Tensor = self.body(crops).last_hidden_state.mean(dim=(2, 3))
        return features


class ResNetRecurrent(EncodedNetwork):
    """Frozen ResNet-50, recurrent layers, attention over time, batch normalisation, head.

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

    Attributes
    ----------
    kind
        Of the recurrent layers.
    """

    kind: ClassVar[Kind]

    def __init__(
        self, pretrained: str = FRESH, width: int = 768, hidden: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__()
        # built first: networks of one seed then have the same random features
        self.encoder = Frozen(ResNet50(pretrained))
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

    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, 2048) of single images (M, 3, S, S)."""
        codes: Tensor = self.encoder(crops)
        return codes

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
        self, pretrained: str = FRESH, width: int = 512, hidden: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__(pretrained, width, hidden, dropout)


class ResNetBiGRU(ResNetRecurrent):
    """With gated recurrent units (Cho et al., EMNLP 2014)."""

    kind = nn.GRU

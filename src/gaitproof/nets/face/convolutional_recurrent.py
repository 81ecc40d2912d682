"""A small convolutional network and a recurrent one, learnt together (face seed 3)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from gaitproof.nets.face.encoded import EncodedNetwork
from gaitproof.nets.face.pooling import AttentionPooling
from gaitproof.nets.face.recurrent import Recurrence


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

    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, 2 * width) of single images (M, 3, S, S)."""
        codes: Tensor = self.encoder(crops)
        return codes

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, 2 * width)."""
        pooled, weights = self.pool(self.recurrence(codes, present), present)
        return self.head(pooled), weights

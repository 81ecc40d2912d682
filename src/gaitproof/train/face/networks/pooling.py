"""Over the pictures of a clip: recurrence, attention and means that absent pictures cannot change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class AttentionPooling(nn.Module):
    """Weighted mean over a clip's pictures; the weights are learnt (Bahdanau et al., ICLR 2015).

    Parameters
    ----------
    width
        Of a picture's features.
    hidden
        Of the layer that weighs them.
    """

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean (N, width) and the weights (N, T) of features (N, T, width)."""
        scores = self.weigh(features)[..., 0].masked_fill(~present, float("-inf"))
        weights = scores.softmax(dim=1)
        return torch.einsum("ntw,nt->nw", features, weights), weights


class Recurrence(nn.Module):
    """Bidirectional recurrent layers that read each clip to its own end.

    Parameters
    ----------
    kind
        ``nn.LSTM`` or ``nn.GRU``.
    width
        Of a picture's features.
    hidden
        Of each direction.
    layers
        How many.
    dropout
        Between them.
    """

    def __init__(
        self, kind: type[nn.LSTM | nn.GRU], width: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.layers = kind(
            width,
            hidden,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=True,
        )

    def forward(self, features: Tensor, present: Tensor) -> Tensor:
        """Return (N, T, 2 * hidden) of features (N, T, width); 0 where there is no picture."""
        lengths = present.sum(dim=1).cpu()
        packed: Any = pack_padded_sequence(
            features, lengths, batch_first=True, enforce_sorted=False
        )
        read, _ = pad_packed_sequence(
            self.layers(packed)[0], batch_first=True, total_length=features.shape[1]
        )
        return read


def each_picture(look: Callable[[Tensor], Tensor], crops: Tensor, present: Tensor) -> Tensor:
    """Look at the pictures that are there, and at no others.

    Parameters
    ----------
    look
        Features (M, width) of crops (M, 3, S, S).
    crops, present
        Shapes (N, T, 3, S, S) and (N, T).

    Returns
    -------
    Tensor
        Shape (N, T, width), 0 where there is no picture.
    """
    found = look(crops[present])
    spread = found.new_zeros((*present.shape, found.shape[1]))
    spread[present] = found
    return spread

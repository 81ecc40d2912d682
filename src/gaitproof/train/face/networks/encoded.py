"""Networks that read the pictures of a clip one by one, and then what they read together."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from gaitproof.train.face.networks.base import ClipNetwork


class EncodedNetwork(ClipNetwork):
    """A network that first makes a code of every picture on its own.

    Attributes
    ----------
    encoder
        The part that does.
    """

    encoder: nn.Module

    @abstractmethod
    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, D) of single pictures (M, 3, S, S)."""

    @abstractmethod
    def attend_codes(self, codes: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and weights as `attend` does, of codes (N, T, D)."""

    @property
    def is_frozen(self) -> bool:
        """Whether training leaves the encoder alone, so that codes can be kept."""
        return not any(parameter.requires_grad for parameter in self.encoder.parameters())

    def attend(self, crops: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        # absent pictures are not even looked at: batch normalisation would count them
        return self.attend_codes(spread(self.encode(crops[present]), present), present)


class Frozen(nn.Module):
    """A part that never learns: no gradients, and batch normalisation as in evaluation.

    Parameters
    ----------
    body
        The part.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, crops: Tensor) -> Tensor:
        """Return what the body does."""
        with torch.no_grad():
            out: Tensor = self.body(crops)
        return out


def spread(values: Tensor, present: Tensor) -> Tensor:
    """Return values (M, D) of the M present pictures as (N, T, D), with 0 for the absent."""
    out = values.new_zeros(*present.shape, values.shape[1])
    out[present] = values
    return out

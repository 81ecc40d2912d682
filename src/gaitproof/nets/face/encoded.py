"""Networks that read the images of a clip one by one, and then what they read together."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import ClipNetwork


class EncodedNetwork(ClipNetwork):
    """A network that first makes a code of every image on its own.

    Attributes
    ----------
    encoder
        The part that does.
    """

    encoder: nn.Module

    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, D) of single images (M, 3, S, S)."""
        return self.encoder(crops)

    @abstractmethod
    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits and weights as `attend` does, of codes (N, T, D)."""

    @property
    def is_frozen(self) -> bool:
        """Whether training leaves the encoder alone, so that codes can be kept."""
        return not any(parameter.requires_grad for parameter in self.encoder.parameters())

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        # absent images are not even looked at: batch normalisation would count them
        codes = self.encode(gather(crops, present))
        return self.attend_codes(spread(codes, present, len(crops)), present)


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
        # without `torch.no_grad`, which nothing here needs and the export stumbles over
        return self.body(crops)


def gather(values: Tensor, present: Tensor | None) -> Tensor:
    """Return values (M, ...) of the M present images, all if None, of values (N, T, ...)."""
    return values.flatten(0, 1) if present is None else values[present]


def spread(values: Tensor, present: Tensor | None, clips: int) -> Tensor:
    """Return values (M, D) of the M present images as (N, T, D), with 0 for the absent."""
    if present is None:
        return values.reshape(clips, -1, *values.shape[1:])
    out = values.new_zeros(*present.shape, values.shape[1])
    out[present] = values
    return out


class AttentionPooling(nn.Module):
    """Mean over time, weighted by what each moment says of itself.

    After Yang et al., "Hierarchical attention networks" (NAACL 2016): the weights are the softmax
    of ``v · tanh(W state + b)``; absent moments have none.

    Parameters
    ----------
    width
        Length of the states.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(width // 4, 8)
        # a bias at the end would add the same to every moment, which the softmax takes away
        self.rate = nn.Sequential(
            nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )

    def forward(self, states: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mean (N, D) and weights (N, T) of states (N, T, D), of all or where `present`."""
        rates = self.rate(states)[..., 0]
        if present is not None:
            rates = rates.masked_fill(~present, -torch.inf)
        weights = rates.softmax(dim=1)
        return (weights[:, None] @ states)[:, 0], weights

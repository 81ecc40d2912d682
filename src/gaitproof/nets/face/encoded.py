"""Networks that read the images of a clip one by one, and then what they read together."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

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

    @abstractmethod
    def encode(self, crops: Tensor) -> Tensor:
        """Return codes (M, D) of single images (M, 3, S, S)."""

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
        out: Tensor = self.body(crops)
        return out


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

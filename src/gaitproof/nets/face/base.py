"""What the networks for faces have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from gaitproof.face.model import FaceDetectorCard

FORGED, GENUINE = 0, 1
"""Places of the two classes among the logits."""


class FaceNetwork(nn.Module, ABC):
    """Crops in, logits [forged, genuine] out.

    Attributes
    ----------
    temporal
        Whether it looks at the images of a clip together: it then takes shape (N, T, 3, S, S) and
        a mask (N, T) of the images that are there; else single images (N, 3, S, S).
    mean, std
        Of the RGB that it takes, for crops in [0, 1].
    fresh
        Names of the parts that learn from nothing beside a published backbone.
    aims
        Names of losses of its own, see `ImageNetwork.study`.
    """

    temporal: ClassVar[bool] = False
    mean: ClassVar[tuple[float, float, float]] = FaceDetectorCard.model_fields["mean"].default
    std: ClassVar[tuple[float, float, float]] = FaceDetectorCard.model_fields["std"].default
    fresh: ClassVar[tuple[str, ...]] = ()
    aims: ClassVar[tuple[str, ...]] = ()

    def resting(self, step: int) -> Sequence[Tensor]:
        """Return what a step of the training leaves as it is: nothing."""
        return ()

    def take_values(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Take other RGB than networks of this kind do."""
        # they are of the class, and of this network alone now
        setattr(self, "mean", mean)  # noqa: B010
        setattr(self, "std", std)  # noqa: B010

    def normalise(self, crops: Tensor) -> Tensor:
        """Return what it takes, (..., 3, S, S) float32, of crops (..., S, S, 3) uint8."""
        mean, std = (torch.tensor(values, device=crops.device) for values in (self.mean, self.std))
        return ((crops.float() / 255 - mean) / std).movedim(-1, -3)


class ClipNetwork(FaceNetwork):
    """A network that looks at the images of a clip together."""

    temporal = True

    @abstractmethod
    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits and what each image counts.

        Parameters
        ----------
        crops
            Shape (N, T, 3, S, S).
        present
            Shape (N, T): which images are there, the first ones of every clip; the others change
            nothing. None if all are, which is what can be exported.

        Returns
        -------
        tuple of Tensor
            Logits (N, 2), and weights (N, T) that are 0 or more and add up to 1 over the images
            that are there.
        """

    def forward(self, crops: Tensor, present: Tensor | None = None) -> Tensor:
        """Return logits (N, 2); see `attend`."""
        return self.attend(crops, present)[0]


@dataclass(frozen=True)
class Looked:
    """What a network of single images says of them.

    Parameters
    ----------
    logits
        Shape (N, 2): [forged, genuine].
    blend
        Shape (N, h, w): logits of "this place comes from another face"; None where the network does
        not say.
    """

    logits: Tensor
    blend: Tensor | None = None


@dataclass(frozen=True)
class Studied:
    """What a network of single images says of them while it learns.

    Parameters
    ----------
    looked
        As at any time.
    losses
        Its own, each times its weight, by names of `FaceNetwork.aims`.
    degraded
        Logits (N, 2) of the same images made harder, which must be told apart as well.
    """

    looked: Looked
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    degraded: Tensor | None = None


class ImageNetwork(FaceNetwork):
    """A convolutional network of single images: features, their mean over the image, a head."""

    head: nn.Module

    @abstractmethod
    def features(self, crops: Tensor) -> Tensor:
        """Return the last feature maps, shape (N, C, h, w), of crops (N, 3, S, S)."""

    def locate(self, features: Tensor) -> Tensor | None:
        """Return where the blended part is, logits (N, h, w), or None if it is not learnt."""
        return None

    def look(self, crops: Tensor) -> Looked:
        """Return everything the network says of crops (N, 3, S, S)."""
        return self.read(self.features(crops))

    def read(self, features: Tensor) -> Looked:
        """Return everything the network says of feature maps (N, C, h, w)."""
        return Looked(self.head(features.mean(dim=(2, 3))), self.locate(features))

    def study(self, crops: Tensor, labels: Tensor) -> Studied:
        """Look at crops (N, 3, S, S) whose labels (N,) are known, in training only."""
        return Studied(self.look(crops))

    def forward(self, crops: Tensor) -> Tensor:
        """Return logits (N, 2) of crops (N, 3, S, S)."""
        return self.head(self.features(crops).mean(dim=(2, 3)))

"""What an encoder must offer so that its scores can be explained without gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gaitproof.nets.card import ModelCard
from gaitproof.types import GaitWindows
from gaitproof.verify.normalisation import Normalisation

Float32 = NDArray[np.float32]


class ExplainableEncoder(Protocol):
    """An encoder whose two halves can be called apart, as those of `OnnxEncoder` can."""

    @property
    def card(self) -> ModelCard:
        """What the weights are."""
        ...

    @property
    def cohort(self) -> Float32 | None:
        """Directions of strangers, if scores are normalised."""
        ...

    def embed(self, windows: GaitWindows) -> Float32:
        """Return one unit embedding per window."""
        ...

    def normalise(self, windows: GaitWindows) -> Float32:
        """Return what the network sees of windows, shape (N, T, 78); 0 is the training mean."""
        ...

    def embed_inputs(self, inputs: Float32) -> Float32:
        """Return the unit embeddings (N, D) of what `normalise` returned."""
        ...


@dataclass(frozen=True, eq=False)
class ProbeScore:
    """The similarity of a probe with one template, as a function of what the network sees.

    Parameters
    ----------
    encoder
        Its scores are explained.
    template
        Shape (D,), unit length.
    """

    encoder: ExplainableEncoder
    template: Float32

    def of_embeddings(self, embeddings: Float32) -> float:
        """Return the similarity in [0, 1] of embeddings (N, D) of a probe."""
        return Normalisation.of(self.encoder).similarity(embeddings, self.template)

    def __call__(self, inputs: Float32) -> float:
        """Return the similarity in [0, 1] of a probe whose windows the network sees as `inputs`."""
        return self.of_embeddings(self.encoder.embed_inputs(inputs))

"""The score that is explained, as a function of what the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitproof.nets.encoder import Encoder
from gaitproof.verify.evidence import score

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ProbeScore:
    """The similarity of a probe with one template, as a function of what the network sees.

    Parameters
    ----------
    encoder
        Its scores are explained.
    template
        Shape (D,), unit length.
    references
        Shape (R, D): the other people that the verdict was relative to; None for nobody.
    """

    encoder: Encoder
    template: Float32
    references: Float32 | None = None

    def of_embeddings(self, embeddings: Float32) -> float:
        """Return the similarity in [0, 1] of embeddings (N, D) of a probe."""
        return score(self.encoder, embeddings, self.template, self.references)

    def __call__(self, inputs: Float32) -> float:
        """Return the similarity in [0, 1] of a probe whose windows the network sees as `inputs`."""
        return self.of_embeddings(self.encoder.embed_inputs(inputs))

"""The score that is explained, as a function of what the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitproof.nets.encoder import Encoder
from gaitproof.verify.normalisation import Normalisation

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
    """

    encoder: Encoder
    template: Float32

    def of_embeddings(self, embeddings: Float32) -> float:
        """Return the similarity in [0, 1] of embeddings (N, D) of a probe."""
        return Normalisation.of(self.encoder).similarity(embeddings, self.template)

    def __call__(self, inputs: Float32) -> float:
        """Return the similarity in [0, 1] of a probe whose windows the network sees as `inputs`."""
        return self.of_embeddings(self.encoder.embed_inputs(inputs))

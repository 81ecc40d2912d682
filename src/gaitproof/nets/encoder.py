"""The encoder contract: windows in, embeddings out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gaitproof.nets.card import ModelCard
from gaitproof.types import GaitWindows


class WindowEncoder(Protocol):
    """Anything that turns windows of its own kind, of joints or silhouettes, into embeddings."""

    @property
    def card(self) -> ModelCard:
        """What the weights are, and how far they can be trusted."""
        ...

    @property
    def cohort(self) -> NDArray[np.float32] | None:
        """Directions of strangers, shape (K, D), if the card names a cohort; else not asked for."""
        ...

    def embed(self, windows: Any) -> NDArray[np.float32]:
        """Return one unit-length embedding per window, shape (N, D)."""
        ...


class Encoder(WindowEncoder, Protocol):
    """Anything that turns gait windows into embeddings."""

    def normalise(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return what the network sees of windows, shape (N, T, 78); 0 is the training mean."""
        ...

    def embed_inputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the unit embeddings (N, D), N >= 1, of what `normalise` returned."""
        ...

"""Encoders in ONNX Runtime: what inference uses; torch is not needed."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.models import (
    list_packaged,
    model_folder,
    read_card,
    read_weights,
)
from gaitproof.nets.card import ModelCard
from gaitproof.nets.cohort import read_cohort
from gaitproof.nets.normaliser import Normaliser
from gaitproof.runtime import check_digest, open_session
from gaitproof.types import GaitWindows

DEFAULT_MODEL: Final = "blend"

_BATCH: Final = 256
"""Windows per call: bounds the memory of a long film."""


def list_models() -> list[str]:
    """Return the names of the models inside the package."""
    return list_packaged("gaitproof.nets")


def load_card(folder: Path) -> ModelCard:
    """Read and validate the card of a model folder.

    Raises
    ------
    ModelError
        If the card is missing or malformed.
    """
    return read_card(folder, ModelCard, "model", "model card", list_models())


class OnnxEncoder:
    """A gait encoder in ONNX Runtime with its card and normaliser.

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 must match.
    cohort
        Shape (K, D), as `gaitproof.nets.cohort.read_cohort` returns it.
    folder
        Where the model was read from, if it was.

    Raises
    ------
    ModelError
        If weights and card do not belong together, or the weights cannot be run.
    """

    def __init__(
        self,
        weights: bytes,
        card: ModelCard,
        cohort: NDArray[np.float32] | None = None,
        folder: Path | None = None,
    ) -> None:
        check_digest(weights, card.weights_sha256)
        self._session = open_session(weights)
        self._input = self._session.get_inputs()[0].name
        self._weights = weights
        self.folder = folder
        self._card = card
        self._cohort = cohort
        self._normaliser = Normaliser(
            np.array(card.mean, np.float32),
            np.array(card.std, np.float32),
            card.alignment,
            card.feature_groups,
            card.frames,
            card.bones,
        )

    @property
    def card(self) -> ModelCard:
        """What the weights are, and how far they can be trusted."""
        return self._card

    @property
    def cohort(self) -> NDArray[np.float32] | None:
        """Directions of strangers, shape (K, D), if the card names a cohort."""
        return self._cohort

    def embed(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return one unit-length embedding per window, shape (N, D)."""
        if not len(windows):
            return np.zeros((0, self._card.embedding_size), np.float32)
        return self.embed_inputs(self.normalise(windows))

    @property
    def weights(self) -> bytes:
        """The ONNX file."""
        return self._weights

    def normalise(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return what the network sees of windows, shape (N, T, 78); 0 is the training mean."""
        return self._normaliser(windows.features, windows.mask)

    def embed_inputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the unit-length embeddings (N, D), N >= 1, of what `normalise` returned."""
        parts = [
            self._session.run(None, {self._input: inputs[start : start + _BATCH]})[0]
            for start in range(0, len(inputs), _BATCH)
        ]
        rows = np.concatenate(parts)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    @classmethod
    def load(cls, model: str | Path | None = None) -> Self:
        """Load a model by the name it has in the package, or from a folder.

        Parameters
        ----------
        model
            A name of `list_models`, or a folder with ``model.onnx`` and ``card.json``; None for
            `DEFAULT_MODEL`.

        Raises
        ------
        ModelError
            If there is no such model, or it is broken.
        """
        if model is None:
            model = DEFAULT_MODEL
        with model_folder("gaitproof.nets", model) as folder:
            return cls._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> Self:
        card = load_card(folder)
        weights = read_weights(folder)
        return cls(weights, card, read_cohort(folder, card), folder)

"""Encoders in ONNX Runtime: what inference uses; torch is not needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.models import (
    PackagedModel,
    list_packaged,
    model_folder,
    read_card,
    read_weights,
)
from gaitproof.nets.card import ModelCard
from gaitproof.nets.cohort import read_cohort
from gaitproof.nets.normaliser import Normaliser
from gaitproof.runtime import check_digest, open_session, run_session
from gaitproof.types import GaitWindows
from gaitproof.types.silhouette_windows import PairedWindows, SilhouetteWindows

DEFAULT_MODEL: Final = "spread-blend"


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


class OnnxModel(PackagedModel):
    """An encoder in ONNX Runtime with its card, whatever its windows hold.

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 and the signal must match.
    cohort
        Shape (K, D), as `gaitproof.nets.cohort.read_cohort` returns it.
    folder
        Where the model was read from, if it was.

    Raises
    ------
    ModelError
        If weights and card do not belong together, the weights cannot be run, or the model reads
        another signal.
    """

    package = "gaitproof.nets"
    default = DEFAULT_MODEL
    signal: ClassVar[str]
    """Of the cards that the class reads."""
    _batch: ClassVar[int]
    """Windows per call: bounds the memory of a long film."""

    def __init__(
        self,
        weights: bytes,
        card: ModelCard,
        cohort: NDArray[np.float32] | None = None,
        folder: Path | None = None,
    ) -> None:
        if card.signal != self.signal:
            raise ModelError(
                f"The model {card.model_id} reads {card.signal}.",
                expected=f"a model that reads {self.signal}",
            )
        check_digest(weights, card.weights_sha256)
        self._session = open_session(weights)
        self._inputs = [taken.name for taken in self._session.get_inputs()]
        self.weights, self.card = weights, card
        self.cohort, self.folder = cohort, folder

    def embed_inputs(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the unit-length embeddings (N, D) of what the network takes.

        For joints that is what `normalise` returned.

        Raises
        ------
        ModelError
            If the weights do not take such windows, or answer with something else.
        """
        count = len(inputs[0])
        if not count:
            return np.zeros((0, self.card.embedding_size), np.float32)
        parts = []
        for i in range(0, count, self._batch):
            taken = (array[i : i + self._batch] for array in inputs)
            feed = dict(zip(self._inputs, taken, strict=False))
            parts.append(np.asarray(run_session(self._session, None, feed)[0]))
        shapes = {part.shape[1:] for part in parts}
        if shapes != {(self.card.embedding_size,)} or sum(map(len, parts)) != count:
            raise ModelError(
                f"The model {self.card.model_id} does not answer as an encoder does.",
                expected=f"{count} embeddings of {self.card.embedding_size} numbers",
                actual=f"arrays of shape {', '.join(str(part.shape) for part in parts[:3])}",
            )
        rows = np.concatenate(parts)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    @classmethod
    def _read(cls, folder: Path) -> Self:
        card = load_card(folder)
        weights = read_weights(folder)
        return cls(weights, card, read_cohort(folder, card), folder)


class OnnxEncoder(OnnxModel):
    """A gait encoder of joints; see `OnnxModel`."""

    signal = "joints"
    _batch = 256

    @cached_property
    def _normaliser(self) -> Normaliser:
        card = self.card
        return Normaliser(
            np.array(card.mean, np.float32),
            np.array(card.std, np.float32),
            card.alignment,
            card.feature_groups,
            card.frames,
            card.bones,
            card.padded,
        )

    def embed(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return one unit-length embedding per window, shape (N, D)."""
        return self.embed_inputs(self.normalise(windows))

    def normalise(self, windows: GaitWindows) -> NDArray[np.float32]:
        """Return what the network sees of windows, shape (N, T, 78); 0 is the training mean.

        108 of the 17 COCO joints, and one more if windows may end in padding.
        """
        return self._normaliser(windows.features, windows.mask, windows.lengths)


class SilhouetteEncoder(OnnxModel):
    """A gait encoder of silhouettes; see `OnnxModel`."""

    signal = "silhouettes"
    _batch = 32

    def embed(self, windows: SilhouetteWindows) -> NDArray[np.float32]:
        """Return one unit-length embedding per window, shape (N, D)."""
        return self.embed_inputs(windows.masks)


class PairedEncoder(OnnxModel):
    """A gait encoder of silhouettes and joints together; see `OnnxModel`."""

    signal = "both"
    _batch = 32

    def embed(self, windows: PairedWindows) -> NDArray[np.float32]:
        """Return one unit-length embedding per window, shape (N, D)."""
        return self.embed_inputs(windows.silhouettes.masks, windows.joints.features)


AnyEncoder = OnnxEncoder | SilhouetteEncoder | PairedEncoder

_ENCODERS: Final[dict[str, type[OnnxEncoder | SilhouetteEncoder | PairedEncoder]]] = {
    kind.signal: kind for kind in (OnnxEncoder, SilhouetteEncoder, PairedEncoder)
}


def load_encoder(model: str | Path | None = None) -> AnyEncoder:
    """Load a model of any signal; see `OnnxModel.load`."""
    with model_folder("gaitproof.nets", DEFAULT_MODEL if model is None else model) as folder:
        reads = load_card(folder).signal
    return _ENCODERS[reads].load(model)

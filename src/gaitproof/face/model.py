"""Face forgery detectors in ONNX Runtime with their cards; torch is not needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.face.card import FaceCalibration as FaceCalibration
from gaitproof.face.card import FaceClipSettings as FaceClipSettings
from gaitproof.face.card import FaceDataSource as FaceDataSource
from gaitproof.face.card import FaceDetectorCard as FaceDetectorCard
from gaitproof.face.card import FaceOperatingPoint as FaceOperatingPoint
from gaitproof.face.segments import SegmentScore
from gaitproof.models import (
    PackagedModel,
    list_packaged,
    read_card,
    read_weights,
)
from gaitproof.runtime import check_digest, open_session, run_session

DEFAULT_MODEL: Final = "sbi-lite0"

MAPS: Final = "maps"
"""Name of the output that explains the answer."""

ATTENTION: Final = "attention"
"""Name of the output that says what each frame of a segment counted."""

MEMBERS: Final = "members"
"""Name of the output with the score of every member of an ensemble."""

_BATCH: Final = 16
"""Crops per call: bounds the memory, about 10 MB of input."""


class FaceForgeryModel(PackagedModel):
    """A face forgery detector and its card.

    The network takes (N, 3, S, S) float32, normalised RGB, and returns (N, 2) logits
    [forged, genuine], or (N, 1) or (N,) logits of genuine. It may have a second output `MAPS`:
    (N, h, w), where in the crops it sees a forgery.

    One that judges frames together, as its card then says in `clip`, takes (1, T, 3, S, S), and
    returns logits (1, 2) and `ATTENTION` (1, T); an ensemble of M also `MEMBERS` (1, M).

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 must match.

    Raises
    ------
    ModelError
        If weights and card do not belong together, or the weights cannot be run.
    """

    package = "gaitproof.face"
    default = DEFAULT_MODEL

    def __init__(self, weights: bytes, card: FaceDetectorCard) -> None:
        check_digest(weights, card.weights_sha256)
        self._session = open_session(weights)
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.card = card
        self._shift = np.array(card.mean, np.float32)[:, None, None]
        self._scale = np.array(card.std, np.float32)[:, None, None]

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score aligned faces.

        Parameters
        ----------
        crops
            Shape (N, S, S, 3), uint8 RGB, as `gaitproof.face.align.align` makes them with the
            card's alignment.

        Returns
        -------
        ndarray
            Shape (N,), 0 (forged) to 1 (genuine).

        Raises
        ------
        ModelError
            If the crops have another size than the card says, the network's output is not one
            finite answer per crop, or it judges frames together.
        """
        self._check(crops)
        if self.card.clip is not None:
            raise ModelError(
                "The face model judges several frames together and has no score of one.",
                hint="score segments of frames",
            )
        parts = [self._score(crops[start : start + _BATCH]) for start in _starts(crops)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def score_segment(self, crops: NDArray[np.uint8]) -> SegmentScore:
        """Judge aligned faces that follow each other in time together.

        Parameters
        ----------
        crops
            As for `score`, (T, S, S, 3); T as many as the card's `clip` says, or fewer.

        Raises
        ------
        ModelError
            If the crops have another size than the card says, the network's output is not one
            finite answer with what each frame counted, or it judges single frames.
        """
        self._check(crops)
        if self.card.clip is None:
            raise ModelError("The face model judges one frame at a time.", hint="use `score`")
        known = [name for name in (ATTENTION, MEMBERS) if name in self._outputs]
        answer, *others = self._run([self._outputs[0], *known], self.normalise(crops)[None])
        outputs = {name: np.asarray(v, np.float64) for name, v in zip(known, others, strict=True)}
        attention = outputs.get(ATTENTION, np.zeros(0))
        members = outputs.get(MEMBERS, np.zeros((1, 0)))
        shapes = (attention.shape, members.shape)
        if shapes != ((1, len(crops)), (1, len(self.card.members))) or not all(
            np.isfinite(values).all() for values in outputs.values()
        ):
            raise ModelError(
                "The face model does not answer as one that judges frames together does.",
                expected=f"weights of {len(crops)} frames, {len(self.card.members)} members",
                actual=f"shapes {shapes[0]} and {shapes[1]}",
            )
        (score,) = _to_scores(answer, 1)
        return SegmentScore(float(score), attention[0], tuple(members[0].tolist()))

    def explain(self, crops: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Show where in aligned faces the network sees a forgery.

        Parameters
        ----------
        crops
            As for `score`.

        Returns
        -------
        ndarray or None
            Grad-CAM of "forged" (Selvaraju et al., ICCV 2017), shape (N, h, w), at least 0, coarse
            maps over the whole crop; None if the weights give none.

        Raises
        ------
        ModelError
            As `score` does.
        """
        if MAPS not in self._outputs:
            return None
        self._check(crops)
        parts = [
            self._run([MAPS], self.normalise(crops[start : start + _BATCH]))[0]
            for start in _starts(crops)
        ]
        if not parts:
            return np.zeros((0, 1, 1), np.float32)
        maps = np.asarray(np.concatenate(parts), np.float32)
        if maps.ndim != 3 or len(maps) != len(crops) or not np.isfinite(maps).all():
            raise ModelError(
                "The face model does not explain itself as a face model does.",
                expected=f"finite numbers of shape ({len(crops)}, h, w)",
                actual=f"shape {maps.shape}",
            )
        return maps.clip(0)

    def normalise(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the network sees of crops, shape (N, 3, S, S)."""
        planes = crops.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        return np.ascontiguousarray((planes - self._shift) / self._scale)

    def _check(self, crops: NDArray[np.uint8]) -> None:
        side = self.card.alignment.size
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            raise ModelError(
                "The crops do not fit the model.",
                expected=f"(N, {side}, {side}, 3) of uint8",
                actual=f"{crops.shape} of {crops.dtype}",
            )

    def _run(self, outputs: list[str], seen: NDArray[np.float32]) -> list[Any]:
        return run_session(self._session, outputs, {self._input: seen})

    def _score(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        (out,) = self._run(self._outputs[:1], self.normalise(crops))
        return _to_scores(out, len(crops))

    @classmethod
    def _read(cls, folder: Path) -> Self:
        card = load_card(folder)
        weights = read_weights(folder)
        return cls(weights, card)


def _to_scores(out: Any, count: int) -> NDArray[np.float64]:
    """Return scores (N,) of a network's first output."""
    logits = np.asarray(out, np.float64)
    logits = logits[:, None] if logits.ndim == 1 else logits
    if logits.shape not in ((count, 1), (count, 2)) or not np.isfinite(logits).all():
        raise ModelError(
            "The face model does not answer as a face model does.",
            expected=f"finite numbers of shape ({count}, 2) or ({count}, 1)",
            actual=f"shape {np.shape(out)}",
        )
    odds = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
    # the logistic function through tanh does not overflow
    return np.asarray(0.5 * (1 + np.tanh(odds / 2)), np.float64)


def _starts(crops: NDArray[np.uint8]) -> range:
    return range(0, len(crops), _BATCH)


def list_models() -> list[str]:
    """Return the names of the face models inside the package."""
    return list_packaged("gaitproof.face")


def load_card(folder: Path) -> FaceDetectorCard:
    """Read and validate the card of a model folder.

    Raises
    ------
    ModelError
        If the card is missing or malformed.
    """
    return read_card(folder, FaceDetectorCard, "face model", "face model's card", list_models())

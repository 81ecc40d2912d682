"""What the evaluation of a face forgery detector reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.face.store import StoredClip
from gaitproof.evaluate.face.figures import FaceFigures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.evaluate.face.sweep import Condition

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClipAnswer:
    """One clip with the scores of its images.

    Parameters
    ----------
    stored
        The clip.
    images
        Shape (T,), scores of its images, or of the segments in which they were judged.
    score
        Their mean.
    log10_lr
        Calibrated; None where the model has no calibration.
    decision
        Value of `gaitproof.face.verdict.FaceDecision`, as a scan would give it.
    """

    stored: StoredClip
    images: Float64
    score: float
    log10_lr: float | None
    decision: str


def clip_scores(answers: Sequence[ClipAnswer]) -> FaceScores:
    """Return the scores of whole clips."""
    return FaceScores.of_clips(
        [answer.score for answer in answers], [answer.stored.clip for answer in answers]
    )


def image_scores(answers: Sequence[ClipAnswer]) -> FaceScores:
    """Return the scores of single images, or segments."""
    return FaceScores.of_clips(
        np.concatenate([answer.images for answer in answers]),
        [answer.stored.clip for answer in answers for _ in answer.images],
    )


@dataclass(frozen=True)
class SweepStep:
    """Figures of clips under one condition."""

    condition: Condition
    video: FaceFigures


@dataclass(frozen=True, eq=False)
class StoreResult:
    """Figures on one store.

    Parameters
    ----------
    name
        Of its folder.
    answers
        One per clip.
    image, video
        Figures of single images or segments, and of clips (mean of their scores).
    manipulations
        Of clips, per manipulation: its forged clips with all genuine ones.
    decisions
        How often a scan would give each answer, per label.
    cllr
        Of the calibrated clips, bits; NaN without a calibration or without one of the kinds.
    sweep
        Figures of clips under every condition; empty where it was not asked for.
    notes
        What lowers confidence.
    unit
        What `picture` is about: ``pictures``, or the ``turns`` in which they were judged.
    """

    name: str
    answers: tuple[ClipAnswer, ...]
    picture: FaceFigures
    video: FaceFigures
    manipulations: dict[str, FaceFigures]
    decisions: dict[str, dict[str, int]]
    cllr: float
    sweep: tuple[SweepStep, ...] = ()
    notes: tuple[str, ...] = ()
    unit: str = "pictures"

    @property
    def noun(self) -> str:
        """What `picture` is about, for people: the names in files are those of version 0.2."""
        return {"pictures": "images", "turns": "segments"}[self.unit]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "name": self.name,
            "unit": self.unit,
            "picture": _figures(self.picture),
            "video": _figures(self.video),
            "manipulations": {
                name: _figures(figures) for name, figures in self.manipulations.items()
            },
            "decisions": self.decisions,
            "cllr": self.cllr,
            "sweep": [
                {
                    "kind": step.condition.kind,
                    "setting": step.condition.setting,
                    "video": _figures(step.video),
                }
                for step in self.sweep
            ],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class FaceEvaluation:
    """Figures of one model on one or more stores.

    Parameters
    ----------
    model_id, limits
        Of the card.
    split
        Whose clips were scored.
    threshold
        Of the card; all decisions are made at it.
    draws, seed
        Of the bootstrap.
    stores
        One result each.
    """

    model_id: str
    limits: str
    split: str
    threshold: float
    draws: int
    seed: int
    stores: tuple[StoreResult, ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; "forged" is the positive class."""
        return {
            "model_id": self.model_id,
            "limits": self.limits,
            "split": self.split,
            "threshold": self.threshold,
            "bootstrap_draws": self.draws,
            "seed": self.seed,
            "stores": [store.to_dict() for store in self.stores],
        }


def _figures(figures: FaceFigures) -> Mapping[str, Any]:
    return asdict(figures) | {"confusion": figures.confusion}

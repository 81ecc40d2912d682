"""What the evaluation of a face forgery detector reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.face.store import StoredClip
from gaitproof.evaluate.face.figures import FaceFigures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.train.face.robust import Damage

JPEG: Final = (90, 70, 50, 30)
H264: Final = (18, 23, 28, 32, 36, 40)
SCALES: Final = (0.75, 0.5, 0.35, 0.25)


@dataclass(frozen=True)
class Condition:
    """One step of the sweep.

    Parameters
    ----------
    kind
        What is changed, in words; empty where nothing is.
    setting
        To what.
    damage
        How the stored faces are changed before they are aligned.
    """

    kind: str
    setting: float
    damage: Damage

    @property
    def name(self) -> str:
        """Kind and setting in words."""
        return f"{self.kind} {self.setting:g}" if self.kind else "as stored"


UNTOUCHED: Final = Condition("", 0.0, Damage())

CONDITIONS: Final = (
    UNTOUCHED,
    *(Condition("JPEG quality", step, Damage(codec="jpeg", quality=step)) for step in JPEG),
    *(Condition("H.264 CRF", step, Damage(codec="h264", quality=step)) for step in H264),
    *(Condition("scale", step, Damage(scale=step)) for step in SCALES),
)
"""From little to much of each kind."""


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

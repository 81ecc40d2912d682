"""Scanned clips of portraits, their figures and likelihood ratios."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from experiments.faces.swaps import SWAPS
from gaitproof.bench.face_scan import COMPRESSIONS
from gaitproof.errors import ModelError
from gaitproof.evaluate.face.figures import FaceFigures, compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.evaluate.fusion_trials import SingleTrials
from gaitproof.face.segments import MIN_FRAMES

GENUINE: Final = "genuine"
KINDS: Final = (GENUINE, *SWAPS)


@dataclass(frozen=True)
class Trial:
    """One scanned clip.

    Parameters
    ----------
    target
        The filmed portrait.
    people
        Who is in it: one person in a genuine clip, two in a swapped one.
    kind
        One of `KINDS`.
    compression
        A name of `COMPRESSIONS`.
    faces
        How many were found; the portrait shows one.
    decision
        Of the clip, value of `FaceDecision`.
    score
        Of the face that fills most of the clip, 0 (forged) to 1 (genuine); None without one.
    log10_lr
        The same calibrated; None without a calibration.
    images
        Of it that were scored.
    seconds
        That the scan took.
    """

    target: str
    people: tuple[str, ...]
    kind: str
    compression: str
    faces: int
    decision: str
    score: float | None
    log10_lr: float | None
    pictures: int
    seconds: float


@dataclass(frozen=True)
class FacesResult:
    """All trials, and what could not be filmed.

    Parameters
    ----------
    model_id
        Whose answers they are.
    split
        Side of the data set that the people are on.
    threshold
        Of the model.
    crop_ms
        Milliseconds of the network per crop, in a batch.
    trials
        Two portraits are never swapped with each other's own person.
    failures
        Portraits and why they could not be used.
    """

    model_id: str
    split: str
    threshold: float
    crop_ms: float
    trials: tuple[Trial, ...]
    failures: tuple[tuple[str, str], ...]

    def select(self, kind: str | None, compression: str | None) -> tuple[Trial, ...]:
        """Return trials of a kind (all swaps if None) at a compression (any if None)."""
        return tuple(
            trial
            for trial in self.trials
            if (trial.kind == kind or (kind is None and trial.kind != GENUINE))
            and compression in (None, trial.compression)
        )

    def scores(self, kind: str | None = None, compression: str | None = None) -> FaceScores:
        """Return the scores of genuine clips and of those of a kind, where there are any."""
        chosen = self.select(GENUINE, compression) + self.select(kind, compression)
        scored = [(one, one.score) for one in chosen if one.score is not None]
        return FaceScores(
            np.array([score for _, score in scored], np.float64),
            np.array([one.kind == GENUINE for one, _ in scored], np.bool_),
            tuple(one.people for one, _ in scored),
        )

    @cached_property
    def figures(self) -> dict[tuple[str | None, str | None], FaceFigures]:
        """Figures per kind of swap (None: all) and compression (None: both)."""
        return {
            (kind, compression): compute_figures(self.scores(kind, compression), self.threshold)
            for compression in (*COMPRESSIONS, None)
            for kind in (*SWAPS, None)
        }

    @property
    def calibrated(self) -> bool:
        """Whether the model gives likelihood ratios."""
        return any(trial.log10_lr is not None for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "model_id": self.model_id,
            "split": self.split,
            "threshold": self.threshold,
            "crop_ms": self.crop_ms,
            "figures": [
                {"kind": kind or "all", "compression": compression or "all", **asdict(figures)}
                for (kind, compression), figures in self.figures.items()
            ],
            "trials": [asdict(trial) for trial in self.trials],
            "failures": [{"picture": name, "reason": why} for name, why in self.failures],
        }


def face_trials(result: FacesResult) -> SingleTrials:
    """Return the likelihood ratios of the filmed portraits, each of the person who was filmed.

    Clips with fewer scored frames than a verdict takes have none.

    Raises
    ------
    ModelError
        If the model has no calibration.
    """
    if not result.calibrated:
        raise ModelError(
            f"The face model {result.model_id} has no calibration.",
            hint="likelihood ratios need one; scores are in the JSON",
        )
    return SingleTrials(
        np.array([trial.people[0] for trial in result.trials]),
        np.array([trial.kind == GENUINE for trial in result.trials]),
        np.array(
            [
                math.nan
                if trial.log10_lr is None or trial.pictures < MIN_FRAMES
                else trial.log10_lr
                for trial in result.trials
            ]
        ),
    )

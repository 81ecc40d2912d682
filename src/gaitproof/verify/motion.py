"""Does the motion look captured or generated? Evidence beside a verdict, never part of it.

A judge was trained on captured walks and on motion generated from them
(`gaitproof.synth.generated`). What it measures of a probe is taken relative to other people who
were filmed in the same way, since sensors and estimators differ more than captured and generated
motion do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, field_validator

from gaitproof.config import Settings
from gaitproof.gait.features import is_flat
from gaitproof.gait.plausibility import MEASURES, body_coordinates, measure_motion
from gaitproof.models import PackagedModel, list_packaged, read_card, read_weights
from gaitproof.nets.card import DataSource
from gaitproof.types import GaitWindows, MotionEvidence

Float64 = NDArray[np.float64]

PACKAGE: Final = "gaitproof.verify"
INPUTS: Final = ("body", "measures")
OUTPUT: Final = "logits"

MOST_NAMED: Final = 3
"""Measures that are named."""

FEW_PEOPLE: Final = (
    "{count} of the {needed} other people filmed in the same way are known that motion is judged "
    "relative to; add some with 'gaitproof reference add'."
)
FLAT: Final = "The motion of flat landmarks cannot be judged."


class MotionCard(Settings):
    """What a judge of motion is worth."""

    model_id: str
    """Name, version and the first 12 digits of the weights' SHA-256."""
    architecture: str
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    measures: tuple[str, ...]
    """Names of what it measures."""
    spreads: tuple[FiniteFloat, ...]
    """Standard deviation of every measure among captured windows."""
    threshold: FiniteFloat
    """Mean logit from which motion is said to look generated."""
    chosen_by: str
    """How the threshold was chosen."""
    least_references: int = Field(ge=1)
    """Other people that motion must be taken relative to."""
    kinds: tuple[str, ...]
    """Ways of generating motion that it was trained on."""
    data: tuple[DataSource, ...]
    figures: dict[str, float]
    """Measured figures by name."""
    licence: str
    trained_on: str
    """Date, ISO 8601."""
    limits: str

    @field_validator("measures")
    @classmethod
    def _check_measures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value != MEASURES:
            raise ValueError("the measures are not those of this version")
        return value


class MotionJudge(PackagedModel):
    """A judge of motion in ONNX Runtime.

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 must match.
    """

    package: ClassVar[str] = PACKAGE
    default: ClassVar[str] = "motion"

    def __init__(self, weights: bytes, card: MotionCard) -> None:
        # ONNX Runtime takes long to load, and whoever compares nothing does without
        from gaitproof.runtime import check_digest, open_session

        check_digest(weights, card.weights_sha256)
        self.card = card
        self._session = open_session(weights)

    @classmethod
    def _read(cls, folder: Path) -> Self:
        card = read_card(
            folder,
            MotionCard,
            "judge of motion",
            "card of a judge of motion",
            list_packaged(PACKAGE),
        )
        return cls(read_weights(folder), card)

    def judge(self, windows: GaitWindows, centre: Float64) -> Float64:
        """Return the logits (N,) of windows relative to measures (K,) of captured motion."""
        from gaitproof.runtime import run_session

        body = body_coordinates(windows.features)
        inputs: tuple[NDArray[Any], ...] = (body, measure_motion(body) - centre)
        given = {
            name: np.asarray(value, np.float32) for name, value in zip(INPUTS, inputs, strict=True)
        }
        [logits] = run_session(self._session, [OUTPUT], given)
        return np.asarray(logits, np.float64)


def mean_measures(windows: GaitWindows) -> tuple[float, ...]:
    """Return the mean measures of windows; none of no windows or of a flat source."""
    if not len(windows) or is_flat(windows.features[..., :36].reshape(-1, 12, 3)):
        return ()
    means = measure_motion(body_coordinates(windows.features)).mean(axis=0)
    return tuple(round(float(value), 4) for value in means)


@cache
def shipped_judge() -> MotionJudge | None:
    """Return the judge that is shipped; None without one."""
    if MotionJudge.default not in list_packaged(PACKAGE):
        return None
    return MotionJudge.load()


def judge_motion(
    judge: MotionJudge, windows: GaitWindows, references: Sequence[Sequence[float]]
) -> MotionEvidence:
    """Say whether the motion of a probe looks generated.

    Parameters
    ----------
    judge
        Trained and calibrated.
    windows
        Of the probe, at least one.
    references
        `mean_measures` of other people, filmed in the same way.
    """
    card = judge.card
    known = [one for one in references if len(one) == len(MEASURES)]
    reason = ""
    own = mean_measures(windows)
    if not own:
        reason = FLAT
    elif len(known) < card.least_references:
        reason = FEW_PEOPLE.format(count=len(known), needed=card.least_references)
    if reason:
        return MotionEvidence(
            None, card.threshold, len(windows), len(known), card.model_id, reason=reason
        )
    centre = np.mean(np.asarray(known, np.float64), axis=0)
    score = float(judge.judge(windows, centre).mean())
    apart = (np.array(own) - centre) / np.array(card.spreads)
    order = np.argsort(-np.abs(apart))[:MOST_NAMED]
    return MotionEvidence(
        score,
        card.threshold,
        len(windows),
        len(known),
        card.model_id,
        unusual={MEASURES[i]: round(float(apart[i]), 2) for i in order},
    )

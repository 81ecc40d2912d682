"""Figures of a face forgery detector with their intervals over people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    MIN_PEOPLE,
    Interval,
    RateFunction,
    draw_people,
    draw_rates,
    percentile_interval,
)
from gaitproof.evaluate.face.scores import FaceScores

Float64 = NDArray[np.float64]

CURVE_FIGURES: Final[Mapping[str, RateFunction]] = {
    "auc": metrics.auc_from_rates,
    "eer": metrics.eer_from_rates,
}
"""Read off whole error curves."""

_AtThreshold = Callable[[Float64, Float64, float], Float64]
"""From the share of forged faces called genuine, of genuine ones called forged, and the share of
forged faces among all."""


def _precision(false_real: Float64, false_fake: Float64, forged: float) -> Float64:
    found, wrong = forged * (1 - false_real), (1 - forged) * false_fake
    with np.errstate(invalid="ignore"):
        return np.where(found + wrong == 0, 0.0, found / (found + wrong))


def _f1(false_real: Float64, false_fake: Float64, forged: float) -> Float64:
    found, wrong = forged * (1 - false_real), (1 - forged) * false_fake
    return 2 * found / (found + wrong + forged)


THRESHOLD_FIGURES: Final[Mapping[str, _AtThreshold]] = {
    "false_real": lambda false_real, _, __: false_real,
    "false_fake": lambda _, false_fake, __: false_fake,
    "accuracy": lambda false_real, false_fake, p: 1 - p * false_real - (1 - p) * false_fake,
    "balanced_accuracy": lambda false_real, false_fake, _: 1 - (false_real + false_fake) / 2,
    "precision": _precision,
    "recall": lambda false_real, _, __: 1 - false_real,
    "f1": _f1,
}
"""Of decisions at one threshold; "forged" is the positive class. Accuracy, precision and F1 hold at
the shares of the two classes in the data."""


@dataclass(frozen=True)
class FaceFigures:
    """Figures of one set of scores.

    Parameters
    ----------
    genuine, forged
        How many of either.
    people
        Those who share nobody, see `FaceScores.people`.
    threshold
        At and above it a face counts as genuine.
    values
        By the names of `CURVE_FIGURES` and `THRESHOLD_FIGURES`. The ends of an interval are NaN
        where there are too few people for one.
    """

    genuine: int
    forged: int
    people: int
    threshold: float
    values: dict[str, Interval]

    @property
    def confusion(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Genuine faces called genuine and forged, then forged ones called genuine and forged."""
        wrong_genuine = round(self.values["false_fake"].value * self.genuine)
        wrong_forged = round(self.values["false_real"].value * self.forged)
        return (
            (self.genuine - wrong_genuine, wrong_genuine),
            (wrong_forged, self.forged - wrong_forged),
        )


def compute_figures(
    scores: FaceScores, threshold: float, *, draws: int = DRAWS, seed: int = 0
) -> FaceFigures:
    """Compute all figures with 95 % intervals over people.

    Parameters
    ----------
    scores
        Of both kinds.
    threshold
        Set on other people.
    draws, seed
        Of the bootstrap; people and source videos are drawn, and what shows two of them weighs by
        both.

    Raises
    ------
    InputError
        If one kind is missing.
    """
    values, genuine = metrics.check_trials(scores.scores, scores.genuine)
    forged = float((~genuine).mean())
    curves = metrics.compute_error_curves(values, genuine)
    false_real = np.array((values[~genuine] >= threshold).mean())
    false_fake = np.array((values[genuine] < threshold).mean())
    measured = {name: f(curves.fmr, curves.fnmr) for name, f in CURVE_FIGURES.items()}
    measured |= {name: f(false_real, false_fake, forged) for name, f in THRESHOLD_FIGURES.items()}
    spread = dict.fromkeys(measured, (float("nan"), float("nan")))
    if scores.units.count >= MIN_PEOPLE:
        drawn = draw_people(scores.units.count, draws, seed)
        spread = {
            name: percentile_interval(found)
            for name, found in _draw_figures(scores, drawn, threshold, forged).items()
        }
    return FaceFigures(
        genuine=int(genuine.sum()),
        forged=int((~genuine).sum()),
        people=scores.people,
        threshold=threshold,
        values={name: Interval(float(v), *spread[name]) for name, v in measured.items()},
    )


def _draw_figures(
    scores: FaceScores, drawn: Float64, threshold: float, forged: float
) -> dict[str, Float64]:
    found: dict[str, list[Float64]] = {}
    for fmr, fnmr in draw_rates(scores.units, scores.scores, drawn):
        for name, figure in CURVE_FIGURES.items():
            found.setdefault(name, []).append(figure(fmr, fnmr))
    for fmr, fnmr in draw_rates(scores.units, scores.scores, drawn, np.array([threshold])):
        for name, at_threshold in THRESHOLD_FIGURES.items():
            found.setdefault(name, []).append(at_threshold(fmr[:, 1], fnmr[:, 1], forged))
    return {name: np.concatenate(parts) for name, parts in found.items()}

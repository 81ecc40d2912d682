"""Figures of a face forgery detector with their intervals over people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
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
    caught, wrong = forged * (1 - false_real), (1 - forged) * false_fake
    with np.errstate(invalid="ignore"):
        return np.where(caught + wrong == 0, 0.0, caught / (caught + wrong))


def _f1(false_real: Float64, false_fake: Float64, forged: float) -> Float64:
    caught, wrong = forged * (1 - false_real), (1 - forged) * false_fake
    return 2 * caught / (caught + wrong + forged)


THRESHOLD_FIGURES: Final[Mapping[str, _AtThreshold]] = {
    "false_real": lambda false_real, _, __: false_real,
    "false_fake": lambda _, false_fake, __: false_fake,
    "accuracy": lambda false_real, false_fake, p: 1 - p * false_real - (1 - p) * false_fake,
    "balanced_accuracy": lambda false_real, false_fake, _: 1 - (false_real + false_fake) / 2,
    "precision": _precision,
    "recall": lambda false_real, _, __: 1 - false_real,
    "specificity": lambda _, false_fake, __: 1 - false_fake,
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
    genuine_people, forged_people
        Those who share nobody, of either, see `FaceScores.people`.
    threshold
        At and above it a face counts as genuine.
    values
        By the names of `CURVE_FIGURES` and `THRESHOLD_FIGURES`; those only that the kinds at hand
        allow. The ends of an interval are NaN where there are too few people for one.
    """

    genuine: int
    forged: int
    genuine_people: int
    forged_people: int
    threshold: float
    values: dict[str, Interval]

    def support(self, name: str) -> float:
        """Return the lowest value of a figure that the people can support; 0 if it is no error."""
        people = {
            "false_fake": self.genuine_people,
            "false_real": self.forged_people,
            "eer": min(self.genuine_people, self.forged_people),
        }
        return metrics.supported_rate(people[name]) if name in people else 0.0

    @property
    def confusion(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Genuine faces called genuine and forged, then forged ones called genuine and forged."""
        wrong_genuine, wrong_forged = (
            round(self.values[name].value * count) if count else 0
            for name, count in (("false_fake", self.genuine), ("false_real", self.forged))
        )
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
        Of at least one clip or image.
    threshold
        Set on other people.
    draws, seed
        Of the bootstrap; people and source videos are drawn, and what shows two of them weighs by
        both.

    Raises
    ------
    InputError
        If there is none.
    """
    values, genuine = scores.scores, scores.genuine
    if not len(scores):
        raise InputError("There are no scores to compute figures of.")
    forged = float((~genuine).mean())
    allowed = _allowed(forged)
    measured: dict[str, float] = {}
    if 0 < forged < 1:
        curves = metrics.compute_error_curves(values, genuine)
        measured = {name: float(f(curves.fmr, curves.fnmr)) for name, f in CURVE_FIGURES.items()}
    wrong = (_share(values[~genuine] >= threshold), _share(values[genuine] < threshold))
    measured |= {name: float(f(*wrong, forged)) for name, f in allowed.items()}
    spread = dict.fromkeys(measured, (float("nan"), float("nan")))
    if scores.units.count >= MIN_PEOPLE:
        drawn = draw_people(scores.units.count, draws, seed)
        parts: dict[str, list[Float64]] = {name: [] for name in measured}
        if 0 < forged < 1:
            for fmr, fnmr in draw_rates(scores.units, values, drawn):
                for name, curve_figure in CURVE_FIGURES.items():
                    parts[name].append(curve_figure(fmr, fnmr))
        for fmr, fnmr in draw_rates(scores.units, values, drawn, np.array([threshold])):
            for name, figure in allowed.items():
                parts[name].append(figure(fmr[:, 1], fnmr[:, 1], forged))
        spread = {name: percentile_interval(np.concatenate(part)) for name, part in parts.items()}
    return FaceFigures(
        genuine=int(genuine.sum()),
        forged=int((~genuine).sum()),
        genuine_people=scores.select(genuine).people,
        forged_people=scores.select(~genuine).people,
        threshold=threshold,
        values={name: Interval(value, *spread[name]) for name, value in measured.items()},
    )


def _allowed(forged: float) -> Mapping[str, _AtThreshold]:
    """Return the figures that faces of which so large a share is forged allow."""
    alone = {0.0: ("false_fake", "specificity"), 1.0: ("false_real", "recall")}
    return {name: THRESHOLD_FIGURES[name] for name in alone.get(forged, THRESHOLD_FIGURES)}


def _share(wrong: NDArray[np.bool_]) -> Float64:
    return np.array(wrong.mean() if len(wrong) else np.nan)

"""From held-out trials to the threshold and calibration that travel with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, rates_at_threshold
from gaitproof.evaluate.calibration import (
    CalibrationChoice,
    calibrate,
    choose_calibration,
    other_people,
)
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import CalibrationCard, OperatingPoint
from gaitproof.types.rates import ErrorRate, InconclusiveBand
from gaitproof.types.support import MODERATE
from gaitproof.verify.calibration import log10_likelihood_ratios
from gaitproof.verify.decision import answer

ThresholdMethod = Literal["eer", "youden", "fmr"]

AIMS: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
"""Parts of the stated share of wrong answers that are tried as the share to aim at on the people
at hand, until people who had no say in it stay below the stated one."""

_GRID: Final = np.linspace(0.0, 1.0, 10_001)
"""Similarities at which the support of the likelihood ratio is looked up."""


def choose_operating_point(
    trials: Trials,
    *,
    method: ThresholdMethod = "eer",
    target_fmr: float | None = None,
    wrong_answers: float | None = 0.05,
    calibration: CalibrationChoice = "auto",
    calibrate_on: Trials | None = None,
    people: str = "held-out people",
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[OperatingPoint, CalibrationCard]:
    """Choose threshold and inconclusive band and fit the calibration on pooled held-out trials.

    The band reaches from the highest similarity below which at most `wrong_answers` of the
    genuine claims lie, to the lowest above which at most so many of the others do; it holds the
    threshold, and every similarity whose likelihood ratio supports neither side. The error rates
    stated for it are those of people who had no say in it (chosen by the other folds), where
    there are several folds; it is widened until they keep to `wrong_answers`.

    Parameters
    ----------
    trials
        Similarities in [0, 1] of people the encoder has not seen.
    method
        ``eer``: the equal-error point; ``youden``: the largest 1 - FMR - FNMR; ``fmr``: the lowest
        threshold whose FMR does not exceed `target_fmr`.
    target_fmr
        Above 0; given, it makes `method` ``fmr``.
    wrong_answers
        Largest share of wrong answers among the claims of either kind; None makes no band.
    calibration
        See `gaitproof.evaluate.calibration.choose_calibration`.
    calibrate_on
        Trials of the same people to fit the calibration on, with probes of other lengths too
        (`gaitproof.evaluate.calibration.with_short_probes`); by default `trials`.
    people
        Whose trials these are, for the card.
    draws, seed
        Of the bootstrap over people.

    Returns
    -------
    tuple
        The operating point, whose error rates are never below what the number of people supports,
        and the calibration.

    Raises
    ------
    InputError
        If a similarity lies outside [0, 1], or the target is below what the people support.
    """
    scored = np.isfinite(trials.scores)
    if ((trials.scores[scored] < 0) | (trials.scores[scored] > 1)).any():
        raise InputError("An operating point needs similarities between 0 and 1.")
    count = len(trials.subjects)
    support = metrics.supported_rate(count)
    rule = _Rule("fmr" if target_fmr is not None else method, target_fmr)
    rule.check(count)
    threshold = rule(trials)
    fmr, fnmr = rates_at_threshold(trials, threshold, draws=draws, seed=seed)
    wider = trials if calibrate_on is None else calibrate_on
    card = choose_calibration(wider, calibration)
    band = None
    if wrong_answers is not None:
        if not 0 < wrong_answers < 0.5:
            raise InputError(
                "The share of wrong answers must lie between 0 and 0.5.",
                actual=str(wrong_answers),
            )
        band = _choose_band(
            _Part(np.ones(len(trials), bool), trials, card, threshold),
            _parts(trials, wider, rule, calibration),
            wrong_answers,
            draws,
            seed,
        )
    point = OperatingPoint(
        threshold=threshold,
        chosen_by=f"{rule.words} on {count} {people}",
        fmr=supported(fmr, support),
        fnmr=supported(fnmr, support),
        inconclusive=band,
    )
    return point, card


@dataclass(frozen=True)
class _Rule:
    """How a threshold is chosen from trials."""

    method: ThresholdMethod
    target_fmr: float | None

    def __call__(self, trials: Trials) -> float:
        if self.method == "youden":
            threshold = metrics.youden_threshold(trials.scores, trials.mated)
        elif self.target_fmr is None:
            _, threshold = metrics.eer_point(trials.scores, trials.mated)
        else:
            threshold = metrics.threshold_at_fmr(trials.scores, trials.mated, self.target_fmr)
        # rejecting everything may take a threshold a hair above 1
        return min(threshold, 1.0)

    @property
    def words(self) -> str:
        if self.target_fmr is not None:
            return f"FMR {self.target_fmr:.2%}"
        return {"eer": "EER", "youden": "Youden's J"}[self.method]

    def check(self, people: int) -> None:
        """Refuse a target that so many people do not support."""
        if self.method == "fmr" and self.target_fmr is None:
            raise InputError("A threshold at an FMR needs the FMR.", hint="give 'target_fmr'")
        support = metrics.supported_rate(people)
        if self.target_fmr is not None and self.target_fmr < support:
            raise InputError(
                f"{people} people do not support an FMR of {self.target_fmr:.2%}.",
                expected=f"{support:.2%} or more",
                hint=f"evaluate {metrics.people_needed(self.target_fmr)} people or more",
            )


@dataclass(frozen=True, eq=False)
class _Part:
    """Trials to answer, and what was fitted on others (or the same, for the card itself)."""

    own: NDArray[np.bool_]
    fitted_on: Trials
    card: CalibrationCard
    threshold: float

    def limits(self, aim: float) -> tuple[float, float]:
        """Return both ends of the band that aims at a share of wrong answers."""
        scored = self.fitted_on.select(np.isfinite(self.fitted_on.scores))
        curves = metrics.compute_error_curves(scored.scores, scored.mated)
        high = curves.thresholds[np.argmax(curves.fmr <= aim)]
        low = curves.thresholds[np.flatnonzero(curves.fnmr <= aim)[-1]]
        ends = [self.threshold]
        if getattr(self.card, "duration", None) is None:
            # with a duration term the support differs from probe to probe
            unsure = np.flatnonzero(np.abs(log10_likelihood_ratios(_GRID, self.card)) < MODERATE)
            if len(unsure):
                # one step further, since the support ends between two steps
                ends.append(_GRID[max(unsure[0] - 1, 0)])
                ends.append(_GRID[min(unsure[-1] + 1, len(_GRID) - 1)])
        return float(min(low, *ends)), float(min(max(high, *ends), 1.0))


def _parts(
    trials: Trials, wider: Trials, rule: _Rule, calibration: CalibrationChoice
) -> list[_Part]:
    """Fit threshold and calibration for every fold on the people of the others."""
    parts = []
    for own, rest in other_people(trials):
        apart = np.isin(wider.probe, rest.subjects) & np.isin(wider.claimed, rest.subjects)
        card = choose_calibration(wider.select(apart), calibration)
        parts.append(_Part(own, rest, card, rule(rest)))
    return parts


def _choose_band(
    whole: _Part, parts: Sequence[_Part], target: float, draws: int, seed: int
) -> InconclusiveBand:
    trials = whole.fitted_on
    for share in AIMS:
        answers = _answers(trials, parts or [whole], share * target)
        wrong_nonmated = float((answers[~trials.mated] > 0).mean())
        wrong_mated = float((answers[trials.mated] < 0).mean())
        if max(wrong_nonmated, wrong_mated) <= target:
            break
    low, high = whole.limits(share * target)
    return _describe(trials, answers, low, high, target, draws, seed)


def _answers(trials: Trials, parts: Sequence[_Part], aim: float) -> NDArray[np.int8]:
    answers = np.zeros(len(trials), np.int8)
    for part in parts:
        low, high = part.limits(aim)
        own = trials.select(part.own)
        answers[part.own] = answer(own.scores, calibrate(own, part.card), low=low, high=high)
    return answers


def _describe(
    trials: Trials,
    answers: NDArray[np.int8],
    low: float,
    high: float,
    target: float,
    draws: int,
    seed: int,
) -> InconclusiveBand:
    support = metrics.supported_rate(len(trials.subjects))

    def rates(kept: Trials, levels: NDArray[np.bool_]) -> tuple[Interval, Interval]:
        at_levels = kept.with_scores(levels.astype(np.float64))
        return rates_at_threshold(at_levels, 1.0, draws=draws, seed=seed)

    wrong_nonmated, _ = rates(trials, answers > 0)
    _, wrong_mated = rates(trials, answers >= 0)
    undecided_nonmated, decided_mated = rates(trials, answers == 0)
    decided = trials.select(answers != 0)
    # where hardly anybody is decided, nothing is known of the errors
    fmr = fnmr = Interval(1.0, 0.0, 1.0)
    if len(decided) and 0 < decided.mated.sum() < len(decided) and len(decided.subjects) > 2:
        fmr, fnmr = rates(decided, answers[answers != 0] > 0)
    return InconclusiveBand(
        low=low,
        high=high,
        min_log10_lr=MODERATE,
        target=target,
        wrong_nonmated=supported(wrong_nonmated, support),
        wrong_mated=supported(wrong_mated, support),
        fmr=supported(fmr, metrics.supported_rate(max(1, len(decided.subjects)))),
        fnmr=supported(fnmr, metrics.supported_rate(max(1, len(decided.subjects)))),
        undecided_nonmated=ErrorRate(
            undecided_nonmated.value, undecided_nonmated.low, undecided_nonmated.high
        ),
        undecided_mated=ErrorRate(
            1 - decided_mated.value, 1 - decided_mated.high, 1 - decided_mated.low
        ),
    )


def supported(rate: Interval, support: float) -> ErrorRate:
    """Raise a measured rate, and its upper end, to what the number of people supports.

    Few people without an error do not show that there are none: the rate is then stated as the
    lowest that the people can support, and the interval keeps the measured lower end.

    Examples
    --------
    >>> supported(Interval(0.0, 0.0, 0.01), 0.2)
    ErrorRate(value=0.2, low=0.0, high=0.2)
    """
    return ErrorRate(max(rate.value, support), rate.low, max(rate.high, support))

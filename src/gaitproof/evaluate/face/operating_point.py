"""From held-out faces to the threshold, band and calibration that travel with the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    draw_people,
    draw_rates,
    percentile_interval,
)
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.evaluate.operating_point import AIMS, supported
from gaitproof.face.model import SCORE_EDGE, FaceCalibration, FaceOperatingPoint
from gaitproof.train.face.data.splits import join_by_keys
from gaitproof.types import ErrorRate
from gaitproof.types.support import NO_SUPPORT
from gaitproof.verify.calibration import balanced_logistic, supported_bound

Float64 = NDArray[np.float64]

_FOLDS: Final = 5


def fit_operating_point(
    scores: FaceScores,
    *,
    people: str = "held-out people",
    wrong_answers: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[FaceOperatingPoint, FaceCalibration | None]:
    """Choose threshold and inconclusive band, and fit the calibration.

    The threshold is the equal-error point. The band reaches from the highest score below which at
    most `wrong_answers` of the genuine faces lie to the lowest above which at most so many of the
    forged ones do; it holds the threshold, and every score whose likelihood ratio supports neither
    side. The error rates stated for it are those of people who had no say in it (the band of every
    fifth was chosen by the others), where there are enough; it is widened until they keep to
    `wrong_answers`.

    Parameters
    ----------
    scores
        Of whole clips of people the model was not trained on, both kinds.
    people
        Whose they are, for the card.
    wrong_answers
        Largest share of wrong answers among the faces of either kind, between 0 and 0.5.
    draws, seed
        Of the bootstrap over people.

    Returns
    -------
    tuple
        The operating point, whose error rates are never below what the number of people supports;
        and the calibration, None where forged faces score no lower than genuine ones.

    Raises
    ------
    InputError
        If a kind is missing, there are fewer than three people, or the share is impossible.
    """
    if not 0 < wrong_answers < 0.5:
        raise InputError(
            "The share of wrong answers must lie between 0 and 0.5.", actual=str(wrong_answers)
        )
    _, threshold = metrics.eer_point(scores.scores, scores.genuine)
    parts = list(_parts(scores)) or [(np.ones(len(scores), bool), scores)]
    answers = np.zeros(len(scores), np.int8)
    for share in AIMS:
        for own, others in parts:
            low, high = _limits(others, share * wrong_answers)
            answers[own] = _answer(scores.scores[own], low, high)
        wrong = (answers[scores.genuine] < 0).mean(), (answers[~scores.genuine] > 0).mean()
        if max(wrong) <= wrong_answers:
            break
    low, high = _limits(scores, share * wrong_answers)
    false_real, false_fake, undecided = _rates(scores, answers, draws, seed)
    point = FaceOperatingPoint(
        threshold=min(max(threshold, low), high),
        low=low,
        high=high,
        chosen_by=f"EER on {scores.people} {people}, at most {wrong_answers:.0%} wrong answers",
        false_real=supported(
            false_real, metrics.supported_rate(scores.select(~scores.genuine).people)
        ),
        false_fake=supported(
            false_fake, metrics.supported_rate(scores.select(scores.genuine).people)
        ),
        undecided=ErrorRate(undecided.value, undecided.low, undecided.high),
    )
    return point, fit_calibration(scores)


def fit_calibration(scores: FaceScores) -> FaceCalibration | None:
    """Fit the map from score to log10 likelihood ratio of genuine against forged.

    Logistic regression on the log odds of the score, both kinds weighing the same.

    Parameters
    ----------
    scores
        Of clips, or of single pictures, of people the model was not trained on.

    Returns
    -------
    FaceCalibration or None
        None where forged faces score no lower than genuine ones: such scores are no evidence.

    Raises
    ------
    InputError
        If a kind is missing.
    ModelError
        If there are fewer than two people.
    """
    values, genuine = metrics.check_trials(scores.scores, scores.genuine)
    bound = supported_bound(scores.people)
    odds = logit(values.clip(SCORE_EDGE, 1 - SCORE_EDGE))
    (slope,), intercept = balanced_logistic(odds[:, None], genuine)
    if slope <= 0:
        return None
    return FaceCalibration(
        slope=float(slope) / math.log(10),
        intercept=intercept / math.log(10),
        log10_lr_bound=bound,
        people=scores.people,
    )


def _limits(scores: FaceScores, aim: float) -> tuple[float, float]:
    """Return both ends of the band that aims at a share of wrong answers."""
    curves = metrics.compute_error_curves(scores.scores, scores.genuine)
    _, threshold = metrics.eer_point(scores.scores, scores.genuine)
    low = float(curves.thresholds[np.flatnonzero(curves.fnmr <= aim)[-1]])
    high = float(curves.thresholds[np.argmax(curves.fmr <= aim)])
    ends = [threshold]
    calibration = fit_calibration(scores)
    if calibration is not None:
        ends += [
            float(expit((side - calibration.intercept) / calibration.slope))
            for side in (-NO_SUPPORT, NO_SUPPORT)
        ]
    return max(0.0, min(low, *ends)), min(1.0, max(high, *ends))


def _answer(scores: Float64, low: float, high: float) -> NDArray[np.int8]:
    """Return 1 for REAL, -1 for FAKE, 0 for INCONCLUSIVE, shape (N,)."""
    return (scores >= high).astype(np.int8) - (scores < low).astype(np.int8)


def _parts(scores: FaceScores) -> Iterator[tuple[NDArray[np.bool_], FaceScores]]:
    """Pair every fold of people with the scores of all others; nothing if they hang together."""
    groups = np.array(join_by_keys(scores.keys))
    folds = groups % min(_FOLDS, int(groups.max()) + 1)
    others = [(folds == fold, scores.select(folds != fold)) for fold in np.unique(folds)]
    if all(0 < rest.genuine.sum() < len(rest) and rest.people > 1 for _, rest in others):
        yield from others


def _rates(
    scores: FaceScores, answers: NDArray[np.int8], draws: int, seed: int
) -> tuple[Interval, Interval, Interval]:
    """Return shares answered wrongly, forged and genuine, and left undecided, over people."""
    drawn = draw_people(scores.units.count, draws, seed)
    # as thresholds on the answers: undecided and above, genuine and above
    ends = np.array([0.0, 1.0])
    parts = list(draw_rates(scores.units, answers.astype(np.float64), drawn, ends))
    fmr, fnmr = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    real, fake = answers[scores.genuine], answers[~scores.genuine]
    undecided = (fmr[:, 1] - fmr[:, 2] + fnmr[:, 2] - fnmr[:, 1]) / 2
    return (
        Interval(float((fake > 0).mean()), *percentile_interval(fmr[:, 2])),
        Interval(float((real < 0).mean()), *percentile_interval(fnmr[:, 1])),
        Interval(
            float((real == 0).mean() + (fake == 0).mean()) / 2, *percentile_interval(undecided)
        ),
    )

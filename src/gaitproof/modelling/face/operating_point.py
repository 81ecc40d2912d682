"""From held-out faces to the threshold, band and calibration that travel with the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from gaitproof import metrics
from gaitproof.data.face.splits import join_by_keys
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    draw_people,
    draw_rates,
    percentile_interval,
)
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.card import SCORE_EDGE, FaceCalibration, FaceOperatingPoint
from gaitproof.modelling.operating_point import AIMS, supported
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
    draws
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
    (low, high), answers = _choose_band(scores, wrong_answers)
    false_real, false_fake, undecided = measure_answers(scores, answers, draws=draws, seed=0)
    point = FaceOperatingPoint(
        threshold=min(max(threshold, low), high),
        low=low,
        high=high,
        chosen_by=f"EER on {scores.people} {people}, at most {wrong_answers:.0%} wrong answers",
        false_real=false_real,
        false_fake=false_fake,
        undecided=undecided,
    )
    return point, fit_calibration(scores)


def fit_calibration(scores: FaceScores) -> FaceCalibration | None:
    """Fit the map from score to log10 likelihood ratio of genuine against forged.

    Logistic regression on the log odds of the score, both kinds weighing the same.

    Parameters
    ----------
    scores
        Of clips, or of single images, of people the model was not trained on.

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


def answer_others(scores: FaceScores, *, wrong_answers: float = 0.05) -> NDArray[np.int8]:
    """Answer people by a band that others alone had a say in.

    Every choice of `fit_operating_point` is made anew without those who are answered.

    Parameters
    ----------
    scores, wrong_answers
        As in `fit_operating_point`.

    Returns
    -------
    ndarray
        Shape (N,): 1 for REAL, -1 for FAKE, 0 for INCONCLUSIVE.

    Raises
    ------
    InputError
        If there are too few people who share nobody with others.
    """
    parts = list(_parts(scores))
    if not parts:
        raise InputError("There are too few people to leave some out.", actual=str(scores.people))
    answers = np.zeros(len(scores), np.int8)
    for own, others in parts:
        limits, _ = _choose_band(others, wrong_answers)
        answers[own] = _answer(scores.scores[own], *limits)
    return answers


def _choose_band(
    scores: FaceScores, wrong_answers: float
) -> tuple[tuple[float, float], NDArray[np.int8]]:
    """Return both ends of the band, and the answers to people who had no say in it."""
    whole = _limits(scores)
    parts = [(own, _limits(others)) for own, others in _parts(scores)]
    parts = parts or [(np.ones(len(scores), bool), whole)]

    def answer(low: float, high: float) -> NDArray[np.int8]:
        answers = np.zeros(len(scores), np.int8)
        for own, limits in parts:
            answers[own] = _answer(scores.scores[own], *limits(low, high))
        return answers

    aims = [share * wrong_answers for share in AIMS]
    # each end on its own: what makes genuine faces FAKE does not make forged ones REAL
    low = next((a for a in aims if _share(answer(a, 0)[scores.genuine], -1) <= wrong_answers), 0.0)
    high = next((a for a in aims if _share(answer(0, a)[~scores.genuine], 1) <= wrong_answers), 0.0)
    return whole(low, high), answer(low, high)


def _share(answers: NDArray[np.int8], wanted: int) -> float:
    return float((answers == wanted).mean())


def _limits(scores: FaceScores) -> Callable[[float, float], tuple[float, float]]:
    """Return what gives both ends of a band, by shares of FAKE genuine and REAL forged faces."""
    curves = metrics.compute_error_curves(scores.scores, scores.genuine)
    _, threshold = metrics.eer_point(scores.scores, scores.genuine)
    ends = [threshold]
    calibration = fit_calibration(scores)
    if calibration is not None:
        ends += [
            float(expit((side - calibration.intercept) / calibration.slope))
            for side in (-NO_SUPPORT, NO_SUPPORT)
        ]

    def limits(false_fake: float, false_real: float) -> tuple[float, float]:
        low = float(curves.thresholds[np.flatnonzero(curves.fnmr <= false_fake)[-1]])
        high = float(curves.thresholds[np.argmax(curves.fmr <= false_real)])
        return max(0.0, min(low, *ends)), min(1.0, max(high, *ends))

    return limits


def _answer(scores: Float64, low: float, high: float) -> NDArray[np.int8]:
    """Return 1 for REAL, -1 for FAKE, 0 for INCONCLUSIVE, shape (N,)."""
    return (scores >= high).astype(np.int8) - (scores < low).astype(np.int8)


def _parts(scores: FaceScores) -> Iterator[tuple[NDArray[np.bool_], FaceScores]]:
    """Pair every fold of people with the scores of others who share nobody with it.

    Where too many hang together for that, as people do who are swapped in a ring, each fold is what
    was filmed of one person. Nothing if too few others are left.
    """
    groups = np.array(join_by_keys(scores.keys))
    people = np.unique([keys[0] for keys in scores.keys], return_inverse=True)[1]
    for folds in (groups % min(_FOLDS, int(groups.max()) + 1), people):
        parts = []
        for fold in np.unique(folds):
            own = folds == fold
            shown = {key for i in np.flatnonzero(own) for key in scores.keys[i]}
            apart = np.array([shown.isdisjoint(keys) for keys in scores.keys])
            parts.append((own, scores.select(apart)))
        if all(0 < rest.genuine.sum() < len(rest) and rest.people > 1 for _, rest in parts):
            yield from parts
            return


def measure_answers(
    scores: FaceScores, answers: NDArray[np.int8], *, draws: int = DRAWS, seed: int = 0
) -> tuple[ErrorRate, ErrorRate, ErrorRate]:
    """Return how often faces are answered wrongly, and not at all.

    Parameters
    ----------
    scores
        Whose faces they are, and which are genuine.
    answers
        Shape (N,): 1 for REAL, -1 for FAKE, 0 for INCONCLUSIVE.
    draws, seed
        Of the bootstrap over people.

    Returns
    -------
    tuple
        Shares of forged faces answered REAL and of genuine ones answered FAKE, neither below what
        the number of people supports; and left undecided, both kinds weighing the same.
    """
    drawn = draw_people(scores.units.count, draws, seed)
    # as thresholds on the answers: undecided and above, genuine and above
    ends = np.array([0.0, 1.0])
    parts = list(draw_rates(scores.units, answers.astype(np.float64), drawn, ends))
    fmr, fnmr = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    real, fake = answers[scores.genuine], answers[~scores.genuine]
    undecided = (fmr[:, 1] - fmr[:, 2] + fnmr[:, 2] - fnmr[:, 1]) / 2
    wrong = (
        Interval(float((fake > 0).mean()), *percentile_interval(fmr[:, 2])),
        Interval(float((real < 0).mean()), *percentile_interval(fnmr[:, 1])),
    )
    false_real, false_fake = (
        supported(rate, metrics.supported_rate(scores.select(kind).people))
        for rate, kind in zip(wrong, (~scores.genuine, scores.genuine), strict=True)
    )
    open_ = float((real == 0).mean() + (fake == 0).mean()) / 2
    return false_real, false_fake, ErrorRate(open_, *percentile_interval(undecided))

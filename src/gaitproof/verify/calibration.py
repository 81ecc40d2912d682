"""From similarity to likelihood ratio: how much a score is worth as evidence."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import ModelError
from gaitproof.nets.card import (
    CalibrationCard,
    DurationTerm,
    IsotonicCalibration,
    LogisticCalibration,
)

Float64 = NDArray[np.float64]

_RIDGE: Final = 1e-4
"""Penalty on the slope (scores standardised, mean loss): only keeps it finite when the trials are
perfectly separable; far below the influence of any trial otherwise."""

_LN10: Final = float(np.log(10.0))

_MAX_STEPS: Final = 100
_TOLERANCE: Final = 1e-10


def log10_likelihood_ratio(
    similarity: float, card: CalibrationCard, windows: int | None = None
) -> float:
    """Turn a similarity into a bounded log10 likelihood ratio.

    Parameters
    ----------
    similarity
        In [0, 1].
    card
        The calibration, with the bound.
    windows
        Usable windows of the probe; needed where the calibration has a duration term.

    Returns
    -------
    float
        Positive: the score is more usual for the claimed person than for another; negative: less.
        Never beyond ±`card.log10_lr_bound`.

    Raises
    ------
    ModelError
        If the calibration needs the number of windows and it is not given.
    """
    lengths = None if windows is None else np.array([windows])
    return float(log10_likelihood_ratios(np.array([similarity]), card, lengths)[0])


def log10_likelihood_ratios(
    similarities: ArrayLike, card: CalibrationCard, windows: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Turn many similarities into bounded log10 likelihood ratios; see `log10_likelihood_ratio`.

    Parameters
    ----------
    similarities
        Shape (N,), in [0, 1]; NaN stays NaN.
    card
        The calibration.
    windows
        Shape (N,), at least 1, where the calibration has a duration term.

    Returns
    -------
    ndarray
        Shape (N,).
    """
    scores = np.asarray(similarities, dtype=np.float64)
    if isinstance(card, IsotonicCalibration):
        raw = np.interp(scores, card.similarities, card.log10_lr)
        raw[np.isnan(scores)] = np.nan
    else:
        raw = card.slope * scores + card.intercept
        term = card.duration
        if term is not None:
            if windows is None:
                raise ModelError(
                    "This calibration needs the number of windows of the probe.",
                    hint="give 'windows'",
                )
            length = np.log10(np.clip(windows, term.fewest, term.most))
            raw = raw + (term.slope * scores + term.intercept) * length
    return np.clip(raw, -card.log10_lr_bound, card.log10_lr_bound)


def supported_bound(subjects: int) -> float:
    """Return the largest |log10 LR| that calibration on `subjects` people supports.

    Laplace's rule of succession: after N people without an error, the next one errs with
    probability 1/(N+1) and does not with N/(N+1). A likelihood ratio is a quotient of two such
    probabilities, so it cannot be shown to exceed N: the bound is log10 N.

    Raises
    ------
    ModelError
        For fewer than two subjects, which support no likelihood ratio at all.
    """
    if subjects < 2:
        raise ModelError(
            "Calibration needs at least two subjects.", expected="2 or more", actual=str(subjects)
        )
    return float(np.log10(subjects))


def fit_calibration(
    similarities: ArrayLike,
    labels: ArrayLike,
    subjects: int,
    *,
    windows: ArrayLike | None = None,
    ridge: float = _RIDGE,
) -> LogisticCalibration:
    """Fit the affine map from similarity to log10 likelihood ratio.

    Logistic regression in which mated and non-mated trials weigh the same in total, so that its
    log odds are the log likelihood ratio whatever the shares of the two in the trials
    (prior-corrected). Newton's method with step halving. The map never falls: if the scores speak
    against their labels the slope is 0, which is the constrained optimum, and every likelihood
    ratio is 1.

    With `windows`, log10 of the probe's windows and its product with the similarity are
    covariates as well, so that a short probe gets a weaker likelihood ratio where the trials say
    so (quality measures in calibration: Mandasari et al., IEEE TASLP 21, 2013). They are left out
    where the lengths do not differ, or the likelihood ratio would fall with the similarity at
    some length.

    Parameters
    ----------
    similarities
        Shape (N,), in [0, 1], of held-out trials.
    labels
        Shape (N,), true for mated trials.
    subjects
        Number of different people behind the trials; it sets the bound, see `supported_bound`.
    windows
        Shape (N,), usable windows of each probe, at least 1; None leaves length aside.
    ridge
        Penalty on the squared weights of the standardised covariates.

    Returns
    -------
    LogisticCalibration
        Slope and intercept in log10 units.

    Raises
    ------
    ModelError
        If a kind of trial is missing, a score is not finite, a length is below 1, or there are
        too few subjects.
    """
    scores, mated, common = _checked(similarities, labels, subjects)
    if windows is not None:
        lengths = np.asarray(windows)
        if lengths.shape != scores.shape or (lengths < 1).any():
            raise ModelError("Calibration by length needs one window or more per trial.")
        if lengths.min() < lengths.max():
            fitted = _fit_with_duration(scores, mated, lengths, common, ridge)
            if fitted is not None:
                return fitted
    (slope,), offset = balanced_logistic(scores[:, None], mated, ridge)
    if slope <= 0:
        slope = offset = 0.0
    return LogisticCalibration(slope=slope / _LN10, intercept=offset / _LN10, **common)


def _fit_with_duration(
    scores: Float64,
    mated: NDArray[np.bool_],
    lengths: NDArray[Any],
    common: dict[str, Any],
    ridge: float,
) -> LogisticCalibration | None:
    longer = np.log10(lengths.astype(np.float64))
    # centred, the product says little that its factors say, and the ridge does not shrink it
    centre = float(scores.mean())
    covariates = np.stack([scores, (scores - centre) * longer, longer], axis=1)
    (slope, by_length, level), offset = balanced_logistic(covariates, mated, ridge)
    level -= by_length * centre
    # the slope is affine in log10(windows), so both ends of the range answer for all of it
    if min(slope + by_length * longer.min(), slope + by_length * longer.max()) <= 0:
        return None
    return LogisticCalibration(
        slope=slope / _LN10,
        intercept=offset / _LN10,
        duration=DurationTerm(
            slope=by_length / _LN10,
            intercept=level / _LN10,
            fewest=int(lengths.min()),
            most=int(lengths.max()),
        ),
        **common,
    )


def fit_isotonic(similarities: ArrayLike, labels: ArrayLike, subjects: int) -> IsotonicCalibration:
    """Fit a never-falling table from similarity to log10 likelihood ratio.

    Pool-adjacent-violators on trials in which the two kinds weigh the same in total. One mated
    trial is added at the lowest similarity and one non-mated at the highest, so that the ends
    state no certainty (Brümmer & du Preez, BOSARIS, 2011: "Laplace's rule"). Every pooled block
    of trials is level; between blocks the table is interpolated, so that it has no jumps.

    Parameters
    ----------
    similarities, labels, subjects
        As for `fit_calibration`.

    Raises
    ------
    ModelError
        As `fit_calibration`.
    """
    from scipy.optimize import isotonic_regression

    scores, mated, common = _checked(similarities, labels, subjects)
    scores = np.concatenate([scores, [scores.min(), scores.max()]])
    mated = np.concatenate([mated, [True, False]])
    weights = _balanced(mated)
    # tied scores must share one ratio, so they enter as one weighted point
    distinct, bins = np.unique(scores, return_inverse=True)
    total = np.bincount(bins, weights=weights)
    share = np.bincount(bins, weights=weights * mated) / total
    fitted = isotonic_regression(share, weights=total)
    first, last = fitted.blocks[:-1], fitted.blocks[1:] - 1
    # the added trials keep every block's share off 0 and 1 but for rounding
    posterior = np.clip(fitted.x[first], 1e-12, 1 - 1e-12)
    bound = common["log10_lr_bound"]
    level = np.clip(np.log10(posterior / (1 - posterior)), -bound, bound)
    nodes, values = np.stack([first, last], 1).ravel(), np.repeat(level, 2)
    nodes, kept = np.unique(nodes, return_index=True)
    # within a run of one level (also several blocks at the bound) the ends say it all
    table = np.maximum.accumulate(values[kept])
    inner = np.zeros(len(table), bool)
    inner[1:-1] = (table[1:-1] == table[:-2]) & (table[1:-1] == table[2:])
    return IsotonicCalibration(
        method="isotonic",
        similarities=tuple(distinct[nodes][~inner].tolist()),
        log10_lr=tuple(table[~inner].tolist()),
        **common,
    )


def _checked(
    similarities: ArrayLike, labels: ArrayLike, subjects: int
) -> tuple[Float64, NDArray[np.bool_], dict[str, Any]]:
    """Validate trials; return them with what every card states of them."""
    scores = np.asarray(similarities, dtype=np.float64)
    mated = np.asarray(labels).astype(bool)
    bound = supported_bound(subjects)
    if scores.ndim != 1 or scores.shape != mated.shape or not np.isfinite(scores).all():
        raise ModelError(
            "Calibration needs one finite similarity and one label per trial.",
            actual=f"{scores.shape} and {mated.shape}",
        )
    n_mated, n_nonmated = int(mated.sum()), int((~mated).sum())
    if not n_mated or not n_nonmated:
        raise ModelError(
            "Calibration needs mated and non-mated trials.",
            actual=f"{n_mated} mated, {n_nonmated} non-mated",
        )
    return (
        scores,
        mated,
        {
            "log10_lr_bound": bound,
            "subjects": subjects,
            "mated_trials": n_mated,
            "nonmated_trials": n_nonmated,
        },
    )


def _balanced(mated: NDArray[np.bool_]) -> Float64:
    """Weights that sum to a half for either kind of trial."""
    return np.where(mated, 0.5 / mated.sum(), 0.5 / (~mated).sum())


def balanced_logistic(
    x: Float64, y: NDArray[np.bool_], ridge: float = _RIDGE, weights: Float64 | None = None
) -> tuple[Float64, float]:
    """Fit a logistic regression in which both classes weigh the same.

    Parameters
    ----------
    x
        Covariates, shape (N, K).
    y
        Shape (N,), the class.
    ridge
        Penalty on the squared weights of the standardised covariates.
    weights
        Shape (N,), of the trials, one half in total for either class; None for equal ones.

    Returns
    -------
    tuple
        Slopes of the natural log odds, shape (K,), in units of the covariates, and the intercept.
    """
    from scipy.special import expit

    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0] = 1.0
    weights = _balanced(y) if weights is None else weights
    design = np.column_stack([(x - centre) / scale, np.ones(len(x))])
    penalty = np.array([ridge] * x.shape[1] + [0.0])
    sign = np.where(y, 1.0, -1.0)

    def loss(beta: Float64) -> float:
        margins = sign * (design @ beta)
        return float(weights @ np.logaddexp(0.0, -margins) + 0.5 * penalty @ beta**2)

    beta = np.zeros(design.shape[1])
    current = loss(beta)
    for _ in range(_MAX_STEPS):
        p = expit(design @ beta)
        gradient = design.T @ (weights * (p - y)) + penalty * beta
        if float(np.abs(gradient).max()) < _TOLERANCE:
            break
        curvature = weights * p * (1.0 - p)
        # the tiny diagonal keeps a constant score solvable
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while loss(beta - size * step) > current and size > _TOLERANCE:
            size /= 2.0
        beta = beta - size * step
        current = loss(beta)
    slopes: Float64 = beta[:-1] / scale
    return slopes, float(beta[-1] - slopes @ centre)

"""From similarity to likelihood ratio: how much a score is worth as evidence."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from gaitproof.errors import ModelError
from gaitproof.nets.card import CalibrationCard

_RIDGE: Final = 1e-4
"""Penalty on the slope (scores standardised, mean loss): only keeps it finite when the trials are
perfectly separable; far below the influence of any trial otherwise."""

_MAX_STEPS: Final = 100
_TOLERANCE: Final = 1e-10

_VERBAL: Final = (
    (0.0, "no support"),
    (0.30103, "no support"),
    (1.0, "weak support"),
    (2.0, "moderate support"),
    (3.0, "moderately strong support"),
    (4.0, "strong support"),
    (6.0, "very strong support"),
)
"""Upper ends in log10 units: likelihood ratios 2, 10, 100, 1000, 10 000, 1 000 000 (ENFSI Guideline
for Evaluative Reporting in Forensic Science, 2015, table in section 3)."""


def log10_likelihood_ratio(similarity: float, card: CalibrationCard) -> float:
    """Turn a similarity into a bounded log10 likelihood ratio.

    Parameters
    ----------
    similarity
        In [0, 1].
    card
        Slope and intercept in log10 units, and the bound.

    Returns
    -------
    float
        Positive: the score is more usual for the claimed person than for another; negative: less.
        Never beyond ±`card.log10_lr_bound`.
    """
    raw = card.slope * similarity + card.intercept
    return float(np.clip(raw, -card.log10_lr_bound, card.log10_lr_bound))


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
    similarities: ArrayLike, labels: ArrayLike, subjects: int, *, ridge: float = _RIDGE
) -> CalibrationCard:
    """Fit the affine map from similarity to log10 likelihood ratio.

    Logistic regression in which mated and non-mated trials weigh the same in total, so that its
    log odds are the log likelihood ratio whatever the shares of the two in the trials
    (prior-corrected). Newton's method with step halving. The map never falls: if the scores speak
    against their labels the slope is 0, which is the constrained optimum, and every likelihood
    ratio is 1.

    Parameters
    ----------
    similarities
        Shape (N,), in [0, 1], of held-out trials.
    labels
        Shape (N,), true for mated trials.
    subjects
        Number of different people behind the trials; it sets the bound, see `supported_bound`.
    ridge
        Penalty on the squared slope of the standardised score.

    Returns
    -------
    CalibrationCard
        Slope and intercept in log10 units.

    Raises
    ------
    ModelError
        If a kind of trial is missing, a score is not finite, or there are too few subjects.
    """
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
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    weights = np.where(mated, 0.5 / n_mated, 0.5 / n_nonmated)
    slope, offset = _balanced_logistic((scores - centre) / scale, mated, weights, ridge)
    if slope <= 0:
        slope = offset = 0.0
    per_ten = np.log(10.0)
    return CalibrationCard(
        slope=slope / scale / per_ten,
        intercept=(offset - slope * centre / scale) / per_ten,
        log10_lr_bound=bound,
        subjects=subjects,
        mated_trials=n_mated,
        nonmated_trials=n_nonmated,
    )


def _balanced_logistic(
    x: NDArray[np.float64], y: NDArray[np.bool_], weights: NDArray[np.float64], ridge: float
) -> tuple[float, float]:
    design = np.stack([x, np.ones_like(x)], axis=1)
    penalty = np.array([ridge, 0.0])
    sign = np.where(y, 1.0, -1.0)

    def loss(beta: NDArray[np.float64]) -> float:
        margins = sign * (design @ beta)
        return float(weights @ np.logaddexp(0.0, -margins) + 0.5 * penalty @ beta**2)

    beta = np.zeros(2)
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
    return float(beta[0]), float(beta[1])


def in_words(log10_lr: float) -> str:
    """Say a likelihood ratio in the words of the ENFSI scale.

    Parameters
    ----------
    log10_lr
        Positive speaks for the claim.

    Returns
    -------
    str
        For example ``moderate support for the claim``.
    """
    strength = next((w for end, w in _VERBAL if abs(log10_lr) <= end), "extremely strong support")
    if strength == "no support":
        return "no support either way"
    return f"{strength} {'for' if log10_lr > 0 else 'against'} the claim"

"""FMR and FNMR over the threshold, and the figures read off them.

The functions ending in ``_from_rates`` work along the last axis of stacked curves, so that a
bootstrap evaluates thousands of draws with the very definitions used for the figure itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import InputError
from gaitproof.metrics.validation import check_share, check_trials

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ErrorCurves:
    """False match and false non-match rate over the threshold.

    Parameters
    ----------
    thresholds
        Shape (K + 1,), increasing: every distinct score, then the next larger number, at which
        everything is rejected.
    fmr, fnmr
        Shape (K + 1,), in [0, 1]: share of impostors accepted (never increasing) and of genuine
        claims refused (never decreasing) at ``score >= threshold``.
    """

    thresholds: Float64
    fmr: Float64
    fnmr: Float64


def rates_from_counts(
    mated: NDArray[np.floating[Any] | np.integer[Any]],
    nonmated: NDArray[np.floating[Any] | np.integer[Any]],
    mated_total: ArrayLike,
    nonmated_total: ArrayLike,
) -> tuple[Float64, Float64]:
    """Turn counts per score bin into error rates per threshold.

    Parameters
    ----------
    mated, nonmated
        Shape (..., K): weight of the trials in each bin, bins by increasing score.
    mated_total, nonmated_total
        Shape (...): weight of all trials, those without a score included.

    Returns
    -------
    tuple of ndarray
        FMR and FNMR, shape (..., K + 1): entry i is the rate when bin i and everything above is
        accepted; the last entry accepts nothing. NaN where a total is 0.
    """

    def accepted(counts: NDArray[np.floating[Any] | np.integer[Any]]) -> Float64:
        tail = np.cumsum(counts[..., ::-1].astype(np.float64), axis=-1)[..., ::-1]
        return np.concatenate([tail, np.zeros((*tail.shape[:-1], 1))], axis=-1)

    with np.errstate(invalid="ignore", divide="ignore"):
        n_mated = np.asarray(mated_total, np.float64)[..., None]
        n_nonmated = np.asarray(nonmated_total, np.float64)[..., None]
        fmr: Float64 = accepted(nonmated) / n_nonmated
        fnmr: Float64 = (n_mated - accepted(mated)) / n_mated
    return fmr, fnmr


def compute_error_curves(scores: ArrayLike, mated: ArrayLike) -> ErrorCurves:
    """Compute FMR and FNMR at every threshold that makes a difference.

    Parameters
    ----------
    scores
        Shape (N,), higher is more genuine; NaN counts as rejected at every threshold.
    mated
        Shape (N,), True for a genuine claim.

    Raises
    ------
    InputError
        If `check_trials` finds a fault, or no trial at all has a score.

    Examples
    --------
    >>> curves = compute_error_curves([0.1, 0.4, 0.4, 0.9], [False, False, True, True])
    >>> curves.fmr.tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> curves.fnmr.tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    values, labels = check_trials(scores, mated)
    scored = np.isfinite(values)
    if not scored.any():
        raise InputError("No trial has a score.", hint="see the failures to acquire")
    distinct, bins = np.unique(values[scored], return_inverse=True)
    genuine = np.bincount(bins[labels[scored]], minlength=len(distinct))
    impostor = np.bincount(bins[~labels[scored]], minlength=len(distinct))
    fmr, fnmr = rates_from_counts(genuine, impostor, labels.sum(), (~labels).sum())
    thresholds = np.append(distinct, np.nextafter(distinct[-1], np.inf))
    return ErrorCurves(thresholds, fmr, fnmr)


def _crossing(fmr: Float64, fnmr: Float64) -> tuple[NDArray[np.intp], Float64]:
    """Last index where FMR >= FNMR (-1 if none), and how far from there the curves cross."""
    gap = fmr - fnmr
    last = np.sum(gap >= 0, axis=-1) - 1
    at = np.maximum(last, 0)[..., None]
    before = np.take_along_axis(gap, at, axis=-1)[..., 0]
    # FMR is 0 and FNMR 1 at the last threshold, so there always is a next one
    after = np.take_along_axis(gap, np.minimum(at + 1, gap.shape[-1] - 1), axis=-1)[..., 0]
    # without a crossing the quotient may be anything, and is not used
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(last >= 0, before / (before - after), 0.0)
    return last, share


def eer_from_rates(fmr: Float64, fnmr: Float64) -> Float64:
    """Return the equal error rate of stacked curves; see `eer`.

    Parameters
    ----------
    fmr, fnmr
        Shape (..., K + 1), as `rates_from_counts` makes them.

    Returns
    -------
    ndarray
        Shape (...), NaN where a rate is NaN.
    """
    last, share = _crossing(fmr, fnmr)
    at = np.maximum(last, 0)[..., None]
    low = np.take_along_axis(fmr, at, axis=-1)[..., 0]
    high = np.take_along_axis(fmr, np.minimum(at + 1, fmr.shape[-1] - 1), axis=-1)[..., 0]
    value = np.where(last >= 0, low + share * (high - low), fnmr[..., 0])
    return np.where(np.isnan(fmr[..., 0] + fnmr[..., 0]), np.nan, value)


def eer_point(scores: ArrayLike, mated: ArrayLike) -> tuple[float, float]:
    """Return the equal error rate and its threshold.

    The rate is the value where the FMR and FNMR curves cross, interpolated linearly between the
    two neighbouring thresholds; the threshold is interpolated with the same weight. Where so many
    genuine clips have no score that FNMR exceeds FMR even at the lowest threshold, the curves do
    not cross, and that FNMR and that threshold are returned.

    Raises
    ------
    InputError
        As `compute_error_curves`.
    """
    curves = compute_error_curves(scores, mated)
    last, share = _crossing(curves.fmr, curves.fnmr)
    index = max(int(last), 0)
    low, high = curves.thresholds[index], curves.thresholds[index + 1]
    return float(eer_from_rates(curves.fmr, curves.fnmr)), float(low + share * (high - low))


def eer(scores: ArrayLike, mated: ArrayLike) -> float:
    """Return the equal error rate, in [0, 1]; see `eer_point` for the definition.

    Examples
    --------
    >>> eer([0.1, 0.2, 0.6, 0.5, 0.8, 0.9], [False, False, False, True, True, True])
    0.3333333333333333
    """
    return eer_point(scores, mated)[0]


def auc_from_rates(fmr: Float64, fnmr: Float64) -> Float64:
    """Return the area under the ROC of stacked curves, shape (...); see `auc`."""
    hit = 1.0 - fnmr
    steps = (fmr[..., :-1] - fmr[..., 1:]) * (hit[..., :-1] + hit[..., 1:]) / 2
    unscored = (1.0 - fmr[..., 0]) * (1.0 + hit[..., 0]) / 2
    area: Float64 = np.clip(steps.sum(axis=-1) + unscored, 0.0, 1.0)
    return area


def auc(scores: ArrayLike, mated: ArrayLike) -> float:
    """Return the area under the ROC curve, in [0, 1].

    The chance that a genuine claim scores above an impostor's, ties counted half; a trial without
    a score ranks below every score.

    Examples
    --------
    >>> auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    curves = compute_error_curves(scores, mated)
    return float(auc_from_rates(curves.fmr, curves.fnmr))


def fnmr_at_fmr_from_rates(fmr: Float64, fnmr: Float64, target: float) -> Float64:
    """Return the FNMR of stacked curves at the lowest threshold whose FMR is at most `target`."""
    first = np.argmax(fmr <= target, axis=-1)[..., None]
    return np.take_along_axis(fnmr, first, axis=-1)[..., 0]


def fnmr_at_fmr(scores: ArrayLike, mated: ArrayLike, target: float) -> float:
    """Return the FNMR at the lowest threshold whose FMR does not exceed `target`.

    Not interpolated: it is the rate of a threshold that could be used.

    Examples
    --------
    >>> fnmr_at_fmr([0.1, 0.2, 0.6, 0.5, 0.8, 0.9], [False] * 3 + [True] * 3, 0.1)
    0.3333333333333333
    """
    check_share("The FMR target", target)
    curves = compute_error_curves(scores, mated)
    return float(fnmr_at_fmr_from_rates(curves.fmr, curves.fnmr, target))


def threshold_at_fmr(scores: ArrayLike, mated: ArrayLike, target: float) -> float:
    """Return the lowest threshold whose FMR does not exceed `target`."""
    check_share("The FMR target", target)
    curves = compute_error_curves(scores, mated)
    return float(curves.thresholds[np.argmax(curves.fmr <= target)])


def youden_threshold(scores: ArrayLike, mated: ArrayLike) -> float:
    """Return the threshold with the largest ``1 - FMR - FNMR`` (Youden's J, Cancer 3:32, 1950).

    It is placed half-way down to the next lower score, so that neither class touches it; of equal
    maxima the lowest is taken.

    Examples
    --------
    >>> youden_threshold([0.1, 0.2, 0.6, 0.8], [False, False, True, True])
    0.4
    """
    curves = compute_error_curves(scores, mated)
    best = int(np.argmax(-(curves.fmr + curves.fnmr)))
    below = curves.thresholds[max(best - 1, 0)]
    return float((below + curves.thresholds[best]) / 2)


def min_dcf_from_rates(fmr: Float64, fnmr: Float64, mated_prior: float = 0.05) -> Float64:
    """Return the minimum detection cost of stacked curves, shape (...); see `min_dcf`."""
    cost = mated_prior * fnmr + (1 - mated_prior) * fmr
    least: Float64 = cost.min(axis=-1) / min(mated_prior, 1 - mated_prior)
    return np.minimum(least, 1.0)


def min_dcf(scores: ArrayLike, mated: ArrayLike, mated_prior: float = 0.05) -> float:
    """Return the least normalised detection cost over all thresholds, in [0, 1].

    ``(P * FNMR + (1 - P) * FMR) / min(P, 1 - P)`` with unit costs; 1 is what a system earns that
    accepts or rejects everything. The default prior is one of the two of NIST SRE 2018.

    Examples
    --------
    >>> min_dcf([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    0.0
    """
    check_share("The mated prior", mated_prior)
    curves = compute_error_curves(scores, mated)
    return float(min_dcf_from_rates(curves.fmr, curves.fnmr, mated_prior))

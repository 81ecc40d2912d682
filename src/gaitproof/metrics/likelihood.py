"""How good scores are as likelihood ratios: Cllr, its minimum, and the calibration error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import InputError
from gaitproof.metrics.validation import check_share, check_trials


def _cllr(natural: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    mated = np.logaddexp(0.0, -natural[labels]).mean()
    nonmated = np.logaddexp(0.0, natural[~labels]).mean()
    return float((mated + nonmated) / (2 * np.log(2)))


def cllr(log10_lr: ArrayLike, mated: ArrayLike) -> float:
    """Return the log-likelihood-ratio cost in bits, at least 0.

    0 is perfect, 1 is what saying nothing earns, above 1 misleads (Brümmer & du Preez, Computer
    Speech and Language 20, 2006). A trial without a score (NaN) says nothing: its ratio is 1.

    Parameters
    ----------
    log10_lr
        Shape (N,), log10 of the likelihood ratio, positive for the claim.
    mated
        Shape (N,), True for a genuine claim.

    Examples
    --------
    >>> cllr([0.0, 0.0], [True, False])
    1.0
    """
    values, labels = check_trials(log10_lr, mated)
    return _cllr(np.nan_to_num(values, nan=0.0) * np.log(10), labels)


def min_cllr(scores: ArrayLike, mated: ArrayLike) -> float:
    """Return the Cllr that remains after the best monotone calibration, in [0, 1].

    Pool-adjacent-violators finds that calibration; a trial without a score (NaN) ranks lowest.
    The difference ``cllr - min_cllr`` is the loss by miscalibration.

    Examples
    --------
    >>> min_cllr([1.0, 2.0, 3.0, 4.0], [False, False, True, True])
    0.0
    """
    from scipy.optimize import isotonic_regression

    values, labels = check_trials(scores, mated)
    ranked = np.where(np.isnan(values), -np.inf, values)
    # tied scores must share one ratio, so they enter as one weighted point
    distinct, bins = np.unique(ranked, return_inverse=True)
    total = np.bincount(bins, minlength=len(distinct)).astype(np.float64)
    share = np.bincount(bins, weights=labels, minlength=len(distinct)) / total
    posterior = np.clip(isotonic_regression(share, weights=total).x, 0.0, 1.0)[bins]
    with np.errstate(divide="ignore"):
        odds = np.log(posterior) - np.log1p(-posterior)
    # rounding may leave the useless system a hair above its exact value of 1
    return min(1.0, _cllr(odds - np.log(labels.sum() / (~labels).sum()), labels))


def min_cllr_from_rates(fmr: NDArray[np.float64], fnmr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the minimum Cllr of stacked error curves; see `min_cllr`.

    Parameters
    ----------
    fmr, fnmr
        Shape (..., K + 1), as `gaitproof.metrics.rates_from_counts` makes them.

    Returns
    -------
    ndarray
        Shape (...), NaN where a rate is NaN.
    """
    ends = (*fmr.shape[:-1], 1)
    # shares of the two classes in every bin, those without a score first, as the lowest
    mated = np.diff(fnmr, axis=-1, prepend=np.zeros(ends))
    nonmated = -np.diff(fmr, axis=-1, prepend=np.ones(ends))
    pairs = zip(
        mated.reshape(-1, mated.shape[-1]), nonmated.reshape(-1, mated.shape[-1]), strict=True
    )
    values = [_pooled_cllr(a, b) for a, b in pairs]
    return np.array(values).reshape(fmr.shape[:-1])


def _pooled_cllr(mated: NDArray[np.float64], nonmated: NDArray[np.float64]) -> float:
    """Minimum Cllr of binned shares; each class sums to 1."""
    from scipy.optimize import isotonic_regression

    total = mated + nonmated
    if np.isnan(total).any():
        return float("nan")
    filled = total > 0
    mated, nonmated, total = mated[filled], nonmated[filled], total[filled]
    share = np.clip(isotonic_regression(mated / total, weights=total).x, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # a class that is absent from a bin costs nothing there, whatever the ratio
        cost = np.where(mated > 0, -mated * np.log2(share), 0.0)
        cost = cost + np.where(nonmated > 0, -nonmated * np.log2(1 - share), 0.0)
    return min(1.0, float(cost.sum()) / 2)


def ece(log10_lr: ArrayLike, mated: ArrayLike, *, prior: float = 0.5, bins: int = 15) -> float:
    """Return the expected calibration error of the posterior probabilities, in [0, 1].

    The mean distance, over equally wide bins of the stated probability of a genuine claim, from
    what is found in the bin (Guo et al., ICML 2017, 15 bins). Trials are weighted so that the two
    classes stand in the ratio that `prior` says, whatever their numbers.

    Parameters
    ----------
    log10_lr
        Shape (N,), log10 of the likelihood ratio; NaN (no score) says nothing and counts as 0.
    mated
        Shape (N,), True for a genuine claim.
    prior
        Probability of a genuine claim, between 0 and 1.
    bins
        Number of bins.

    Examples
    --------
    >>> round(ece([0.0, 0.0], [True, False]), 6)
    0.0
    """
    values, labels = check_trials(log10_lr, mated)
    check_share("The prior", prior)
    if bins < 1:
        raise InputError("At least one bin is needed.", actual=str(bins))
    gaps = _binned_gaps(values, labels, prior, bins)
    means = prior * gaps[labels].mean(axis=0) + (1 - prior) * gaps[~labels].mean(axis=0)
    return float(np.abs(means).sum())


def _binned_gaps(
    values: NDArray[np.float64], labels: NDArray[np.bool_], prior: float, bins: int
) -> NDArray[np.float64]:
    """Stated probability minus truth of every trial, in the column of its bin: (N, bins)."""
    odds = np.nan_to_num(values, nan=0.0) * np.log(10) + np.log(prior / (1 - prior))
    stated = np.exp(-np.logaddexp(0.0, -odds))
    index = np.minimum((stated * bins).astype(np.intp), bins - 1)
    gaps = np.zeros((len(values), bins))
    gaps[np.arange(len(values)), index] = stated - labels
    return gaps


def likelihood_terms(
    log10_lr: ArrayLike, mated: ArrayLike, *, bins: int = 15
) -> NDArray[np.float64]:
    """Return what every trial adds to Cllr and ECE (at even odds), for a bootstrap of means.

    Returns
    -------
    ndarray
        Shape (N, 1 + bins): the trial's cost in bits, and its calibration gap in its bin. Means of
        the columns over mated and over non-mated trials are what `likelihood_figures` takes.
    """
    values, labels = check_trials(log10_lr, mated)
    natural = np.nan_to_num(values, nan=0.0) * np.log(10)
    cost = np.logaddexp(0.0, np.where(labels, -natural, natural)) / np.log(2)
    return np.concatenate([cost[:, None], _binned_gaps(values, labels, 0.5, bins)], axis=1)


def likelihood_figures(
    mated: NDArray[np.float64], nonmated: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Cllr and ECE, shape (...), from means of `likelihood_terms`, shape (..., 1 + bins)."""
    mean = (mated + nonmated) / 2
    return mean[..., 0], np.abs(mean[..., 1:]).sum(axis=-1)

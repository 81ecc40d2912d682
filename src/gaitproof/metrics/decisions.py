"""Figures of yes-or-no decisions at one threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gaitproof.errors import InputError
from gaitproof.metrics.validation import check_share, check_trials


@dataclass(frozen=True)
class ThresholdFigures:
    """What happens at one threshold; "positive" is an accepted claim.

    Parameters
    ----------
    threshold
        A claim is accepted at this score and above.
    fmr, fnmr
        Share of impostors accepted, of genuine claims refused.
    accuracy, precision, recall, f1
        In [0, 1], at the stated prevalence; precision and F1 are 0 if nothing is accepted.
    prevalence
        Share of genuine claims at which the four figures hold; they depend on it.
    """

    threshold: float
    fmr: float
    fnmr: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    prevalence: float


def figures_at_threshold(
    scores: ArrayLike, mated: ArrayLike, threshold: float, *, prevalence: float | None = None
) -> ThresholdFigures:
    """Compute the decision figures at `threshold`.

    Parameters
    ----------
    scores
        Shape (N,), higher is more genuine; NaN counts as rejected.
    mated
        Shape (N,), True for a genuine claim.
    threshold
        Accept at ``score >= threshold``. Set it on other people than these.
    prevalence
        Share of genuine claims to assume; that of the trials if not given.

    Raises
    ------
    InputError
        If the trials, the threshold or the prevalence cannot be used.

    Examples
    --------
    >>> figures = figures_at_threshold([0.1, 0.7, 0.6, 0.9], [False, False, True, True], 0.65)
    >>> figures.fmr, figures.fnmr, figures.accuracy, figures.f1
    (0.5, 0.5, 0.5, 0.5)
    """
    values, labels = check_trials(scores, mated)
    if not np.isfinite(threshold):
        raise InputError("The threshold must be a finite number.", actual=str(threshold))
    share = float(labels.mean()) if prevalence is None else check_share("Prevalence", prevalence)
    # a comparison with NaN is False: no score, no acceptance
    accepted = values >= threshold
    fmr = float(accepted[~labels].mean())
    recall = float(accepted[labels].mean())
    true_accepts, false_accepts = share * recall, (1 - share) * fmr
    total = true_accepts + false_accepts
    precision = true_accepts / total if total > 0 else 0.0
    both = precision + recall
    return ThresholdFigures(
        threshold=float(threshold),
        fmr=fmr,
        fnmr=float((~accepted[labels]).mean()),
        accuracy=true_accepts + (1 - share) * (1 - fmr),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / both if both > 0 else 0.0,
        prevalence=share,
    )

"""Likelihood ratios that no domain contradicts: the calibration for footage never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import IsotonicCalibration
from gaitproof.types.support import MODERATE
from gaitproof.verify.calibration import fit_calibration, supported_bound

Float64 = NDArray[np.float64]

_GRID: Final = np.linspace(0.0, 1.0, 101)
"""Similarities of the table."""

_TAIL: Final = 0.02
"""Share of a domain's claims of either kind that may be answered wrongly where the calibration is
fitted, so that on a domain never seen fewer than 5 % are: the tails of domains differ by about the
factor that lies between (docs/results/domains.md)."""

DEVIATIONS: Final = 2.5
"""Standard deviations between domains that a further one may lie below their mean."""

SCALED_DEVIATIONS: Final = 1.5
"""The same where similarities are in units of how much the references differ, which takes much of
the difference between domains away (docs/results/domains.md)."""

_BELOW_MODERATE: Final = 0.01
"""Distance from `MODERATE`, log10 units, that keeps a claim undecided."""


@dataclass(frozen=True, eq=False)
class DomainCurve:
    """What one domain bears out.

    Parameters
    ----------
    line
        Shape (101,): log10 likelihood ratios of its own calibration along the table.
    accept, refuse
        Similarity above which at most a small share of its other claims lies, and below which at
        most so many of its genuine ones.
    people, mated, nonmated
        Numbers of people and of trials.
    """

    line: Float64
    accept: float
    refuse: float
    people: int
    mated: int
    nonmated: int


def domain_curve(trials: Trials) -> DomainCurve:
    """Measure one domain by trials of a model that was not made with it.

    Parameters
    ----------
    trials
        Those without a score are left out.

    Raises
    ------
    ModelError
        If there are not claims of both kinds.
    """
    scored = trials.select(np.isfinite(trials.scores))
    card = fit_calibration(scored.scores, scored.mated, len(scored.subjects))
    return DomainCurve(
        line=card.slope * _GRID + card.intercept,
        accept=float(np.quantile(scored.scores[~scored.mated], 1 - _TAIL)),
        refuse=float(np.quantile(scored.scores[scored.mated], _TAIL)),
        people=len(scored.subjects),
        mated=int(scored.mated.sum()),
        nonmated=int((~scored.mated).sum()),
    )


def worst_case(
    domains: Sequence[DomainCurve],
    *,
    bound: float | None = None,
    deviations: float = DEVIATIONS,
    supports: bool = True,
) -> IsotonicCalibration:
    """Make a table from similarity to a log10 likelihood ratio that every domain bears out.

    Each domain has a calibration of its own. Where all of them speak for the claim, the weakest
    counts; where all speak against it, again the weakest; where they disagree nothing is said.
    Moderate support begins no earlier than every domain's `accept` and `refuse`, and against a
    claim no earlier than `deviations` below the mean of the domains: how low genuine claims score
    differs more between domains than how high others do.

    Parameters
    ----------
    domains
        At least one.
    bound
        Largest magnitude; by default what the number of people bears out.
    deviations
        Standard deviations between domains that a further one may lie below their mean.
    supports
        Whether anything is said for a claim, and not only against it.

    Raises
    ------
    InputError
        If there is no domain.
    """
    if not domains:
        raise InputError("A calibration needs a domain with genuine and other claims.")
    lines = np.stack([domain.line for domain in domains])
    agreed = np.maximum(lines.min(axis=0), 0.0) + np.minimum(lines.max(axis=0), 0.0)
    below = MODERATE - _BELOW_MODERATE
    accept = max(domain.accept for domain in domains)
    refuse = _beyond([domain.refuse for domain in domains], deviations)
    agreed = np.where(accept > _GRID, np.minimum(agreed, below), agreed)
    agreed = np.where(refuse < _GRID, np.maximum(agreed, -below), agreed)
    people = sum(domain.people for domain in domains)
    limit = supported_bound(people) if bound is None else bound
    return IsotonicCalibration(
        method="isotonic",
        similarities=tuple(_GRID.tolist()),
        log10_lr=tuple(np.clip(agreed, -limit, limit if supports else 0.0).tolist()),
        log10_lr_bound=limit,
        subjects=people,
        mated_trials=sum(domain.mated for domain in domains),
        nonmated_trials=sum(domain.nonmated for domain in domains),
    )


def _beyond(values: Sequence[float], deviations: float) -> float:
    """Return what a further domain may be as low as, judged by how the domains differ."""
    return (
        min(*values, float(np.mean(values) - deviations * np.std(values, ddof=1)))
        if (len(values) > 1)
        else values[0]
    )

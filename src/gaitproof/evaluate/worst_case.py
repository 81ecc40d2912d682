"""Likelihood ratios that no domain contradicts: the calibration for footage never seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import IsotonicCalibration
from gaitproof.verify.calibration import fit_calibration, supported_bound
from gaitproof.verify.decision import MODERATE

Float64 = NDArray[np.float64]

_GRID: Final = np.linspace(0.0, 1.0, 101)
"""Similarities of the table."""

_TAIL: Final = 0.02
"""Share of a domain's claims of either kind that may be answered wrongly where the calibration is
fitted, so that on a domain never seen fewer than 5 % are: the tails of domains differ by about the
factor that lies between (docs/results/domains.md)."""

_BELOW_MODERATE: Final = 0.01
"""Distance from `MODERATE`, log10 units, that keeps a claim undecided."""


def worst_case(
    trials: Mapping[str, Trials], *, bound: float | None = None, tail: float = _TAIL
) -> IsotonicCalibration:
    """Fit a table from similarity to a log10 likelihood ratio that every domain bears out.

    Each domain has a calibration of its own. Where all of them speak for the claim, the weakest
    counts; where all speak against it, again the weakest; where they disagree nothing is said.
    Moderate support begins no earlier than where at most a share `tail` of every domain's claims
    of the other kind is left.

    Parameters
    ----------
    trials
        By domain, of models that were not made with it; trials without a score are left out.
    bound
        Largest magnitude; by default what the number of people bears out.
    tail
        See above.

    Raises
    ------
    InputError
        If no domain has claims of both kinds.
    """
    fitted = {}
    for domain, found in trials.items():
        scored = found.select(np.isfinite(found.scores))
        if scored.mated.any() and not scored.mated.all():
            fitted[domain] = scored
    if not fitted:
        raise InputError("A calibration needs a domain with genuine and other claims.")
    people = sum(len(found.subjects) for found in fitted.values())
    lines = []
    for found in fitted.values():
        card = fit_calibration(found.scores, found.mated, len(found.subjects))
        lines.append(card.slope * _GRID + card.intercept)
    least, most = np.min(lines, axis=0), np.max(lines, axis=0)
    agreed = np.maximum(least, 0.0) + np.minimum(most, 0.0)
    accept = max(np.quantile(f.scores[~f.mated], 1 - tail) for f in fitted.values())
    refuse = min(np.quantile(f.scores[f.mated], tail) for f in fitted.values())
    below = MODERATE - _BELOW_MODERATE
    agreed = np.where(accept > _GRID, np.minimum(agreed, below), agreed)
    agreed = np.where(refuse < _GRID, np.maximum(agreed, -below), agreed)
    limit = supported_bound(people) if bound is None else bound
    return IsotonicCalibration(
        method="isotonic",
        similarities=tuple(_GRID.tolist()),
        log10_lr=tuple(np.clip(agreed, -limit, limit).tolist()),
        log10_lr_bound=limit,
        subjects=people,
        mated_trials=int(sum(f.mated.sum() for f in fitted.values())),
        nonmated_trials=int(sum((~f.mated).sum() for f in fitted.values())),
    )

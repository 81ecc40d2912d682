"""Figures with impostors whose bodies are like the claimed person's, and with all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from experiments.like_build.builds import distances
from gaitproof import metrics
from gaitproof.data.gait import Recording
from gaitproof.data.split import Fold
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    FIGURES,
    Difference,
    Interval,
    bootstrap_figures,
    measure_figures,
    paired_difference,
    percentile_interval,
    rates_at_threshold,
)
from gaitproof.evaluate.trials import COSINE, Trials
from gaitproof.modelling.experiment import divide, embed_all, score_levels
from gaitproof.types import GaitWindows

Float64 = NDArray[np.float64]
Embed = Callable[[GaitWindows], NDArray[Any]]
Fit = Callable[[Sequence[Recording]], Embed]
"""From walks of the people to learn from to what embeds windows."""

Likeness = Literal["all", "like", "unlike"]

SHARE: Final = 0.2
_CURVES: Final = {name: FIGURES[name] for name in ("auc", "eer")}


def score_held_out(
    recordings: Sequence[Recording], folds: Sequence[Fold], fit: Fit, *, enrolled: int
) -> Iterator[tuple[Embed, list[Recording], Trials]]:
    """Yield what was fitted without the people of each fold, their walks, and trials of clips."""
    for number, fold in enumerate(folds):
        train, test = divide(recordings, fold)
        embed = fit(train)
        rows = embed_all(embed, test)
        scored = score_levels(test, rows, ("clip",), COSINE, enrolled=enrolled, fold=number)
        yield embed, test, scored["clip"]


@dataclass(frozen=True)
class Impostors:
    """Figures with some of the impostors, and all genuine claims.

    Parameters
    ----------
    likeness
        Which impostors.
    claims
        Theirs.
    apart
        Mean distance of their bodies from the claimed ones', 1 for all impostors.
    auc, eer
        With 95 % intervals over people.
    accepted
        Of them, at the threshold of the equal error rate of all trials.
    auc_change, eer_change
        Against all impostors, on the same draws of people; None for all.
    """

    likeness: Likeness
    claims: int
    apart: float
    auc: Interval
    eer: Interval
    accepted: Interval
    auc_change: Difference | None
    eer_change: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def compare_builds(
    trials: Trials,
    builds: Mapping[str, Float64],
    *,
    share: float = SHARE,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Impostors]:
    """Measure with all impostors, with those of like build, and with those of unlike build.

    Parameters
    ----------
    trials
        Scored by a system that knows none of the people.
    builds
        Measures of everybody's body, by the names in the trials.
    share
        Of everybody's impostors that is like, or unlike; one person at least.
    draws, seed
        Of the bootstrap over people.

    Raises
    ------
    InputError
        If somebody's body is not known.
    """
    unknown = sorted(set(trials.subjects) - set(builds))
    if unknown:
        raise InputError("Somebody's body is not known.", actual=", ".join(unknown[:5]))
    apart = _apart(trials, builds)
    chosen: dict[Likeness, Trials] = {"all": trials}
    chosen["like"] = trials.select(trials.mated | _nearest(trials, apart, share))
    chosen["unlike"] = trials.select(trials.mated | _nearest(trials, -apart, share))
    measured = {name: measure_figures(part, _CURVES) for name, part in chosen.items()}
    drawn = {
        name: bootstrap_figures(part, draws=draws, seed=seed, figures=_CURVES)
        for name, part in chosen.items()
    }
    threshold = metrics.eer_point(trials.scores, trials.mated)[1]
    mean = float(apart[~trials.mated].mean())
    impostors = []
    for name, part in chosen.items():
        changes = {
            figure: paired_difference(
                measured[name][figure] - measured["all"][figure],
                drawn[name][figure] - drawn["all"][figure],
            )
            for figure in _CURVES
            if name != "all"
        }
        values = {
            figure: Interval(measured[name][figure], *percentile_interval(drawn[name][figure]))
            for figure in _CURVES
        }
        own = _apart(part, builds)[~part.mated]
        impostors.append(
            Impostors(
                name,
                int((~part.mated).sum()),
                float(own.mean()) / mean,
                values["auc"],
                values["eer"],
                rates_at_threshold(part, threshold, draws=draws, seed=seed)[0],
                changes.get("auc"),
                changes.get("eer"),
            )
        )
    return impostors


def _apart(trials: Trials, builds: Mapping[str, Float64]) -> Float64:
    """Return how unlike the bodies of probe and claimed person are, shape (N,)."""
    people, matrix = distances(builds)
    return np.asarray(
        matrix[np.searchsorted(people, trials.probe), np.searchsorted(people, trials.claimed)]
    )


def _nearest(trials: Trials, apart: Float64, share: float) -> NDArray[np.bool_]:
    """Return which trials are of everybody's nearest impostors."""
    near = np.zeros(len(trials), np.bool_)
    for who in np.unique(trials.claimed):
        own = np.flatnonzero((trials.claimed == who) & ~trials.mated)
        impostors, first = np.unique(trials.probe[own], return_index=True)
        count = max(1, round(share * len(impostors)))
        nearest = impostors[np.argsort(apart[own][first], kind="stable")[:count]]
        near[own] = np.isin(trials.probe[own], nearest)
    return near

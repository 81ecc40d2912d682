"""What an evaluation found, as values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import DRAWS, Difference, Interval, intervals
from gaitproof.evaluate.trials import Kind, Level, Trials

FMR_TARGETS: Final = {
    "fnmr_at_fmr_10pct": 0.1,
    "fnmr_at_fmr_1pct": 0.01,
    "fnmr_at_fmr_01pct": 0.001,
}
"""Figures that speak of an FMR, and which; they need people enough to support it."""

_MIN_PEOPLE: Final = 3


@dataclass(frozen=True)
class GroupResult:
    """One fold, source or kind of impostor."""

    people: int
    mated: int
    nonmated: int
    failures: int
    auc: float
    eer: float


@dataclass(frozen=True)
class PersonResult:
    """One person at the pooled EER threshold, as probe and as the claimed identity.

    Rates are in [0, 1]; None where the person has no such trial.
    """

    fnmr: float | None
    fmr_as_impostor: float | None
    fmr_as_claimed: float | None


@dataclass(frozen=True, eq=False)
class SystemResult:
    """One system at one level.

    Parameters
    ----------
    trials
        The pooled trials.
    people, mated, nonmated, failures
        How many; failures are trials without a score.
    support
        Lowest error rate that this many people support at 95 %.
    figures
        AUC, EER, FNMR at FMR, minDCF, each with its interval; a figure at an FMR that the number
        of people does not support is left out and named in `unsupported`.
    unsupported
        People that each left-out figure would take.
    decisions
        At thresholds set on the other folds' people (Youden's J; their mean is given); prevalence
        is that of the trials. None, as `cllr` and `ece`, if there is a single fold.
    cllr, min_cllr, ece
        Of likelihood ratios calibrated on other people.
    per_fold, per_source, per_kind, per_person
        The same trials in parts.
    """

    trials: Trials
    people: int
    mated: int
    nonmated: int
    failures: int
    support: float
    figures: dict[str, Interval]
    unsupported: dict[str, int]
    decisions: metrics.ThresholdFigures | None
    cllr: float | None
    min_cllr: float
    ece: float | None
    per_fold: dict[str, GroupResult]
    per_source: dict[str, GroupResult]
    per_kind: dict[str, GroupResult]
    per_person: dict[str, PersonResult]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        values = {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "trials"}
        return {name: _plain(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """A system and its baselines on the same trials.

    Parameters
    ----------
    protocol
        In words.
    folds, enrolled, seed, draws
        How it was run.
    system
        Result by level, ``clip`` and ``window``.
    baselines
        Results by name and level.
    comparisons
        System minus baseline, by name, level and figure, paired over the same draws of people.
    """

    protocol: str
    folds: int
    enrolled: int
    seed: int
    draws: int
    system: dict[Level, SystemResult]
    baselines: dict[str, dict[Level, SystemResult]]
    comparisons: dict[str, dict[Level, dict[str, Difference]]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        return {
            "protocol": self.protocol,
            "folds": self.folds,
            "enrolled": self.enrolled,
            "seed": self.seed,
            "bootstrap_draws": self.draws,
            "system": {level: found.to_dict() for level, found in self.system.items()},
            "baselines": {
                name: {level: found.to_dict() for level, found in levels.items()}
                for name, levels in self.baselines.items()
            },
            "comparisons": _plain(self.comparisons),
        }

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON, atomically."""
        from gaitproof.media.files import write_atomically

        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        write_atomically(path, (text + "\n").encode())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def summarise(trials: Trials, *, draws: int = DRAWS, seed: int = 0) -> SystemResult:
    """Compute every figure of pooled trials.

    Parameters
    ----------
    trials
        Mated and non-mated trials of at least three people.
    draws, seed
        Of the bootstrap over people.

    Raises
    ------
    InputError
        If the trials cannot be used.
    """
    people = len(trials.subjects)
    support = metrics.supported_rate(people)
    figures = intervals(trials, draws=draws, seed=seed)
    unsupported = {
        name: metrics.people_needed(target)
        for name, target in FMR_TARGETS.items()
        if target < support
    }
    llr = calibrated_elsewhere(trials)
    return SystemResult(
        trials=trials,
        people=people,
        mated=int(trials.mated.sum()),
        nonmated=int((~trials.mated).sum()),
        failures=trials.failures,
        support=support,
        figures={name: value for name, value in figures.items() if name not in unsupported},
        unsupported=unsupported,
        decisions=_decisions(trials),
        cllr=None if llr is None else metrics.cllr(llr, trials.mated),
        min_cllr=metrics.min_cllr(trials.scores, trials.mated),
        ece=None if llr is None else metrics.ece(llr, trials.mated),
        per_fold=_groups(trials, {str(f): trials.fold == f for f in np.unique(trials.fold)}),
        per_source=_groups(trials, {str(s): trials.source == s for s in np.unique(trials.source)}),
        per_kind=_groups(
            trials,
            {
                str(kind): trials.mated | (trials.kind == kind)
                for kind in (Kind.ENROLLED, Kind.STRANGER)
            },
        ),
        per_person=_people(trials),
    )


def _groups(trials: Trials, parts: Mapping[str, NDArray[np.bool_]]) -> dict[str, GroupResult]:
    found = {}
    for name, keep in parts.items():
        part = trials.select(keep)
        # a part without one of the classes, or without a single score, has no error rates
        if part.mated.all() or not part.mated.any() or part.failures == len(part):
            continue
        found[name] = GroupResult(
            people=len(part.subjects),
            mated=int(part.mated.sum()),
            nonmated=int((~part.mated).sum()),
            failures=part.failures,
            auc=metrics.auc(part.scores, part.mated),
            eer=metrics.eer(part.scores, part.mated),
        )
    return found


def _people(trials: Trials) -> dict[str, PersonResult]:
    _, threshold = metrics.eer_point(trials.scores, trials.mated)
    accepted = trials.scores >= threshold

    def share(keep: NDArray[np.bool_], values: NDArray[np.bool_]) -> float | None:
        return float(values[keep].mean()) if keep.any() else None

    return {
        name: PersonResult(
            fnmr=share(trials.mated & (trials.probe == name), ~accepted),
            fmr_as_impostor=share(~trials.mated & (trials.probe == name), accepted),
            fmr_as_claimed=share(~trials.mated & (trials.claimed == name), accepted),
        )
        for name in trials.subjects
    }


def _other_folds(trials: Trials) -> list[tuple[NDArray[np.bool_], Trials]] | None:
    """Pair the mask of every fold with the trials of the other folds; None for a single fold."""
    pairs = []
    for fold in np.unique(trials.fold):
        own = trials.fold == fold
        rest = trials.select(~own)
        if not len(rest) or rest.mated.all() or not rest.mated.any():
            return None
        pairs.append((own, rest))
    return pairs


def calibrated_elsewhere(trials: Trials) -> NDArray[np.float64] | None:
    """Return the log10 likelihood ratio of every trial, calibrated on the other folds.

    Returns
    -------
    ndarray or None
        Shape (N,), NaN where there is no score; None if there is only one fold.
    """
    from gaitproof.verify.calibration import fit_calibration

    pairs = _other_folds(trials)
    if pairs is None:
        return None
    llr = np.full(len(trials), np.nan)
    for own, rest in pairs:
        scored = np.isfinite(rest.scores)
        card = fit_calibration(rest.scores[scored], rest.mated[scored], len(rest.subjects))
        raw = card.slope * trials.scores[own] + card.intercept
        llr[own] = np.clip(raw, -card.log10_lr_bound, card.log10_lr_bound)
    return llr


def _decisions(trials: Trials) -> metrics.ThresholdFigures | None:
    pairs = _other_folds(trials)
    if pairs is None:
        return None
    # scores relative to their own fold's threshold, so that one threshold of 0 decides all
    margin = np.empty(len(trials))
    thresholds = []
    for own, rest in pairs:
        thresholds.append(metrics.youden_threshold(rest.scores, rest.mated))
        margin[own] = trials.scores[own] - thresholds[-1]
    found = metrics.figures_at_threshold(margin, trials.mated, 0.0)
    return replace(found, threshold=float(np.mean(thresholds)))

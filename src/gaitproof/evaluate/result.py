"""What an evaluation found, as values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    FIGURES,
    Difference,
    Interval,
    bootstrap_means,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.calibration import cross_fit, other_people
from gaitproof.evaluate.trials import KINDS_APART, GaitRecording, Level, Trials, person

FMR_TARGETS: Final = {
    "fnmr_at_fmr_10pct": 0.1,
    "fnmr_at_fmr_1pct": 0.01,
    "fnmr_at_fmr_01pct": 0.001,
}
"""Figures that speak of an FMR, and which; they need people enough to support it."""

_MIN_PEOPLE: Final = 3


@dataclass(frozen=True)
class GroupResult:
    """One fold, source, kind of impostor or part of the trials.

    `auc_interval` and `eer_interval` are over people; None for folds and for too few people.
    """

    people: int
    mated: int
    nonmated: int
    failures: int
    auc: float
    eer: float
    auc_interval: Interval | None = None
    eer_interval: Interval | None = None


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
    per_part
        Pairs of conditions or views, where the protocol has them.
    spread
        Intervals of `cllr`, `min_cllr`, `ece` and of the decisions' `accuracy`, `precision`,
        `recall`, `f1`, `fmr` and `fnmr`, over people; thresholds and calibrations are held fixed.
    log10_lr
        The likelihood ratio of every trial, shape (N,), NaN without a score; not in the JSON.
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
    per_part: dict[str, GroupResult] = field(default_factory=dict)
    spread: dict[str, Interval] = field(default_factory=dict)
    log10_lr: NDArray[np.float64] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        left_out = ("trials", "log10_lr")
        values = {k: getattr(self, k) for k in self.__dataclass_fields__ if k not in left_out}
        return {name: _plain(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class EmbeddingSample:
    """Embeddings of one encoder, for a map.

    Parameters
    ----------
    vectors
        Shape (N, D), one row per clip.
    people
        N names.
    """

    vectors: NDArray[np.float64]
    people: tuple[str, ...]

    @classmethod
    def of_clips(
        cls, recordings: Sequence[GaitRecording], rows: Sequence[NDArray[Any]]
    ) -> EmbeddingSample | None:
        """Average the rows of every clip; None if there is no clip."""
        if not recordings:
            return None
        vectors = np.stack([np.mean(r, axis=0, dtype=np.float64) for r in rows])
        return cls(vectors, tuple(person(r) for r in recordings))


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
    design
        Name of the protocol.
    warnings
        What a reader of the figures must know.
    sample
        Embeddings of the first fold's held-out people, for a map; None if there are none.
    rank_one, views
        Identification rate across views by condition, and EER by view, where they were asked for;
        see `gaitproof.evaluate.view_figures`.
    """

    protocol: str
    folds: int
    enrolled: int
    seed: int
    draws: int
    system: dict[Level, SystemResult]
    baselines: dict[str, dict[Level, SystemResult]]
    comparisons: dict[str, dict[Level, dict[str, Difference]]]
    design: str = "both-unseen"
    warnings: tuple[str, ...] = ()
    sample: EmbeddingSample | None = None
    rank_one: dict[str, Interval] = field(default_factory=dict)
    views: dict[str, dict[str, dict[str, Interval]]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        return {
            "design": self.design,
            "protocol": self.protocol,
            "warnings": list(self.warnings),
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
            "rank_one": _plain(self.rank_one),
            "views": _plain(self.views),
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


@dataclass(frozen=True)
class FixedPoint:
    """A threshold and a calibration that are given and not fitted here: a frozen model's.

    Parameters
    ----------
    threshold
        A claim is accepted at this score and above.
    calibrate
        From trials to their log10 likelihood ratios, shape (N,), NaN without a score.
    """

    threshold: float
    calibrate: Callable[[Trials], NDArray[np.float64]]


def summarise(
    trials: Trials, *, draws: int = DRAWS, seed: int = 0, point: FixedPoint | None = None
) -> SystemResult:
    """Compute every figure of pooled trials.

    Parameters
    ----------
    trials
        Mated and non-mated trials of at least three people.
    draws, seed
        Of the bootstrap over people.
    point
        Threshold and calibration to judge; by default both are set on the other folds' people.

    Raises
    ------
    InputError
        If the trials cannot be used.
    """
    people = len(trials.subjects)
    support = metrics.supported_rate(people)
    figures = intervals(trials, draws=draws, seed=seed, figures=_ALL_FIGURES)
    least = figures.pop("min_cllr")
    unsupported = {
        name: metrics.people_needed(target)
        for name, target in FMR_TARGETS.items()
        if target < support
    }
    llr = cross_fit(trials, "logistic") if point is None else point.calibrate(trials)
    margins, threshold = _margins(trials, point)
    decisions = None
    if margins is not None:
        found = metrics.figures_at_threshold(margins, trials.mated, 0.0)
        decisions = replace(found, threshold=threshold)
    spread = {"min_cllr": least, **_spread(trials, llr, margins, draws, seed)}
    kinds = {str(kind): trials.mated | (trials.kind == kind) for kind in KINDS_APART}
    sources = {str(s): trials.source == s for s in np.unique(trials.source)}
    parts = {str(p): trials.part == p for p in np.unique(trials.part) if p}
    folds = {str(f): trials.fold == f for f in np.unique(trials.fold)}

    def groups(masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, GroupResult]:
        return _groups(trials, masks, lambda part: intervals(part, draws=draws, seed=seed))

    return SystemResult(
        trials=trials,
        people=people,
        mated=int(trials.mated.sum()),
        nonmated=int((~trials.mated).sum()),
        failures=trials.failures,
        support=support,
        figures={name: value for name, value in figures.items() if name not in unsupported},
        unsupported=unsupported,
        decisions=decisions,
        cllr=None if llr is None else metrics.cllr(llr, trials.mated),
        min_cllr=least.value,
        ece=None if llr is None else metrics.ece(llr, trials.mated),
        per_fold=_groups(trials, folds),
        per_source=groups(sources),
        per_kind=groups(kinds),
        per_person=_people(trials),
        per_part=groups(parts),
        spread=spread,
        log10_lr=llr,
    )


_ALL_FIGURES: Final = {**FIGURES, "min_cllr": metrics.min_cllr_from_rates}


def _groups(
    trials: Trials,
    parts: Mapping[str, NDArray[np.bool_]],
    measure: Callable[[Trials], dict[str, Interval]] | None = None,
) -> dict[str, GroupResult]:
    found = {}
    for name, keep in parts.items():
        part = trials.select(keep)
        # a part without one of the classes, or without a single score, has no error rates
        if part.mated.all() or not part.mated.any() or part.failures == len(part):
            continue
        people = len(part.subjects)
        known = measure(part) if measure is not None and people >= _MIN_PEOPLE else {}
        found[name] = GroupResult(
            people=people,
            mated=int(part.mated.sum()),
            nonmated=int((~part.mated).sum()),
            failures=part.failures,
            auc=metrics.auc(part.scores, part.mated),
            eer=metrics.eer(part.scores, part.mated),
            auc_interval=known.get("auc"),
            eer_interval=known.get("eer"),
        )
    return found


def _margins(trials: Trials, point: FixedPoint | None) -> tuple[NDArray[np.float64] | None, float]:
    """Scores relative to the threshold that holds for them, so that 0 decides all; its mean."""
    if point is not None:
        return trials.scores - point.threshold, point.threshold
    pairs = other_people(trials)
    if not pairs:
        return None, float("nan")
    margins = np.empty(len(trials))
    thresholds = []
    for own, rest in pairs:
        thresholds.append(metrics.youden_threshold(rest.scores, rest.mated))
        margins[own] = trials.scores[own] - thresholds[-1]
    return margins, float(np.mean(thresholds))


def _spread(
    trials: Trials,
    llr: NDArray[np.float64] | None,
    margins: NDArray[np.float64] | None,
    draws: int,
    seed: int,
) -> dict[str, Interval]:
    """Intervals of what decisions and likelihood ratios are worth, from one set of draws."""
    columns: list[NDArray[np.float64]] = []
    if margins is not None:
        columns.append((margins >= 0).astype(np.float64)[:, None])
    if llr is not None:
        columns.append(metrics.likelihood_terms(llr, trials.mated))
    if not columns:
        return {}
    values = np.concatenate(columns, axis=1)
    share = float(trials.mated.mean())

    def figures(
        mated: NDArray[np.float64], nonmated: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        found: dict[str, NDArray[np.float64]] = {}
        if margins is not None:
            found |= _decision_figures(mated[:, 0], nonmated[:, 0], share)
        if llr is not None:
            first = 0 if margins is None else 1
            found["cllr"], found["ece"] = metrics.likelihood_figures(
                mated[:, first:], nonmated[:, first:]
            )
        return found

    measured = figures(
        values[trials.mated].mean(axis=0)[None], values[~trials.mated].mean(axis=0)[None]
    )
    drawn = figures(*bootstrap_means(trials, values, draws=draws, seed=seed))
    return {
        name: Interval(float(value[0]), *percentile_interval(drawn[name]))
        for name, value in measured.items()
    }


def _decision_figures(
    recall: NDArray[np.float64], fmr: NDArray[np.float64], prevalence: float
) -> dict[str, NDArray[np.float64]]:
    """Decision figures of many draws at one prevalence, as `metrics.figures_at_threshold`."""
    right, wrong = prevalence * recall, (1 - prevalence) * fmr
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(right + wrong > 0, right / (right + wrong), 0.0)
        both = precision + recall
        f1 = np.where(both > 0, 2 * precision * recall / both, 0.0)
    return {
        "fmr": fmr,
        "fnmr": 1 - recall,
        "accuracy": right + (1 - prevalence) * (1 - fmr),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


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

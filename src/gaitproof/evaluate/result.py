"""What an evaluation found, as values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import (
    Difference,
    Interval,
)
from gaitproof.evaluate.trials import GaitRecording, Level, Trials, person

FMR_TARGETS: Final = {
    "fnmr_at_fmr_10pct": 0.1,
    "fnmr_at_fmr_1pct": 0.01,
    "fnmr_at_fmr_01pct": 0.001,
}
"""Figures that speak of an FMR, and which; they need people enough to support it."""


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
class OverFolds:
    """One figure over the folds: its mean, the sample standard deviation, and how many folds."""

    mean: float
    deviation: float
    folds: int


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
    over_folds
        Mean and deviation of AUC, EER, accuracy and F1 over the folds; empty with a single fold.
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
    over_folds: dict[str, OverFolds] = field(default_factory=dict)
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
            "system": {level: figures.to_dict() for level, figures in self.system.items()},
            "baselines": {
                name: {level: figures.to_dict() for level, figures in levels.items()}
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

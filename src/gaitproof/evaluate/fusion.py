"""Weights that join the likelihood ratios of gait and face, learnt and tested on other people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    Difference,
    Interval,
    draw_people,
    paired_difference,
    percentile_interval,
)
from gaitproof.evaluate.fusion_trials import GENUINE, FusionTrials
from gaitproof.verify.calibration import balanced_logistic, supported_bound
from gaitproof.verify.fusion.rule import (
    FusionWeights,
    WeightRange,
    covariates,
    strongest_alternative,
)

Float64 = NDArray[np.float64]

DRAWS: Final = 500
"""Bootstrap draws; each one fits the weights again."""

WALK: Final = "walk alone"
FACE: Final = "face alone"
UNLEARNT: Final = "joined, not learnt"
SUM: Final = "weighted sum, learnt on other people"
"""Without the term for the strongest alternative: the usual logistic fusion, for comparison."""

LEARNT: Final = "joined, learnt on other people"

_FOLDS: Final = 10
_MIN_GROUPS: Final = 6
"""With fewer, folds hold a single group and the intervals say nothing."""

_NAMES: Final = ("intercept", "gait", "face", "least")

_LN10: Final = float(np.log(10.0))


@dataclass(frozen=True)
class SystemFigures:
    """How well one way to weigh the videos tells the genuine ones; intervals over groups.

    Parameters
    ----------
    auc, eer
        All kinds of false videos weighing the same.
    cllr
        Cost in bits (Brümmer & du Preez, CSL 2006): 0 is perfect, 1 is what saying nothing earns.
    by_kind
        AUC of the genuine videos against one kind of false ones.
    """

    auc: Interval
    eer: Interval
    cllr: Interval
    by_kind: dict[str, Interval]


@dataclass(frozen=True)
class FusionResult:
    """What was learnt, and how it does on people it was not learnt on.

    Parameters
    ----------
    weights
        Learnt on all complete trials.
    missing
        Trials without a walk, without a face, and without both; they take no part.
    better
        The modality with the higher AUC.
    systems
        Figures by system.
    gains
        AUC of the joined systems minus that of the better modality, on the same draws.
    """

    weights: FusionWeights
    missing: dict[str, int]
    better: str
    systems: dict[str, SystemFigures]
    gains: dict[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "weights": self.weights.model_dump(mode="json"),
            "missing": self.missing,
            "better": self.better,
            "systems": {name: asdict(figures) for name, figures in self.systems.items()},
            "gains": {name: asdict(figures) for name, figures in self.gains.items()},
        }


def evaluate_fusion(
    trials: FusionTrials,
    *,
    gait_model: str,
    face_model: str,
    source: str,
    limits: str = "",
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> FusionResult:
    """Learn fusion weights, and measure them with each group left to weights of the others.

    Parameters
    ----------
    trials
        Of validation people: none that either model was trained on.
    gait_model, face_model
        Identifiers of the models whose likelihood ratios these are.
    source
        What the trials are, in words.
    limits
        How far the weights can be trusted; the number of groups is told where it is empty.
    draws, seed
        Of the bootstrap over groups and of the folds.
    progress
        Takes the share that is done, 0 to 1.

    Raises
    ------
    InputError
        If there are too few groups, or no complete trials of both classes.
    """
    used = trials.select(trials.complete)
    names = np.unique(used.group)
    if len(names) < _MIN_GROUPS or not used.genuine.any() or used.genuine.all():
        raise InputError(
            "Fusion cannot be learnt from these trials.",
            expected=f"genuine and other trials with gait and face, of {_MIN_GROUPS} groups",
            actual=f"{int(used.genuine.sum())} genuine and {int((~used.genuine).sum())} others "
            f"with both, of {len(names)} groups",
        )
    drawn = np.vstack([np.ones(len(names)), draw_people(len(names), draws, seed)])
    counts = drawn[:, np.searchsorted(names, used.group)]
    fitted = np.full((len(counts), 4), np.nan)
    for number, count in enumerate(counts):
        if _has_both(used, count):
            fitted[number] = fit_coefficients(used, count)
        progress((number + 1) / len(counts))
    systems = {
        WALK: used.gait,
        FACE: used.face,
        UNLEARNT: strongest_alternative(used.gait, used.face),
        SUM: _cross_fit(used, names, seed, least=False),
        LEARNT: _cross_fit(used, names, seed),
    }
    curves = {name: _measure(used, ratios, counts) for name, ratios in systems.items()}
    better = max((WALK, FACE), key=lambda name: curves[name]["auc"][0])
    figures = {name: _summarise(curve) for name, curve in curves.items()}
    gains = {
        name: paired_difference(change[0], change[1:])
        for name in (UNLEARNT, SUM, LEARNT)
        for change in [curves[name]["auc"] - curves[better]["auc"]]
    }
    learnt = figures[LEARNT]
    weights = FusionWeights(
        limits=limits or f"Learnt on {len(names)} people only: {source}.",
        **{
            name: WeightRange(value=values[0], low=low, high=high)
            for name, values in zip(_NAMES, fitted.T, strict=True)
            for low, high in [percentile_interval(values[1:])]
        },
        log10_lr_bound=supported_bound(len(names)),
        groups=len(names),
        trials={str(kind): int((used.kind == kind).sum()) for kind in np.unique(used.kind)},
        gait_model=gait_model,
        face_model=face_model,
        source=source,
        source_sha256=_digest(used),
        figures={
            "auc": learnt.auc.value,
            "eer": learnt.eer.value,
            "cllr": learnt.cllr.value,
            "auc_walk_alone": figures[WALK].auc.value,
            "auc_face_alone": figures[FACE].auc.value,
            "auc_gain_low": gains[LEARNT].low,
            "auc_gain_high": gains[LEARNT].high,
        },
        fitted_on=datetime.now(UTC).date().isoformat(),
    )
    walk, face = np.isnan(trials.gait), np.isnan(trials.face)
    missing = {
        "walk": int((walk & ~face).sum()),
        "face": int((face & ~walk).sum()),
        "both": int((walk & face).sum()),
    }
    return FusionResult(weights, missing, better, figures, gains)


def fit_coefficients(
    trials: FusionTrials, counts: Float64 | None = None, *, least: bool = True
) -> Float64:
    """Fit ``log10 LR = a + b * gait + c * face + d * strongest_alternative`` to trials.

    Logistic regression. Genuine and false trials weigh the same in total, and so do the kinds of
    false ones. What would count backwards is left out, so that b, c, d >= 0 and no better walk or
    face ever makes the joint ratio worse.

    Parameters
    ----------
    trials
        Complete ones, of both classes.
    counts
        Shape (N,), how often each trial was drawn; None for once.
    least
        Whether d is fitted; else it is 0.

    Returns
    -------
    ndarray
        Shape (4,): a, b, c, d in log10 units.
    """
    weights = _balance(trials, np.ones(len(trials)) if counts is None else counts)
    given = covariates(trials.gait, trials.face)
    kept = [0, 1, 2] if least else [0, 1]
    while True:
        slopes, offset = balanced_logistic(given[:, kept], trials.genuine, weights=weights)
        if not kept or slopes.min() >= 0:
            break
        kept.pop(int(slopes.argmin()))
    coefficients = np.zeros(4)
    coefficients[0] = offset
    coefficients[[1 + place for place in kept]] = slopes
    return coefficients / _LN10


def _balance(trials: FusionTrials, counts: Float64) -> Float64:
    """Weights of the trials, (N,): a half for the genuine ones, equal shares of one for kinds."""
    weights = np.zeros(len(trials))
    kinds = [kind for kind in np.unique(trials.kind) if counts[trials.kind == kind].any()]
    false = len(kinds) - (GENUINE in kinds)
    for kind in kinds:
        own = trials.kind == kind
        share = 0.5 if kind == GENUINE else 0.5 / false
        weights[own] = share * counts[own] / counts[own].sum()
    return weights


def _has_both(trials: FusionTrials, counts: Float64) -> bool:
    return bool(counts[trials.genuine].any() and counts[~trials.genuine].any())


def _cross_fit(
    trials: FusionTrials, names: NDArray[np.str_], seed: int, *, least: bool = True
) -> Float64:
    """Return every trial's joint ratio by weights that its group had no say in, shape (N,)."""
    folds = np.random.default_rng(seed).permutation(len(names)) % min(_FOLDS, len(names))
    fold = folds[np.searchsorted(names, trials.group)]
    joined = np.full(len(trials), np.nan)
    for number in np.unique(fold):
        own, rest = fold == number, trials.select(fold != number)
        if not _has_both(rest, np.ones(len(rest))):
            raise InputError(
                "Fusion cannot be tested: too few groups hold one of the two classes.",
                hint="add people with genuine and with other trials",
            )
        offset, *slopes = fit_coefficients(rest, least=least)
        bound = supported_bound(len(np.unique(rest.group)))
        raw = offset + covariates(trials.gait[own], trials.face[own]) @ np.array(slopes)
        joined[own] = np.clip(raw, -bound, bound)
    return joined


def _measure(trials: FusionTrials, ratios: Float64, counts: Float64) -> dict[str, Float64]:
    """Return AUC, EER, Cllr and AUC by kind of every draw, shape (draws,) each."""
    _, bins = np.unique(ratios, return_inverse=True)
    cost = metrics.likelihood_terms(ratios, trials.genuine)[:, 0]
    kinds = [kind for kind in np.unique(trials.kind) if kind != GENUINE]
    figures: dict[str, list[float]] = {name: [] for name in ("auc", "eer", "cllr", *kinds)}
    for count in counts:
        weights = _balance(trials, count)
        known = _has_both(trials, count)
        fmr, fnmr = _rates(trials.genuine, ~trials.genuine, weights, bins)
        figures["auc"].append(float(metrics.auc_from_rates(fmr, fnmr)))
        figures["eer"].append(float(metrics.eer_from_rates(fmr, fnmr)))
        figures["cllr"].append(float(weights @ cost) if known else np.nan)
        for kind in kinds:
            rates = _rates(trials.genuine, trials.kind == kind, weights, bins)
            figures[kind].append(float(metrics.auc_from_rates(*rates)))
    return {name: np.array(values) for name, values in figures.items()}


def _rates(
    genuine: NDArray[np.bool_], other: NDArray[np.bool_], weights: Float64, bins: NDArray[np.intp]
) -> tuple[Float64, Float64]:
    size = int(bins.max()) + 1
    accepted = np.bincount(bins[genuine], weights=weights[genuine], minlength=size)
    passed = np.bincount(bins[other], weights=weights[other], minlength=size)
    return metrics.rates_from_counts(accepted, passed, accepted.sum(), passed.sum())


def _summarise(figures: dict[str, Float64]) -> SystemFigures:
    shown = {
        name: Interval(float(values[0]), *percentile_interval(values[1:]))
        for name, values in figures.items()
    }
    return SystemFigures(shown.pop("auc"), shown.pop("eer"), shown.pop("cllr"), by_kind=shown)


def _digest(trials: FusionTrials) -> str:
    """SHA-256 of the trials that were used, in the order given."""
    rows = zip(
        trials.group.tolist(), trials.kind.tolist(), trials.gait.tolist(), trials.face.tolist(),
        strict=True,
    )  # fmt: skip
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()

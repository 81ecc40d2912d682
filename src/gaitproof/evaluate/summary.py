"""Every figure of pooled trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    FIGURES,
    Interval,
    bootstrap_means,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.calibration import cross_fit, other_people
from gaitproof.evaluate.result import (
    FMR_TARGETS,
    GroupResult,
    OverFolds,
    PersonResult,
    SystemResult,
)
from gaitproof.evaluate.trials import KINDS_APART, Trials

_MIN_PEOPLE: Final = 3


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
        rates = metrics.figures_at_threshold(margins, trials.mated, 0.0)
        decisions = replace(rates, threshold=threshold)
    spread = {"min_cllr": least, **_spread(trials, llr, margins, draws, seed)}
    kinds = {str(kind): trials.mated | (trials.kind == kind) for kind in KINDS_APART}
    sources = {str(s): trials.source == s for s in np.unique(trials.source)}
    parts = {str(p): trials.part == p for p in np.unique(trials.part) if p}
    folds = {str(f): trials.fold == f for f in np.unique(trials.fold)}

    def groups(masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, GroupResult]:
        def measure(part: Trials) -> dict[str, Interval]:
            return intervals(part, draws=draws, seed=seed, figures=_GROUP_FIGURES)

        return _groups(trials, masks, measure)

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
        over_folds=_over_folds(trials, margins),
        log10_lr=llr,
    )


_GROUP_FIGURES: Final = {name: FIGURES[name] for name in ("auc", "eer")}
_ALL_FIGURES: Final = {**FIGURES, "min_cllr": metrics.min_cllr_from_rates}


def _groups(
    trials: Trials,
    parts: Mapping[str, NDArray[np.bool_]],
    measure: Callable[[Trials], dict[str, Interval]] | None = None,
) -> dict[str, GroupResult]:
    groups = {}
    for name, keep in parts.items():
        part = trials.select(keep)
        # a part without one of the classes, or without a single score, has no error rates
        if part.mated.all() or not part.mated.any() or part.failures == len(part):
            continue
        people = len(part.subjects)
        known = measure(part) if measure is not None and people >= _MIN_PEOPLE else {}
        groups[name] = GroupResult(
            people=people,
            mated=int(part.mated.sum()),
            nonmated=int((~part.mated).sum()),
            failures=part.failures,
            auc=metrics.auc(part.scores, part.mated),
            eer=metrics.eer(part.scores, part.mated),
            auc_interval=known.get("auc"),
            eer_interval=known.get("eer"),
        )
    return groups


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
        values: dict[str, NDArray[np.float64]] = {}
        if margins is not None:
            values |= _decision_figures(mated[:, 0], nonmated[:, 0], share)
        if llr is not None:
            first = 0 if margins is None else 1
            values["cllr"], values["ece"] = metrics.likelihood_figures(
                mated[:, first:], nonmated[:, first:]
            )
        return values

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


def _over_folds(trials: Trials, margins: NDArray[np.float64] | None) -> dict[str, OverFolds]:
    """Return mean and standard deviation over the folds of AUC, EER, accuracy and F1.

    Folds share no person held out, but they share training people and impostors: the deviation
    says how much one fold differs from another, not how sure the mean is. For that there are the
    intervals over people. A fold without both kinds of claim, or without a score, is left out;
    without `margins`, scores less their threshold, there is no accuracy and no F1.
    """
    by_figure: dict[str, list[float]] = {}
    for fold in np.unique(trials.fold):
        own = trials.fold == fold
        scores, mated = trials.scores[own], trials.mated[own]
        if mated.all() or not mated.any() or np.isnan(scores).all():
            continue
        values = {"auc": metrics.auc(scores, mated), "eer": metrics.eer(scores, mated)}
        if margins is not None:
            decided = metrics.figures_at_threshold(margins[own], mated, 0.0)
            values |= {"accuracy": decided.accuracy, "f1": decided.f1}
        for name, value in values.items():
            by_figure.setdefault(name, []).append(value)
    return {
        name: OverFolds(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))
        for name, values in by_figure.items()
        if len(values) > 1
    }

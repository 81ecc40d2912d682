"""Train and test by a protocol: one way for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.audit import audit_folds, audit_manifest, audit_split, refuse
from gaitproof.data.manifest import original_person
from gaitproof.data.split import Fold
from gaitproof.errors import InputError
from gaitproof.evaluate.baselines import BASELINES, Baseline, has_bones
from gaitproof.evaluate.bootstrap import DRAWS, compare
from gaitproof.evaluate.designs import Design
from gaitproof.evaluate.normalisation import audit_cohort
from gaitproof.evaluate.plans import Plan, score_plan
from gaitproof.evaluate.result import EmbeddingSample, EvaluationResult, SystemResult
from gaitproof.evaluate.summary import summarise
from gaitproof.evaluate.trials import (
    COSINE,
    GaitRecording,
    Level,
    Scoring,
    Trials,
    entries_of,
    person,
)
from gaitproof.evaluate.view_figures import ViewFigures
from gaitproof.types import GaitWindows

R = TypeVar("R", bound=GaitRecording)
Embed = Callable[[GaitWindows], NDArray[Any]]
"""From N windows to unit embeddings, shape (N, D)."""

LEVELS: Final[tuple[Level, ...]] = ("clip", "window")

MAX_TRIALS: Final = 1_500_000
"""Above it the names of the people alone would take gigabytes."""


@dataclass(frozen=True)
class FittedSystem:
    """What a training gives: how walks become vectors, and vectors become scores.

    Parameters
    ----------
    embed
        From N windows to vectors, shape (N, D).
    scoring
        How the vectors are compared.
    cohort
        People whose walks the scores are normalised by; none of them may be tested on.
    """

    embed: Embed
    scoring: Scoring = COSINE
    cohort: frozenset[str] = frozenset()


def evaluate_design(
    design: Design,
    recordings: Sequence[R],
    fit: Callable[[Sequence[R]], Embed | FittedSystem],
    *,
    folds: int = 5,
    enrolled: int = 3,
    seed: int = 0,
    draws: int = DRAWS,
    baselines: Mapping[str, Baseline] = BASELINES,
    prepare: Callable[[Sequence[Sequence[R]]], None] | None = None,
    progress: Callable[[float], None] = lambda share: None,
    views: ViewFigures | None = None,
) -> EvaluationResult:
    """Train and test a recipe by a protocol.

    For each fold the recipe is fitted on the fold's training people, normaliser included, and
    scores the comparisons that the protocol plans. Scores of the folds are pooled as they are.
    Thresholds and calibrations for a fold are set on trials in which none of its held-out people
    take part.

    Parameters
    ----------
    design
        The protocol.
    recordings
        Walks; augmented copies (with a `parent`) are used for training only.
    fit
        From training walks to an embedding function, or to a system with a scoring of its own. It
        must not see anything else.
    folds, seed
        See `gaitproof.evaluate.designs.split_recordings`.
    enrolled
        Recordings per template.
    draws
        Bootstrap draws over people.
    baselines
        Systems to run on the same trials; bone lengths are left out where they are unknown.
    prepare
        Called with the training walks of all folds beforehand, so that it can begin with them.
    progress
        Called with the share of folds done, 0 to 1.
    views
        Also collect what it asks for.

    Returns
    -------
    EvaluationResult
        Figures at clip and window level with 95 % intervals, and the pooled trials.

    Raises
    ------
    InputError
        If the data leaks, or there are too few people.
    """
    # copies deal nobody in: a mirrored walker is no further person to hold out
    splits = design.split([r for r in recordings if not r.parent], folds, seed)
    refuse_leaks(recordings, splits)
    known = has_bones(recordings)
    chosen = {n: b for n, b in baselines.items() if known or not n.startswith("bone")}
    originals = [r for r in recordings if not r.parent]
    plans = [design.plan(originals, split, enrolled) for split in splits]
    levels, notes = _affordable_levels(originals, plans)
    pools: dict[str, dict[Level, list[Trials]]] = {"": {}, **{name: {} for name in chosen}}
    if prepare is not None:
        prepare([_training(recordings, split) for split in splits])
    sample: EmbeddingSample | None = None
    for split, parts in zip(splits, plans, strict=True):
        train = _training(recordings, split)
        fitted = fit(train)
        system = fitted if isinstance(fitted, FittedSystem) else FittedSystem(fitted)
        refuse(audit_cohort(system.cohort, split.test))
        more = views.used(originals, split.test) if views is not None else frozenset[int]()
        rows = _describe_used(originals, parts, _describer(system.embed), more)
        _score(pools[""], parts, originals, rows, levels, system.scoring, split.number)
        if views is not None:
            views.add(originals, rows, split.test, system.scoring, split.number)
        if sample is None and system.scoring is COSINE:
            sample = _sample(originals, rows, frozenset(split.test))
        walks = [r for r in train if not r.parent]
        for name, baseline in chosen.items():
            rows = _describe_used(originals, parts, baseline.fit(walks))
            shared = [level for level in baseline.levels if level in levels]
            _score(pools[name], parts, originals, rows, shared, baseline.scoring, split.number)
        progress((split.number + 1) / len(splits))
    pooled = {
        name: {level: Trials.concatenate(at_level) for level, at_level in by_level.items()}
        for name, by_level in pools.items()
    }
    main = _summaries(pooled.pop(""), draws, seed)
    others = {name: _summaries(by_level, draws, seed) for name, by_level in pooled.items()}
    return EvaluationResult(
        protocol=design.describe(len(splits), enrolled),
        folds=len(splits),
        enrolled=enrolled,
        seed=seed,
        draws=draws,
        system=main,
        baselines=others,
        comparisons={
            name: {
                level: {
                    figure: difference
                    for figure, difference in compare(
                        main[level].trials, at_level.trials, draws=draws, seed=seed
                    ).items()
                    if figure in at_level.figures
                }
                for level, at_level in by_level.items()
            }
            for name, by_level in others.items()
        },
        design=design.name,
        warnings=tuple(text for text in (design.warning, *notes) if text),
        sample=sample,
        rank_one={} if views is None else views.rank_one(draws, seed),
        views={} if views is None else views.tables(draws, seed),
    )


def refuse_leaks(recordings: Sequence[GaitRecording], splits: Iterable[Fold]) -> None:
    """Refuse walks and folds that the leak audit finds fault with.

    Raises
    ------
    InputError
        With the findings.
    """
    entries = entries_of(recordings)
    findings = list(audit_manifest(entries))
    held_out = []
    for split in splits:
        test = [e for e in entries if e.subject in set(split.test) and not e.parent]
        findings += audit_split([e for e in entries if e.walker in set(split.train)], test)
        held_out.append(test)
    refuse(tuple(dict.fromkeys([*findings, *audit_folds(held_out)])))


def _training(recordings: Sequence[R], split: Fold) -> list[R]:
    people = set(split.train)
    # a mirrored copy is another walker, and goes where the person filmed goes
    return [r for r in recordings if original_person(person(r)) in people]


def _affordable_levels(
    recordings: Sequence[GaitRecording], plans: Sequence[Sequence[Plan]]
) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    """Leave the window level out, and say so, where it would hold too many trials."""
    count = sum(
        len(plan.templates) * max(len(recordings[i].windows), 1)
        for parts in plans
        for plan in parts
        for i in plan.probes
    )
    if count <= MAX_TRIALS:
        return LEVELS, ()
    return ("clip",), (
        f"The window level is left out: it would take {count:,} trials, and {MAX_TRIALS:,} is the "
        "most that are kept in memory.",
    )


def _describer(embed: Embed) -> Callable[[GaitRecording], NDArray[Any]]:
    return lambda recording: embed(recording.windows)


def _describe_used(
    recordings: Sequence[R],
    parts: Sequence[Plan],
    describe: Callable[[R], NDArray[Any]],
    more: frozenset[int] = frozenset(),
) -> list[NDArray[Any]]:
    """Describe the walks that a fold's plans speak of, and `more`; nothing for the others."""
    used = more.union(*(plan.used for plan in parts))
    rows = []
    for i, recording in enumerate(recordings):
        if i not in used or not len(recording.windows):
            rows.append(np.zeros((0, 1)))
            continue
        described = np.asarray(describe(recording))
        if not np.isfinite(described).all():
            raise InputError(f"The embedding of {recording.recording!r} is not finite.")
        rows.append(described)
    return rows


def _score(
    pool: dict[Level, list[Trials]],
    parts: Sequence[Plan],
    recordings: Sequence[GaitRecording],
    rows: Sequence[NDArray[Any]],
    levels: Iterable[Level],
    scoring: Scoring,
    fold: int,
) -> None:
    for level in levels:
        pool.setdefault(level, []).extend(
            score_plan(plan, recordings, rows, level=level, fold=fold, scoring=scoring)
            for plan in parts
        )


def _sample(
    recordings: Sequence[GaitRecording],
    rows: Sequence[NDArray[Any]],
    people: frozenset[str],
) -> EmbeddingSample | None:
    kept = [i for i, r in enumerate(recordings) if person(r) in people and len(rows[i])]
    return EmbeddingSample.of_clips([recordings[i] for i in kept], [rows[i] for i in kept])


def _summaries(levels: Mapping[Level, Trials], draws: int, seed: int) -> dict[Level, SystemResult]:
    return {level: summarise(trials, draws=draws, seed=seed) for level, trials in levels.items()}

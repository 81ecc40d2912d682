"""The headline experiment: people that were never trained on, on both sides of every claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.audit import (
    audit_folds,
    audit_manifest,
    audit_split,
    entries_of,
    refuse,
)
from gaitproof.evaluate.baselines import BASELINES, Baseline, has_bones
from gaitproof.evaluate.bootstrap import DRAWS, compare
from gaitproof.evaluate.folds import Fold, split_recordings
from gaitproof.evaluate.result import EvaluationResult, SystemResult, summarise
from gaitproof.evaluate.trials import (
    COSINE,
    GaitRecording,
    Level,
    Scoring,
    Trials,
    make_trials,
    person,
)
from gaitproof.types import GaitWindows

R = TypeVar("R", bound=GaitRecording)
Embed = Callable[[GaitWindows], NDArray[Any]]
"""From N windows to unit embeddings, shape (N, D)."""

LEVELS: Final[tuple[Level, ...]] = ("clip", "window")


def both_unseen(
    recordings: Sequence[R],
    fit: Callable[[Sequence[R]], Embed],
    *,
    folds: int = 5,
    enrolled: int = 3,
    seed: int = 0,
    draws: int = DRAWS,
    baselines: Mapping[str, Baseline] = BASELINES,
    prepare: Callable[[Sequence[Sequence[R]]], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> EvaluationResult:
    """Evaluate a recipe on people it has never seen, as probes and as claimed identities.

    The people of every source are dealt into `folds` parts; for each part the recipe is fitted on
    all others, and the part's people claim to be each other. Scores of the parts are pooled as
    they are. Thresholds and calibrations for a part are set on the trials of the other parts,
    whose people are its training people.

    Parameters
    ----------
    recordings
        Walks; augmented copies (with a `parent`) are used for training only.
    fit
        From training walks to an embedding function. It must not see anything else.
    folds, seed
        See `gaitproof.evaluate.folds.split_recordings`.
    enrolled
        Recordings per template.
    draws
        Bootstrap draws over people.
    baselines
        Systems to run on the same trials; bone lengths are left out where they are unknown.
    prepare
        Told the training walks of all folds beforehand, so that it can begin with them.
    progress
        Told the share of folds done, 0 to 1.

    Returns
    -------
    EvaluationResult
        Figures at clip and window level with 95 % intervals, and the pooled trials.

    Raises
    ------
    InputError
        If the data leaks, or there are too few people.
    """
    splits = split_recordings(recordings, folds, seed)
    _audit(recordings, splits)
    known = has_bones(recordings)
    chosen = {n: b for n, b in baselines.items() if known or not n.startswith("bone")}
    pools: dict[str, dict[Level, list[Trials]]] = {"": {}, **{name: {} for name in chosen}}
    if prepare is not None:
        prepare([_divide(recordings, split)[0] for split in splits])
    for split in splits:
        train, test = _divide(recordings, split)
        embed = fit(train)
        rows = [embed(r.windows) if len(r.windows) else _nothing() for r in test]
        _score(pools[""], test, rows, LEVELS, COSINE, enrolled, split.number)
        originals = [r for r in train if not r.parent]
        for name, baseline in chosen.items():
            describe = baseline.fit(originals)
            rows = [describe(r) if len(r.windows) else _nothing() for r in test]
            _score(
                pools[name],
                test,
                rows,
                baseline.levels,
                baseline.scoring,
                enrolled,
                split.number,
            )
        if progress is not None:
            progress((split.number + 1) / len(splits))
    pooled = {
        name: {level: Trials.concatenate(parts) for level, parts in levels.items()}
        for name, levels in pools.items()
    }
    system = _summaries(pooled.pop(""), draws, seed)
    others = {name: _summaries(levels, draws, seed) for name, levels in pooled.items()}
    return EvaluationResult(
        protocol=f"both-unseen, {folds} subject-disjoint folds, {enrolled} recordings enrolled",
        folds=folds,
        enrolled=enrolled,
        seed=seed,
        draws=draws,
        system=system,
        baselines=others,
        comparisons={
            name: {
                level: {
                    figure: difference
                    for figure, difference in compare(
                        system[level].trials, found.trials, draws=draws, seed=seed
                    ).items()
                    if figure in found.figures
                }
                for level, found in levels.items()
            }
            for name, levels in others.items()
        },
    )


def _audit(recordings: Sequence[GaitRecording], splits: Iterable[Fold]) -> None:
    entries = entries_of(recordings)
    findings = list(audit_manifest(entries))
    held_out = []
    for split in splits:
        test = [e for e in entries if e.subject in set(split.test) and not e.parent]
        findings += audit_split([e for e in entries if e.subject in set(split.train)], test)
        held_out.append(test)
    refuse(tuple(dict.fromkeys([*findings, *audit_folds(held_out)])))


def _divide(recordings: Sequence[R], split: Fold) -> tuple[list[R], list[R]]:
    train, test = set(split.train), set(split.test)
    return (
        [r for r in recordings if person(r) in train],
        [r for r in recordings if person(r) in test and not r.parent],
    )


def _nothing() -> NDArray[np.float64]:
    return np.zeros((0, 1))


def _score(
    pool: dict[Level, list[Trials]],
    test: Sequence[GaitRecording],
    rows: Sequence[NDArray[Any]],
    levels: Iterable[Level],
    scoring: Scoring,
    enrolled: int,
    fold: int,
) -> None:
    for recording, found in zip(test, rows, strict=True):
        if len(found) and not np.isfinite(found).all():
            raise InputError(f"The embedding of {recording.recording!r} is not finite.")
    for level in levels:
        made = make_trials(test, rows, enrolled=enrolled, level=level, fold=fold, scoring=scoring)
        pool.setdefault(level, []).append(made)


def _summaries(levels: Mapping[Level, Trials], draws: int, seed: int) -> dict[Level, SystemResult]:
    return {level: summarise(trials, draws=draws, seed=seed) for level, trials in levels.items()}

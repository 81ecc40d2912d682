"""Many systems on the same folds and trials, one after another or side by side, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gaitproof import __version__
from gaitproof.data.gait import Recording
from gaitproof.data.manifest import original_person
from gaitproof.data.split import Fold
from gaitproof.errors import GaitproofError, InputError
from gaitproof.evaluate.designs import split_recordings
from gaitproof.evaluate.plans import Plan, make_plan, score_plan
from gaitproof.evaluate.protocol import LEVELS
from gaitproof.evaluate.trials import GaitRecording, Level, Scoring, Trials, person, recording_key
from gaitproof.modelling.pairs import scoring_of
from gaitproof.modelling.store import Finished, TrialStore, fingerprint, fingerprint_recordings
from gaitproof.processes import as_finished, worker_pool
from gaitproof.train.config import NOT_LEARNT, TrainSettings
from gaitproof.train.loop import train

Progress = Callable[[float], None]


def training_key(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings that decide what a training gives, as plain JSON types."""
    return settings.model_dump(mode="json", exclude=set(NOT_LEARNT))


class System(Protocol):
    """Something that can be fitted on training people and scores held-out people."""

    @property
    def key(self) -> Any:
        """All that decides its result apart from the data, as plain JSON types."""
        ...

    def run(
        self, train: Sequence[Recording], test: Sequence[Recording], enrolled: int, fold: int
    ) -> Finished:
        """Fit on `train` and score the trials of `test`, by level."""
        ...


@dataclass(frozen=True)
class Network:
    """A network trained by a recipe.

    Parameters
    ----------
    settings
        The recipe.
    templates
        Further template sizes to score without training again, all on the same probes: those
        recordings that the largest template leaves over. Levels ``template-N/clip``.
    """

    settings: TrainSettings
    templates: tuple[int, ...] = ()

    @property
    def key(self) -> Any:
        """The recipe and the template sizes."""
        return [training_key(self.settings), list(self.templates)]

    def run(
        self, train: Sequence[Recording], test: Sequence[Recording], enrolled: int, fold: int
    ) -> Finished:
        """Train, embed and score."""
        trained, facts = _fit_network(train, self.settings)
        rows = embed_all(trained.embed, test)
        scoring = scoring_of(trained)
        trials = score_levels(test, rows, LEVELS, scoring, enrolled=enrolled, fold=fold)
        for size in self.templates:
            plan = _template_plan(test, size, max(self.templates))
            trials[f"template-{size}/clip"] = score_plan(
                plan, test, rows, level="clip", fold=fold, scoring=scoring
            )
        return Finished(trials, facts)


def _fit_network(
    recordings: Sequence[Recording], settings: TrainSettings
) -> tuple[Any, dict[str, Any]]:
    """Return a trained encoder, and ``seconds`` of training and trainable ``parameters``."""
    # Lightning takes seconds to load, once per process: no part of any network's training
    import_module("gaitproof.train.loop")
    started = time.perf_counter()
    trained = train(recordings, settings)
    seconds = round(time.perf_counter() - started, 3)
    count = sum(p.numel() for p in trained.network.parameters() if p.requires_grad)
    return trained, {"seconds": seconds, "parameters": int(count)}


def embed_all(
    embed: Callable[[Any], NDArray[Any]], recordings: Sequence[GaitRecording]
) -> list[NDArray[Any]]:
    """Return the embeddings of every walk, (N_i, D); none for a walk without windows."""
    return [embed(walk.windows) if len(walk.windows) else np.zeros((0, 1)) for walk in recordings]


def score_levels(
    test: Sequence[GaitRecording],
    rows: Sequence[NDArray[Any]],
    levels: Sequence[Level],
    scoring: Scoring,
    *,
    enrolled: int,
    fold: int,
) -> dict[str, Trials]:
    """Score the both-unseen trials of one fold at every level.

    Raises
    ------
    InputError
        If an embedding is not finite: the training diverged.
    """
    for walk, row in zip(test, rows, strict=True):
        if len(row) and not np.isfinite(row).all():
            raise InputError(
                f"The embedding of {walk.recording!r} is not finite.",
                hint="the training diverged: lower the learning rate",
            )
    plan = make_plan(test, enrolled=enrolled)
    return {
        level: score_plan(plan, test, rows, level=level, fold=fold, scoring=scoring)
        for level in levels
    }


def _template_plan(test: Sequence[GaitRecording], size: int, largest: int) -> Plan:
    """Plan trials with templates of `size` recordings whose probes do not depend on `size`.

    Probes are the clips of the recordings after the first `largest` in name order; people without
    any take no part.
    """
    walks: dict[str, set[tuple[str, str, str]]] = {}
    for walk in test:
        walks.setdefault(person(walk), set()).add(recording_key(walk))
    kept = {key for own in walks.values() for key in sorted(own)[largest:]}
    return make_plan(test, enrolled=size, probe=lambda walk: recording_key(walk) in kept)


def divide(recordings: Sequence[Recording], fold: Fold) -> tuple[list[Recording], list[Recording]]:
    """Return the training walks of a fold, copies included, and its held-out originals."""
    return walks_of(recordings, fold.train), [
        walk for walk in walks_of(recordings, fold.test) if not walk.parent
    ]


def walks_of(recordings: Sequence[Recording], people: Collection[str]) -> list[Recording]:
    """Return the walks of people; mirrored and reversed copies go with the person filmed."""
    chosen = frozenset(people)
    return [walk for walk in recordings if original_person(person(walk)) in chosen]


def split_originals(recordings: Sequence[Recording], count: int, seed: int) -> tuple[Fold, ...]:
    """Deal people into folds as `split_recordings` does; copies deal nobody in."""
    return split_recordings([walk for walk in recordings if not walk.parent], count, seed)


def run_systems(
    recordings: Sequence[Recording],
    systems: Mapping[str, System],
    folds: Sequence[Fold],
    store: TrialStore,
    *,
    enrolled: int = 3,
    workers: int = 1,
    progress: Progress = lambda share: None,
) -> dict[str, Finished]:
    """Run every system on every fold, but for what the store has already.

    Parameters
    ----------
    recordings
        All walks; audited by the caller.
    systems
        By name.
    folds
        Subject-disjoint.
    store
        Every (system, fold) is saved in it as soon as it is finished.
    enrolled
        Recordings per template.
    workers
        Processes, one (system, fold) at a time each; with one the work is done here.
    progress
        Called with the share done, 0 to 1.

    Returns
    -------
    dict
        By system: trials of all folds pooled, by level; facts ``seconds`` in all,
        ``parameters``, ``folds`` and how many of them were ``resumed``.
    """
    data = fingerprint_recordings(recordings)
    finished_folds: dict[tuple[str, int], Finished] = {}
    missing: list[tuple[str, Fold, str]] = []
    for name, system in systems.items():
        for fold in folds:
            key = fingerprint(
                __version__, system.key, data, list(fold.train), list(fold.test), enrolled
            )
            kept = store.load(_job(name, fold), key)
            if kept is None:
                missing.append((name, fold, key))
            else:
                finished_folds[name, fold.number] = kept
    resumed = {name: sum(key[0] == name for key in finished_folds) for name in systems}
    total = len(finished_folds) + len(missing)

    def finish(name: str, fold: Fold, key: str, finished: Finished) -> None:
        store.save(_job(name, fold), key, finished)
        finished_folds[name, fold.number] = finished
        progress(len(finished_folds) / total)

    progress(len(finished_folds) / total)
    with _pool(min(workers, len(missing))) as pool:
        if pool is None:
            for name, fold, key in missing:
                finish(name, fold, key, _run(systems[name], name, recordings, fold, enrolled))
        else:
            futures = {
                pool.submit(_run, systems[name], name, recordings, fold, enrolled): (
                    name,
                    fold,
                    key,
                )
                for name, fold, key in missing
            }
            for future in as_finished(futures):
                finish(*futures[future], future.result())
    return {
        name: _pool_folds([finished_folds[name, fold.number] for fold in folds], resumed[name])
        for name in systems
    }


def _job(name: str, fold: Fold) -> str:
    return f"{name}, fold {fold.number}"


def _run(
    system: System, name: str, recordings: Sequence[Recording], fold: Fold, enrolled: int
) -> Finished:
    train, test = divide(recordings, fold)
    try:
        return system.run(train, test, enrolled, fold.number)
    except GaitproofError as error:
        error.message = f"{name}, fold {fold.number}: {error.message}"
        raise


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    if workers < 2:
        yield None
        return
    crash = GaitproofError(
        "A training process died.",
        hint="fewer --workers: each needs about 2 GB of memory; what is finished is kept",
    )
    with worker_pool(workers, crash) as pool:
        yield pool


def _pool_folds(parts: Sequence[Finished], resumed: int) -> Finished:
    levels = parts[0].trials
    return Finished(
        {level: Trials.concatenate([part.trials[level] for part in parts]) for level in levels},
        {
            "seconds": round(sum(part.facts["seconds"] for part in parts), 3),
            "parameters": parts[0].facts["parameters"],
            "folds": len(parts),
            "resumed": resumed,
        },
    )

"""A search for the cells of SPOSGait: one super-network, then evolution on people set aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.metrics import auc
from gaitproof.nets.sposgait import ALL_CELLS, CANDIDATES, DEPTH
from gaitproof.train.adapt import measure_norms
from gaitproof.train.config import TrainSettings
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.loop import train
from gaitproof.train.sampler import BatchStream, WindowSampler, person_of
from gaitproof.train.stream import Stream, random_source
from gaitproof.train.training import RunOptions
from gaitproof.train.validation import split_subjects

RECIPE_FILE: Final = "best.yaml"
RESULT_FILE: Final = "cells.json"

_ARCHITECTURE: Final = "sposgait"
_PARENTS: Final = 4
_MUTATED: Final = 0.25
"""Chance of every cell of a mutant to be drawn anew: one of four."""
_NORM_BATCHES: Final = 4

Cells = tuple[int, ...]


@dataclass(frozen=True)
class CellSearch:
    """What a search found.

    Parameters
    ----------
    best
        The recipe with the best cells, to be trained anew.
    tried
        Cells and the AUC of people set aside, by the weights of the super-network, best first.
    losses
        Of every step of the super-network.
    """

    best: TrainSettings
    tried: tuple[tuple[str, float], ...]
    losses: tuple[float, ...]

    def save(self, folder: Path) -> list[Path]:
        """Write the recipe and what was tried; return both files."""
        make_folder(folder)
        recipe = yaml.safe_dump(self.best.model_dump(mode="json"), sort_keys=False)
        note = f"# Found by gaitproof cells among {len(self.tried)} paths.\n"
        tried = [{"cells": cells, "auc": value} for cells, value in self.tried]
        write_atomically(folder / RECIPE_FILE, (note + recipe).encode())
        write_atomically(folder / RESULT_FILE, json.dumps({"tried": tried}, indent=1).encode())
        return [folder / RECIPE_FILE, folder / RESULT_FILE]


def search_cells(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    *,
    population: int = 12,
    generations: int = 6,
    progress: Callable[[float, float], None] = lambda share, loss: None,
    **run: Any,
) -> CellSearch:
    """Train the super-network, and evolve its paths on people set aside.

    Parameters
    ----------
    settings
        The recipe of both trainings; its `validation.share` says how many people choose.
    recordings
        Walks of all people but those who are tested.
    population, generations
        Paths of a generation, at least 2, and how many there are, the first at random; half of the
        others are mutants of the best four so far, half crosses of two of them (Guo et al. 2020).
    progress
        Of the super-network's training.
    **run
        See `gaitproof.train.training.RunOptions`.

    Raises
    ------
    ConfigError
        If the recipe is of another network or sets nobody aside, nobody set aside has two
        recordings, or for any reason of `gaitproof.train.loop.train`.
    """
    if settings.architecture != _ARCHITECTURE:
        raise ConfigError("The recipe has no cells to search.", expected="architecture: sposgait")
    learnt, watched = split_subjects(recordings, settings)
    if not watched:
        raise ConfigError(
            "The search needs people who are not trained on.", hint="validation: {share: 0.2}"
        )
    options: RunOptions = run  # type: ignore[assignment]
    trained = train(learnt, _super_recipe(settings), progress, **options)
    judge = _Judge(trained, learnt, watched, settings)
    rng = random_source(settings.seed, stream=Stream.CELLS)
    tried: dict[Cells, float] = {}
    for _ in range(generations):
        for path in _breed(tried, population, rng):
            tried[path] = judge(path)
    ranked = sorted(tried.items(), key=lambda item: (-item[1], item[0]))
    named = tuple(("".join(map(str, path)), value) for path, value in ranked)
    network = settings.network.model_copy(update={"cells": named[0][0]})
    return CellSearch(
        settings.model_copy(update={"network": network}), named, tuple(trained.losses)
    )


def _super_recipe(settings: TrainSettings) -> TrainSettings:
    """Return the recipe of the super-network, which nobody is set aside for any more."""
    return settings.model_copy(
        update={
            "network": settings.network.model_copy(update={"cells": ALL_CELLS}),
            "validation": settings.validation.model_copy(update={"share": 0.0}),
        }
    )


def _breed(tried: dict[Cells, float], count: int, rng: np.random.Generator) -> list[Cells]:
    """Return up to `count` paths that were not tried yet."""
    parents = np.array(sorted(tried, key=lambda path: -tried[path])[:_PARENTS])
    fresh: dict[Cells, None] = {}
    left = len(CANDIDATES) ** DEPTH - len(tried)
    while len(fresh) < min(count, left):
        child = rng.integers(len(CANDIDATES), size=DEPTH)
        if len(parents) and rng.random() < 0.9:
            first, second = parents[rng.integers(len(parents), size=2)]
            mutant = rng.random() < 0.5
            changed = rng.random(DEPTH) < (_MUTATED if mutant else 0.5)
            child = np.where(changed, child if mutant else second, first)
        path = tuple(int(kind) for kind in child)
        if path not in tried:
            fresh[path] = None
    return list(fresh)


class _Judge:
    """Tells how well a path, with the weights it shares, keeps people apart."""

    def __init__(
        self,
        trained: TrainedEncoder,
        learnt: Sequence[Recording],
        watched: Sequence[Recording],
        settings: TrainSettings,
    ) -> None:
        self._trained = trained
        self._windows = [walk.windows for walk in watched if len(walk.windows)]
        people = {person: i for i, person in enumerate(map(person_of, watched))}
        person, walk = np.array(
            [
                (people[person_of(r)], i)
                for i, r in enumerate(watched)
                for _ in range(len(r.windows))
            ]
        ).T
        self._mated = person[:, None] == person
        self._pairs = np.triu(walk[:, None] != walk, 1)
        if not self._mated[self._pairs].any():
            raise ConfigError("Nobody of those set aside has two recordings.")
        stream = BatchStream(
            WindowSampler(learnt, settings.augment), trained.normaliser, settings, 0, 1
        )
        self._batches = [stream[step].windows for step in range(_NORM_BATCHES)]

    def __call__(self, path: Cells) -> float:
        """Return the AUC of cosines between windows of different recordings."""
        network: Any = self._trained.network
        network.path = path
        # paths share weights, but not what they put out
        measure_norms(network, self._batches)
        vectors: NDArray[np.float32] = np.concatenate(
            [self._trained.embed(windows) for windows in self._windows]
        )
        scores = (vectors @ vectors.T)[self._pairs]
        return auc(scores, self._mated[self._pairs])

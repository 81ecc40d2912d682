"""All networks and baselines on the same trials, trained with the same budget."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.shared import Progress, no_progress
from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError
from gaitproof.evaluate.baselines import BASELINES, Baseline, has_bones
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.comparison import (
    Comparison,
    compare_levels,
    save_comparisons,
)
from gaitproof.evaluate.protocol import LEVELS, refuse_leaks
from gaitproof.evaluate.trials import Trials
from gaitproof.modelling.experiment import (
    Network,
    System,
    run_systems,
    score_levels,
    split_originals,
)
from gaitproof.modelling.store import Finished, TrialStore
from gaitproof.nets.registry import list_networks
from gaitproof.train.config import TrainSettings

RESULT_FILE: Final = "networks.json"


@dataclass(frozen=True, eq=False)
class NetworksResult:
    """Networks and baselines against one of them.

    Parameters
    ----------
    comparisons
        Per level and figure.
    facts
        By system: seconds of training (or fitting), trainable parameters, folds, and how many of
        them were taken over from an earlier run.
    settings
        The recipe that all networks share, but for the architecture.
    """

    comparisons: tuple[Comparison, ...]
    facts: Mapping[str, Mapping[str, Any]]
    settings: TrainSettings

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**self._described(), "comparisons": [c.to_dict() for c in self.comparisons]}

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON, atomically."""
        save_comparisons(path, self.comparisons, **self._described())

    def _described(self) -> dict[str, Any]:
        return {
            "recipe": self.settings.model_dump(mode="json"),
            "systems": {name: dict(facts) for name, facts in self.facts.items()},
        }


@dataclass(frozen=True)
class WithoutNetwork:
    """A baseline of `gaitproof.evaluate.baselines`.

    Parameters
    ----------
    name
        What tells it from other baselines.
    baseline
        The baseline.
    """

    name: str
    baseline: Baseline

    @property
    def key(self) -> Any:
        """Its name."""
        return ["baseline", self.name]

    def run(
        self, train: Sequence[Recording], test: Sequence[Recording], enrolled: int, fold: int
    ) -> Finished:
        """Fit on the originals among the training walks, describe, score."""
        started = time.perf_counter()
        describe = self.baseline.fit([walk for walk in train if not walk.parent])
        rows = [describe(walk) if len(walk.windows) else np.zeros((0, 1)) for walk in test]
        trials = score_levels(
            test,
            rows,
            self.baseline.levels,
            self.baseline.scoring,
            enrolled=enrolled,
            fold=fold,
        )
        seconds = round(time.perf_counter() - started, 3)
        return Finished(trials, {"seconds": seconds, "parameters": 0})


def choose_networks(names: Sequence[str], reference: str) -> tuple[str, ...]:
    """Return the networks to train: those named, or all, and the reference in any case.

    Raises
    ------
    ConfigError
        If a name is unknown.
    """
    known = list_networks()
    chosen = list(dict.fromkeys(names or known))
    if reference not in chosen and reference not in BASELINES:
        chosen.insert(0, reference)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ConfigError(
            f"There is no network called {unknown[0]!r}.", expected=f"some of {', '.join(known)}"
        )
    return tuple(chosen)


def run(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    folder: Path,
    *,
    networks: Sequence[str] = (),
    reference: str = "hybrid-small",
    workers: int = 1,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> NetworksResult:
    """Train every network on the same folds and compare all systems on the same trials.

    An interrupted run resumes when called again: every finished (network, fold) lies in
    ``FOLDER/trials``.

    Parameters
    ----------
    recordings
        All walks.
    settings
        Recipe of all networks: steps, augmentation, losses, seed, folds, enrolled. Its own
        architecture and sizes are left aside.
    folder
        Where results are kept; made if missing. ``networks.json`` is written at the end.
    networks
        Names from the registry; all if empty.
    reference
        Network or baseline that the others are compared with.
    workers
        Trainings side by side, one process each.
    draws
        Of the bootstrap over people.
    progress
        Called with the share of (system, fold) done, 0 to 1.

    Raises
    ------
    InputError
        If the data leaks, or there are too few people.
    ConfigError
        If a network is unknown.
    """
    chosen = choose_networks(networks, reference)
    splits = split_originals(recordings, settings.folds, settings.seed)
    refuse_leaks(recordings, splits)
    known = has_bones(recordings)
    systems: dict[str, System] = {
        name: Network(
            TrainSettings.model_validate(
                {**settings.model_dump(), "architecture": name, "network": {}}
            )
        )
        for name in chosen
    }
    systems |= {
        name: WithoutNetwork(name, baseline)
        for name, baseline in BASELINES.items()
        if known or not name.startswith("bone")
    }
    if reference not in systems:
        raise ConfigError(
            f"{reference!r} cannot be the reference: the walks do not know every bone."
        )
    systems_run = run_systems(
        recordings,
        systems,
        splits,
        TrialStore(folder / "trials"),
        enrolled=settings.enrolled,
        workers=workers,
        progress=progress,
    )
    pools: dict[str, dict[str, Trials]] = {
        name: {level: one.trials[level] for level in LEVELS if level in one.trials}
        for name, one in systems_run.items()
    }
    result = NetworksResult(
        comparisons=compare_levels(pools, reference, draws=draws, seed=settings.seed),
        facts={name: one.facts for name, one in systems_run.items()},
        settings=settings,
    )
    result.save(folder / RESULT_FILE)
    return result

"""What each part of a recipe is worth: the recipe against itself with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from gaitproof.data.gait import Recording
from gaitproof.data.split import Fold
from gaitproof.errors import ConfigError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.comparison import (
    Comparison,
    compare_levels,
    save_comparisons,
)
from gaitproof.evaluate.protocol import LEVELS, refuse_leaks
from gaitproof.evaluate.trials import GaitRecording, Trials, person, recording_key
from gaitproof.modelling.experiment import (
    Network,
    Progress,
    run_systems,
    split_originals,
    training_key,
)
from gaitproof.modelling.store import Finished, TrialStore
from gaitproof.train.config import AugmentSettings, FeatureGroup, LossSettings, TrainSettings

Part = Literal["branches", "features", "losses", "window", "template", "augmentation"]

PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""Parts of a recipe that can be taken away or exchanged, in table order."""

FULL: Final = "full recipe"
"""Name of the recipe as it is."""

SAME_PROBES: Final = "clip, same probes"
"""Level of the comparison of template sizes: recordings after the largest template's."""

RESULT_FILE: Final = "comparison.json"

_BRANCHES: Final = ("hybrid-small", "cnn", "bilstm", "transformer")
_LOSSES: Final = ("supervised_contrastive", "pair", "triplet", "contrastive", "arcface")
_WINDOWS: Final = (20, 30, 45, 60)
_TEMPLATES: Final = (1, 2, 3, 4)


@dataclass(frozen=True)
class Variant:
    """A recipe that differs from the full one in one thing.

    Parameters
    ----------
    part
        Which part was changed.
    name
        In words.
    settings
        The changed recipe.
    """

    part: Part
    name: str
    settings: TrainSettings


def make_variants(settings: TrainSettings, parts: Sequence[Part] = PARTS) -> tuple[Variant, ...]:
    """Make every variant of a recipe that is not the recipe itself.

    Template sizes are no variants: they need no training.

    Parameters
    ----------
    settings
        The full recipe.
    parts
        Which parts to change.

    Raises
    ------
    ConfigError
        If a part is unknown, or named twice.
    """
    check_parts(parts)
    makers = {
        "branches": _branches,
        "features": _features,
        "losses": _losses,
        "window": _windows,
        "augmentation": _augmentation,
    }
    full = training_key(settings)
    variants: list[Variant] = []
    seen = [full]
    for part in parts:
        for name, changed in makers[part](settings).items() if part in makers else ():
            if training_key(changed) not in seen:
                seen.append(training_key(changed))
                variants.append(Variant(part, name, changed))
    return tuple(variants)


def check_parts(parts: Sequence[str]) -> None:
    """Refuse unknown and repeated parts with a `ConfigError`."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise ConfigError(
            f"There is no part called {unknown[0]!r} to change."
            if unknown
            else "No part is named.",
            expected=f"some of {', '.join(PARTS)}",
        )
    if len(set(parts)) < len(parts):
        raise ConfigError("A part is named twice.", actual=", ".join(parts))


def _with(settings: TrainSettings, **changes: Any) -> TrainSettings:
    # model_copy would not validate
    return TrainSettings.model_validate({**settings.model_dump(), **changes})


def _branches(settings: TrainSettings) -> dict[str, TrainSettings]:
    # sizes of one network do not fit another
    return {
        f"branches: {name}": _with(settings, architecture=name, network={}) for name in _BRANCHES
    }


def _features(settings: TrainSettings) -> dict[str, TrainSettings]:
    groups: tuple[FeatureGroup, ...] = get_args(FeatureGroup)
    without = {
        f"features: without {left}": tuple(g for g in groups if g != left) for left in groups
    }
    alone = {f"features: {group} alone": (group,) for group in groups}
    return {name: _with(settings, features=kept) for name, kept in {**without, **alone}.items()}


def _losses(settings: TrainSettings) -> dict[str, TrainSettings]:
    def alone(chosen: str) -> dict[str, Any]:
        weights = {name: float(name == chosen) for name in _LOSSES}
        return LossSettings.model_validate({**settings.loss.model_dump(), **weights}).model_dump()

    return {
        f"loss: {name.replace('_', ' ')} alone": _with(settings, loss=alone(name))
        for name in _LOSSES
    }


def _windows(settings: TrainSettings) -> dict[str, TrainSettings]:
    return {f"window: {frames} frames": _with(settings, frames=frames) for frames in _WINDOWS}


def _augmentation(settings: TrainSettings) -> dict[str, TrainSettings]:
    own = settings.augment.model_dump()
    off = {name: _off(name) for name in AugmentSettings.model_fields}
    variants = {"augmentation: none": _with(settings, augment=off)}
    for name, value in off.items():
        title = f"augmentation: no {name.replace('_', ' ')}"
        variants[title] = _with(settings, augment={**own, name: value})
    return variants


def _off(name: str) -> Any:
    """Return the value of an augmentation that changes nothing."""
    default = AugmentSettings.model_fields[name].default
    if isinstance(default, bool):
        return False
    return 0 if isinstance(default, int | float) else None


@dataclass(frozen=True, eq=False)
class Ablation:
    """What was found.

    Parameters
    ----------
    comparisons
        Variants against the full recipe, per level and figure.
    templates
        Template sizes against the recipe's own, per figure, on trials of their own; empty if not
        asked for.
    trained
        Seconds, parameters and how much was taken over from an earlier run, by variant.
    steps, folds
        Of every variant.
    """

    comparisons: tuple[Comparison, ...]
    templates: tuple[Comparison, ...]
    trained: Mapping[str, Mapping[str, Any]]
    steps: int
    folds: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        rows = [*self.comparisons, *self.templates]
        return {**self._facts(), "comparisons": [comparison.to_dict() for comparison in rows]}

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON, atomically."""
        save_comparisons(path, [*self.comparisons, *self.templates], **self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "folds": self.folds,
            "variants": {name: dict(facts) for name, facts in self.trained.items()},
        }


def ablate(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    parts: Sequence[Part] = PARTS,
    workers: int = 1,
    draws: int = DRAWS,
    progress: Progress = lambda share, *loss: None,
) -> Ablation:
    """Train and test every variant of a recipe on the same folds, trials and budget.

    An interrupted run resumes when called again with the same folder: what is finished
    is in ``FOLDER/trials``, and is made anew only if recipe or data have changed.

    Parameters
    ----------
    settings
        The full recipe; its `steps`, `folds`, `enrolled` and `seed` hold for every variant.
    recordings
        All walks.
    folder
        Where results are kept; made if missing. ``comparison.json`` is written at the end.
    parts
        Which parts of the recipe to change.
    workers
        Trainings side by side, one process each.
    draws
        Of the bootstrap over people.
    progress
        Called with the share of trainings done, 0 to 1.

    Raises
    ------
    InputError
        If the data leaks, or there are too few people.
    ConfigError
        If a part is unknown.
    """
    variants = make_variants(settings, parts)
    splits = split_originals(recordings, settings.folds, settings.seed)
    refuse_leaks(recordings, splits)
    sizes = _template_sizes(recordings, splits, settings.enrolled)
    systems = {FULL: Network(settings, sizes)}
    systems |= {variant.name: Network(variant.settings) for variant in variants}
    finished = run_systems(
        recordings,
        systems,
        splits,
        TrialStore(folder / "trials"),
        enrolled=settings.enrolled,
        workers=workers,
        progress=progress,
    )
    pools: dict[str, dict[str, Trials]] = {
        name: {level: one.trials[level] for level in LEVELS} for name, one in finished.items()
    }
    result = Ablation(
        comparisons=compare_levels(pools, FULL, draws=draws, seed=settings.seed),
        templates=_compare_templates(finished[FULL], sizes, settings, draws)
        if "template" in parts
        else (),
        trained={name: one.facts for name, one in finished.items()},
        steps=settings.steps,
        folds=settings.folds,
    )
    result.save(folder / RESULT_FILE)
    return result


def _template_sizes(
    recordings: Sequence[GaitRecording], splits: Sequence[Fold], enrolled: int
) -> tuple[int, ...]:
    """Return the template sizes, of 1 to 4, that leave every fold two people with a probe.

    None if that is not more than one size.
    """
    walks: dict[str, set[tuple[str, str, str]]] = {}
    for walk in recordings:
        if not walk.parent:
            walks.setdefault(person(walk), set()).add(recording_key(walk))

    def enough(size: int) -> bool:
        return all(sum(len(walks.get(p, ())) > size for p in fold.test) >= 2 for fold in splits)

    sizes = tuple(size for size in sorted({*_TEMPLATES, enrolled}) if enough(size))
    return sizes if len(sizes) > 1 else ()


def _compare_templates(
    full: Finished, sizes: Sequence[int], settings: TrainSettings, draws: int
) -> tuple[Comparison, ...]:
    if not sizes:
        return ()
    pools: dict[str, dict[str, Trials]] = {
        _template_name(size): {SAME_PROBES: full.trials[f"template-{size}/clip"]} for size in sizes
    }
    own = settings.enrolled if settings.enrolled in sizes else sizes[-1]
    return compare_levels(pools, _template_name(own), draws=draws, seed=settings.seed)


def _template_name(size: int) -> str:
    return f"template: {size} recording{'' if size == 1 else 's'}"

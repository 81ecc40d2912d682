"""Hyperparameter search on people who are then no test people any more.

People are dealt out three ways before anything is trained. The search fits on some of the
development people and validates on the others; the test people are touched once, at the end, to
compare the best recipe with the given one. People who are excluded are not touched at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from gaitproof.data.gait import Recording
from gaitproof.data.split import Fold
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.comparison import Comparison, Figure, compare_levels, save_comparisons
from gaitproof.evaluate.protocol import refuse_leaks
from gaitproof.evaluate.trials import person
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.modelling.experiment import (
    Network,
    run_systems,
    split_originals,
    walks_of,
)
from gaitproof.modelling.search import Attempt, Search, TunePeople, TuneSettings, attempts_of
from gaitproof.modelling.search_space import (
    SearchSpace,
    apply_values,
    unusable_parameters,
)
from gaitproof.modelling.store import TrialStore
from gaitproof.text import make_table
from gaitproof.train.config import TrainSettings

if TYPE_CHECKING:
    from rich.table import Table

STUDY_FILE: Final = "study.db"
BEST_FILE: Final = "best.yaml"
PEOPLE_FILE: Final = "people.json"
RESULT_FILE: Final = "tuning.json"

GIVEN: Final = "recipe as given"
BEST: Final = "best found"


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found.

    Parameters
    ----------
    settings
        How it was run.
    people
        Who took which part.
    given
        The validation figure of the recipe as given.
    attempts
        All of them, in order.
    values
        What the best recipe changes; empty if no attempt beat the recipe as given.
    best
        The best recipe.
    left_out
        Parameters of the space that this recipe has no use for.
    comparisons
        Best against given on the test people, both trained on all development people; empty if
        they are the same.
    """

    settings: TuneSettings
    people: TunePeople
    given: float
    attempts: tuple[Attempt, ...]
    values: Mapping[str, Any]
    best: TrainSettings
    left_out: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def best_value(self) -> float:
        """The validation figure of the best recipe."""
        done = [a.value for a in self.attempts if a.state == "complete" and a.value is not None]
        pick = min if self.settings.figure == "eer" else max
        return pick([self.given, *done])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        rows = [comparison.to_dict() for comparison in self.comparisons]
        return {**self._facts(), "comparisons": rows}

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON, atomically."""
        save_comparisons(path, self.comparisons, **self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "settings": asdict(self.settings),
            "people": self.people.to_dict(),
            "given": self.given,
            "best": self.best_value,
            "values": dict(self.values),
            "left_out": list(self.left_out),
            "attempts": [asdict(attempt) for attempt in self.attempts],
        }


def split_for_tuning(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    tune: TuneSettings,
    excluded: Collection[str] = (),
) -> TunePeople:
    """Deal the people of a search out.

    Parameters
    ----------
    recordings
        All walks.
    settings
        The recipe; its folds and seed decide who is a test person, so that they are the held-out
        people of one fold of its evaluation.
    tune
        Which fold, and how many parts.
    excluded
        People not to touch, named ``source:subject`` or, where it is plain who is meant, by
        subject alone.

    Raises
    ------
    InputError
        If an excluded person is unknown or there are too few people.
    """
    everybody = sorted({person(walk) for walk in recordings if not walk.parent})
    names = _resolve(excluded, everybody)
    left = walks_of(recordings, frozenset(everybody) - names)
    folds = split_originals(left, settings.folds, settings.seed)
    if not 0 <= tune.test_fold < len(folds):
        raise InputError(
            f"There is no fold {tune.test_fold} to test on.",
            expected=f"0 to {len(folds) - 1}",
        )
    outer = folds[tune.test_fold]
    inner = split_originals(walks_of(left, outer.train), tune.parts, settings.seed)[0]
    return TunePeople(inner.train, inner.test, outer.test, tuple(sorted(names)))


def _resolve(excluded: Collection[str], everybody: Sequence[str]) -> set[str]:
    names = set()
    for name in excluded:
        meant = [own for own in everybody if own == name or own.partition(":")[2] == name]
        if len(meant) != 1:
            raise InputError(
                f"{name!r} names {'nobody' if not meant else 'several people'} of the data.",
                expected="a person as source:subject",
                actual=", ".join(meant) or None,
                hint=f"for example {everybody[0]!r}" if everybody else None,
            )
        names.add(meant[0])
    return names


def tune_recipe(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    tune: TuneSettings | None = None,
    space: SearchSpace | None = None,
    excluded: Collection[str] = (),
    draws: int = DRAWS,
    progress: Callable[[float], None] = lambda share: None,
) -> Tuning:
    """Search for better settings, then compare the best with the given ones on other people.

    An interrupted run resumes when called again with the same folder: attempts are in
    ``FOLDER/study.db`` and count as long as recipe, data, people and space stay the same.

    Parameters
    ----------
    settings
        The recipe as given; whatever is not searched stays as it is.
    recordings
        All walks.
    folder
        Where the search is kept; made if missing. At the end it holds ``best.yaml`` (a whole
        recipe), ``people.json`` and ``tuning.json``.
    tune
        How to search.
    space
        What to change; `DEFAULT_PARAMETERS` if not given.
    excluded
        People not to touch, see `split_for_tuning`.
    draws
        Bootstrap draws of the last comparison.
    progress
        Called with the share of attempts done, 0 to 1.

    Raises
    ------
    InputError
        If the data leaks, or there are too few people.
    ConfigError
        If the space does not fit the recipe.
    """
    tune = tune if tune is not None else TuneSettings()
    space = space if space is not None else SearchSpace()
    people = split_for_tuning(recordings, settings, tune, excluded)
    refuse_leaks(
        recordings,
        [Fold(0, people.development, people.tested), Fold(1, people.fitted, people.validated)],
    )
    left_out = unusable_parameters(space, settings)
    if left_out == set(space.parameters):
        raise InputError(
            "The recipe has no use for any parameter of the search space.",
            actual=", ".join(sorted(left_out)),
        )
    make_folder(folder)
    write_atomically(folder / PEOPLE_FILE, (json.dumps(people.to_dict(), indent=1) + "\n").encode())
    search = Search(settings, recordings, people, tune, space.without(left_out))
    with search.opened(folder / STUDY_FILE) as study:
        given = search.value_as_given(study)
        search.attempt(study, progress)
        attempts = attempts_of(study)
    best = _best(attempts, given, tune.figure)
    values = best.values if best is not None else {}
    chosen = apply_values(settings, values)
    comparisons: tuple[Comparison, ...] = ()
    if values:
        comparisons = _compare(settings, chosen, recordings, people, folder, draws)
    result = Tuning(
        tune, people, given, attempts, values, chosen, tuple(sorted(left_out)), comparisons
    )
    write_atomically(folder / BEST_FILE, _best_yaml(result).encode())
    result.save(folder / RESULT_FILE)
    return result


def _best_yaml(result: Tuning) -> str:
    """Return the best recipe as YAML, with a note of where it comes from."""
    recipe = yaml.safe_dump(
        result.best.model_dump(mode="json"), sort_keys=False, allow_unicode=True
    )
    changed = ", ".join(f"{name} = {_short(value)}" for name, value in result.values.items())
    return (
        f"# Found by gaitproof tune in {len(result.attempts)} attempts: "
        f"{changed or 'nothing beat the recipe as given'}.\n"
        f"# Chosen on {len(result.people.development)} people, who are named in {PEOPLE_FILE}:\n"
        "# figures of this recipe on them are no test figures.\n" + recipe
    )


def _best(attempts: Sequence[Attempt], given: float, figure: Figure) -> Attempt | None:
    """Return the best attempt that beats the recipe as given."""
    sign = 1.0 if figure == "eer" else -1.0
    done = [
        (sign * attempt.value, attempt.number, attempt)
        for attempt in attempts
        if attempt.state == "complete" and attempt.value is not None
    ]
    if not done or min(done)[0] >= sign * given:
        return None
    return min(done)[2]


def _compare(
    settings: TrainSettings,
    best: TrainSettings,
    recordings: Sequence[Recording],
    people: TunePeople,
    folder: Path,
    draws: int,
) -> tuple[Comparison, ...]:
    fold = Fold(0, people.development, people.tested)
    finished = run_systems(
        walks_of(recordings, (*fold.train, *fold.test)),
        {GIVEN: Network(settings), BEST: Network(best)},
        [fold],
        TrialStore(folder / "trials"),
        enrolled=settings.enrolled,
    )
    return compare_levels(
        {name: one.trials for name, one in finished.items()},
        GIVEN,
        draws=draws,
        seed=settings.seed,
    )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def attempts_table(result: Tuning, most: int = 15) -> Table:
    """Lay the recipe as given and the best attempts out, best first."""
    figure = result.settings.figure
    names = list(dict.fromkeys(name for attempt in result.attempts for name in attempt.values))
    sign = 1.0 if figure == "eer" else -1.0

    def order(attempt: Attempt) -> tuple[bool, float]:
        return attempt.state != "complete", sign * (attempt.value or 0.0)

    def cells(name: str, value: float | None, values: Mapping[str, Any], time: str) -> list[str]:
        shown = "–" if value is None else f"{100 * value:.2f}"
        return [name, shown, *(_short(values.get(one, "")) for one in names), time]

    rows = [cells("as given", result.given, {}, "")]
    for one in sorted(result.attempts, key=order)[:most]:
        state = "" if one.state == "complete" else f" {one.state}"
        rows.append(cells(f"{one.number}{state}", one.value, one.values, f"{one.seconds:.1f}"))
    return make_table(
        ("attempt",),
        (f"{figure.upper()} %", *(name.replace(".", ". ") for name in names), "seconds"),
        rows,
        title=f"{len(result.attempts)} attempts, {figure.upper()} per {result.settings.level} of "
        f"{len(result.people.validated)} validation people",
        caption=f"the best {most}" if len(result.attempts) > most else None,
    )

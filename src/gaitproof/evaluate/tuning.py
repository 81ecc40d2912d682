"""Hyperparameter search on people who are then no test people any more.

People are dealt out three ways before anything is trained. The search fits on some of the
development people and validates on the others; the test people are touched once, at the end, to
compare the best recipe with the given one. People who are excluded are not touched at all.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import yaml

from gaitproof import __version__, metrics
from gaitproof.errors import GaitproofError, InputError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.comparison import Comparison, Figure, compare_levels, save_comparisons
from gaitproof.evaluate.experiment import (
    Network,
    divide,
    embed_all,
    run_systems,
    score_levels,
    split_originals,
    training_key,
    walks_of,
)
from gaitproof.evaluate.folds import Fold
from gaitproof.evaluate.pairs import scoring_of
from gaitproof.evaluate.protocol import refuse_leaks
from gaitproof.evaluate.search_space import (
    Parameter,
    SearchSpace,
    apply_values,
    unusable_parameters,
)
from gaitproof.evaluate.store import TrialStore, fingerprint, fingerprint_recordings
from gaitproof.evaluate.trials import Level, person
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.train.config import TrainSettings
from gaitproof.train.loop import train
from gaitproof.train.sources import Recording
from gaitproof.train.watch import Watch

if TYPE_CHECKING:
    import optuna
    from rich.table import Table

STUDY_FILE: Final = "study.db"
BEST_FILE: Final = "best.yaml"
PEOPLE_FILE: Final = "people.json"
RESULT_FILE: Final = "tuning.json"

GIVEN: Final = "recipe as given"
BEST: Final = "best found"

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class TuneSettings:
    """How a search is run.

    Parameters
    ----------
    attempts
        Recipes to try, those of earlier runs in the same folder included.
    figure, level
        What is sought: lowest ``eer`` or highest ``auc`` of the validation people, per ``clip``
        or ``window``.
    test_fold
        Which of the recipe's folds holds the test people.
    parts
        Parts that the development people are dealt into; one of them validates.
    checks
        Times that an attempt is looked at while it trains, and given up if it lags behind.
    timeout
        Seconds after which no more is begun and what is under way is given up; None for none.
    """

    attempts: int = 30
    figure: Figure = "eer"
    level: Level = "window"
    test_fold: int = 0
    parts: int = 4
    checks: int = 5
    timeout: float | None = None


@dataclass(frozen=True)
class TunePeople:
    """Who took which part in a search.

    Parameters
    ----------
    fitted, validated
        People that the attempts were trained on, and that they were judged on.
    tested
        People that only the last comparison used.
    excluded
        People who were not used at all.
    """

    fitted: tuple[str, ...]
    validated: tuple[str, ...]
    tested: tuple[str, ...]
    excluded: tuple[str, ...] = ()

    @property
    def development(self) -> tuple[str, ...]:
        """Everybody that the choice of the recipe has seen: no test figure may rest on them."""
        return tuple(sorted({*self.fitted, *self.validated}))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, with a note on what the people may be used for."""
        return {
            "note": "the recipe was chosen on the people under 'fitted' and 'validated': report no "
            "test figures of it on them",
            **{name: list(names) for name, names in asdict(self).items()},
        }


@dataclass(frozen=True)
class Attempt:
    """One recipe that was tried.

    Parameters
    ----------
    number
        From 0.
    state
        ``complete``, ``pruned`` (given up because it lagged behind) or ``failed``.
    value
        Figure on the validation people; of the last look where it was given up, None if it failed.
    values
        What was changed, by dotted name.
    seconds
        Time it took.
    reason
        Why it failed.
    """

    number: int
    state: State
    value: float | None
    values: Mapping[str, Any]
    seconds: float
    reason: str = ""


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
        found = [comparison.to_dict() for comparison in self.comparisons]
        return {**self._facts(), "comparisons": found}

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
    found = set()
    for name in excluded:
        meant = [own for own in everybody if own == name or own.partition(":")[2] == name]
        if len(meant) != 1:
            raise InputError(
                f"{name!r} names {'nobody' if not meant else 'several people'} of the data.",
                expected="a person as source:subject",
                actual=", ".join(meant) or None,
                hint=f"for example {everybody[0]!r}" if everybody else None,
            )
        found.add(meant[0])
    return found


def tune_recipe(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    folder: Path,
    *,
    tune: TuneSettings | None = None,
    space: SearchSpace | None = None,
    excluded: Collection[str] = (),
    draws: int = DRAWS,
    progress: Callable[[float], None] | None = None,
) -> Tuning:
    """Search for better settings, then compare the best with the given ones on other people.

    Interrupted, it goes on where it was when called again with the same folder: attempts are in
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
        Told the share of attempts done, 0 to 1.

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
    search = _Search(settings, recordings, people, tune, space.without(left_out))
    with search.opened(folder / STUDY_FILE) as study:
        given = search.value_as_given(study)
        search.attempt(study, progress)
        attempts = _attempts(study)
    best = _best(attempts, given, tune.figure)
    values = best.values if best is not None else {}
    chosen = apply_values(settings, values)
    comparisons: tuple[Comparison, ...] = ()
    if values:
        comparisons = _compare(settings, chosen, recordings, people, folder, draws)
    result = Tuning(
        tune, people, given, attempts, values, chosen, tuple(sorted(left_out)), comparisons
    )
    write_atomically(folder / BEST_FILE, best_yaml(result).encode())
    result.save(folder / RESULT_FILE)
    return result


def best_yaml(result: Tuning) -> str:
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


class _OutOfTimeError(Exception):
    """The time allowed for the search is over."""


class _Search:
    """Tries recipes and keeps the account of them in an Optuna study."""

    def __init__(
        self,
        settings: TrainSettings,
        recordings: Sequence[Recording],
        people: TunePeople,
        tune: TuneSettings,
        space: SearchSpace,
    ) -> None:
        self.settings, self.tune, self.space = settings, tune, space
        # a fold of its own: copies are trained on, and never validated on
        self.fit_walks, self.check_walks = divide(
            recordings, Fold(0, people.fitted, people.validated)
        )
        self.key = fingerprint(
            __version__,
            training_key(settings),
            settings.enrolled,
            space.model_dump(mode="json"),
            fingerprint_recordings(recordings),
            people.to_dict(),
            tune.figure,
            tune.level,
            tune.checks,
        )
        self.deadline = math.inf if tune.timeout is None else time.monotonic() + tune.timeout

    @contextmanager
    def opened(self, path: Path) -> Iterator[optuna.Study]:
        """Open the study; what a killed run left under way is tried again first."""
        import optuna
        from sqlalchemy.pool import NullPool

        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(logging.ERROR)
        try:
            # the path never becomes part of a URL, where ?, # and % have a meaning
            storage = optuna.storages.RDBStorage(
                "sqlite://",
                engine_kwargs={
                    "creator": lambda: sqlite3.connect(path, timeout=60),
                    "poolclass": NullPool,
                },
            )
            study = optuna.create_study(
                storage=storage,
                study_name=self.key,
                load_if_exists=True,
                direction="minimize" if self.tune.figure == "eer" else "maximize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
            )
            for trial in study.get_trials(deepcopy=False):
                if trial.state == optuna.trial.TrialState.RUNNING:
                    _give_up(study, trial.number, trial.params, "interrupted")
            yield study
        finally:
            optuna.logging.set_verbosity(level)

    def value_as_given(self, study: optuna.Study) -> float:
        """Return the validation figure of the recipe as it is, measured once per study."""
        known = study.user_attrs.get("given")
        if known is None:
            try:
                known = self._measure(self.settings)
            except _OutOfTimeError as error:
                raise InputError(
                    "The time was not long enough to train the recipe as given once.",
                    actual=f"{self.tune.timeout:g} s",
                    hint="a longer --timeout or fewer --steps",
                ) from error
            study.set_user_attr("given", known)
        return float(known)

    def attempt(self, study: optuna.Study, progress: Callable[[float], None] | None) -> None:
        """Try recipes until there are enough, or time is over."""
        import optuna

        counted = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
        failures = 0
        while True:
            trials = study.get_trials(deepcopy=False)
            done = sum(trial.state in counted for trial in trials)
            if progress is not None:
                progress(min(1.0, done / self.tune.attempts))
            if done >= self.tune.attempts or time.monotonic() >= self.deadline:
                return
            # seeded by number: a search that was interrupted draws what it would have drawn
            study.sampler = optuna.samplers.TPESampler(seed=self.settings.seed + len(trials))
            failures = 0 if self._try(study) else failures + 1
            if failures >= 3:
                last = study.get_trials(deepcopy=False)[-1]
                raise InputError(
                    "Three recipes in a row could not be trained.",
                    actual=str(last.user_attrs.get("reason")),
                    hint="narrow the search space",
                )

    def _try(self, study: optuna.Study) -> bool:
        """Try one recipe; False if it could not be trained."""
        import optuna

        trial = study.ask()
        started = time.perf_counter()
        try:
            values = {
                name: _suggest(trial, name, parameter)
                for name, parameter in self.space.parameters.items()
            }

            def look(step: int, value: float) -> None:
                trial.report(value, step)
                if trial.should_prune():
                    raise optuna.TrialPruned

            found = self._measure(apply_values(self.settings, values), look)
        except optuna.TrialPruned:
            _note(study, trial, started)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        except _OutOfTimeError:
            _give_up(study, trial.number, trial.params, "out of time")
        except GaitproofError as error:
            _note(study, trial, started, str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return False
        else:
            _note(study, trial, started)
            study.tell(trial, found)
        return True

    def _measure(
        self, settings: TrainSettings, look: Callable[[int, float], None] | None = None
    ) -> float:
        """Train on some of the development people, and return the figure of the others.

        Between, `look` is told the number of the look and the figure so far.
        """

        def figure(trained: Any) -> float:
            scored = score_levels(
                self.check_walks,
                embed_all(trained.embed, self.check_walks),
                (self.tune.level,),
                scoring_of(trained),
                enrolled=settings.enrolled,
                fold=0,
            )[self.tune.level]
            measure = metrics.eer if self.tune.figure == "eer" else metrics.auc
            return float(measure(scored.scores, scored.mated))

        def in_time(*_: float) -> None:
            if time.monotonic() >= self.deadline:
                raise _OutOfTimeError

        every = max(1, settings.steps // (self.tune.checks + 1))
        watch = None
        if look is not None and self.tune.checks:
            tell = look
            watch = Watch(every, lambda step, trained: tell(step // every, figure(trained)))
        return figure(train(self.fit_walks, settings, in_time, watch=watch))


def _suggest(trial: optuna.Trial, name: str, parameter: Parameter) -> Any:
    if parameter.choices:
        return trial.suggest_categorical(name, parameter.choices)
    assert parameter.low is not None
    assert parameter.high is not None
    if parameter.integer:
        return trial.suggest_int(name, int(parameter.low), int(parameter.high), log=parameter.log)
    return trial.suggest_float(name, parameter.low, parameter.high, log=parameter.log)


def _note(study: optuna.Study, trial: optuna.Trial, started: float, reason: str = "") -> None:
    trial.set_user_attr("seconds", round(time.perf_counter() - started, 3))
    if reason:
        trial.set_user_attr("reason", reason)


def _give_up(study: optuna.Study, number: int, values: Mapping[str, Any], reason: str) -> None:
    """End an attempt without a result, and put its values first in the queue."""
    import optuna

    study.tell(number, state=optuna.trial.TrialState.FAIL)
    if values:
        study.enqueue_trial(dict(values), user_attrs={"again": reason})


def _attempts(study: optuna.Study) -> tuple[Attempt, ...]:
    """Return the attempts that came to an end by themselves."""
    import optuna

    states: dict[Any, State] = {
        optuna.trial.TrialState.COMPLETE: "complete",
        optuna.trial.TrialState.PRUNED: "pruned",
        optuna.trial.TrialState.FAIL: "failed",
    }
    found: list[Attempt] = []
    for trial in study.get_trials(deepcopy=False):
        state = states.get(trial.state)
        # without a time: interrupted, and tried again later
        if state is None or "seconds" not in trial.user_attrs:
            continue
        looks = trial.intermediate_values
        value = trial.value if state == "complete" else looks[max(looks)] if looks else None
        found.append(
            Attempt(
                number=len(found),
                state=state,
                value=None if value is None else float(value),
                values=dict(trial.params),
                seconds=float(trial.user_attrs["seconds"]),
                reason=str(trial.user_attrs.get("reason", "")),
            )
        )
    return tuple(found)


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
    found = run_systems(
        walks_of(recordings, (*fold.train, *fold.test)),
        {GIVEN: Network(settings), BEST: Network(best)},
        [fold],
        TrialStore(folder / "trials"),
        enrolled=settings.enrolled,
    )
    return compare_levels(
        {name: one.trials for name, one in found.items()},
        GIVEN,
        draws=draws,
        seed=settings.seed,
    )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def attempts_table(result: Tuning, most: int = 15) -> Table:
    """Lay the recipe as given and the best attempts out, best first."""
    from rich.table import Table

    figure = result.settings.figure
    table = Table(
        title=f"{len(result.attempts)} attempts, {figure.upper()} per {result.settings.level} of "
        f"{len(result.people.validated)} validation people",
        caption=f"the best {most}" if len(result.attempts) > most else None,
    )
    table.add_column("attempt")
    table.add_column(f"{figure.upper()} %", justify="right")
    names = list(dict.fromkeys(name for attempt in result.attempts for name in attempt.values))
    for name in names:
        table.add_column(name.replace(".", ". "), justify="right")
    table.add_column("seconds", justify="right")
    table.add_row("as given", f"{100 * result.given:.2f}", *("" for _ in names), "")
    sign = 1.0 if figure == "eer" else -1.0

    def order(attempt: Attempt) -> tuple[bool, float]:
        unknown = attempt.value is None
        return attempt.state != "complete", 0.0 if unknown else sign * float(attempt.value or 0)

    for attempt in sorted(result.attempts, key=order)[:most]:
        shown = "–" if attempt.value is None else f"{100 * attempt.value:.2f}"
        table.add_row(
            f"{attempt.number}" + ("" if attempt.state == "complete" else f" {attempt.state}"),
            shown,
            *(_short(attempt.values.get(name, "")) for name in names),
            f"{attempt.seconds:.1f}",
        )
    return table

"""Trying recipes: a search that can be interrupted, kept in an Optuna study."""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gaitproof import __version__, metrics
from gaitproof.data.gait import Recording
from gaitproof.data.split import Fold
from gaitproof.errors import GaitproofError, InputError
from gaitproof.evaluate.comparison import Figure
from gaitproof.evaluate.trials import Level
from gaitproof.modelling.experiment import (
    divide,
    embed_all,
    score_levels,
    training_key,
)
from gaitproof.modelling.pairs import scoring_of
from gaitproof.modelling.search_space import (
    Parameter,
    SearchSpace,
    apply_values,
)
from gaitproof.modelling.store import fingerprint, fingerprint_recordings
from gaitproof.train.config import TrainSettings
from gaitproof.train.encoder import Watch
from gaitproof.train.loop import train

if TYPE_CHECKING:
    import optuna


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


class _OutOfTimeError(Exception):
    """The time allowed for the search is over."""


class Search:
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

    def attempt(self, study: optuna.Study, progress: Callable[[float], None]) -> None:
        """Try recipes until there are enough, or time is over."""
        import optuna

        counted = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
        failures = 0
        while True:
            trials = study.get_trials(deepcopy=False)
            done = sum(trial.state in counted for trial in trials)
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

            figure = self._measure(apply_values(self.settings, values), look)
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
            study.tell(trial, figure)
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


def attempts_of(study: optuna.Study) -> tuple[Attempt, ...]:
    """Return the attempts that came to an end by themselves."""
    import optuna

    states: dict[Any, State] = {
        optuna.trial.TrialState.COMPLETE: "complete",
        optuna.trial.TrialState.PRUNED: "pruned",
        optuna.trial.TrialState.FAIL: "failed",
    }
    attempts: list[Attempt] = []
    for trial in study.get_trials(deepcopy=False):
        state = states.get(trial.state)
        # without a time: interrupted, and tried again later
        if state is None or "seconds" not in trial.user_attrs:
            continue
        looks = trial.intermediate_values
        value = trial.value if state == "complete" else looks[max(looks)] if looks else None
        attempts.append(
            Attempt(
                number=len(attempts),
                state=state,
                value=None if value is None else float(value),
                values=dict(trial.params),
                seconds=float(trial.user_attrs["seconds"]),
                reason=str(trial.user_attrs.get("reason", "")),
            )
        )
    return tuple(attempts)

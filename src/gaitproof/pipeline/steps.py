"""A pipeline: steps one after another, each done again only if its inputs changed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaitproof.errors import GaitproofError
from gaitproof.pipeline.state import State, StepResult
from gaitproof.pipeline.summary import Summary, write_summary

StepProgress = Callable[[str, float], None]
"""Called with the step's name and the share of it that is done, 0 to 1."""

Share = Callable[..., None]
"""Called with the share of a step that is done, 0 to 1; further arguments are ignored."""


@dataclass(frozen=True)
class Done:
    """What a step did, see `gaitproof.pipeline.state.StepResult`."""

    text: str
    failures: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One thing that a pipeline does.

    Parameters
    ----------
    name
        Of the step.
    work
        Does it, given where to report its progress.
    key
        Fingerprint of everything the step depends on; empty for one that knows by itself what is
        done, so that nothing is kept of it.
    outputs
        Files without which the step is done again.
    """

    name: str
    work: Callable[[Share], Done]
    key: str = ""
    outputs: tuple[Path, ...] = ()


class Pipeline(ABC):
    """One pass through a pipeline's steps, noting what becomes of each.

    Parameters
    ----------
    folder
        The pipeline's.
    first
        Name of the first step.
    progress, say
        Called with how far a step is, and with what the user must know before waiting for the rest.
    """

    def __init__(
        self,
        folder: Path,
        first: str,
        progress: StepProgress | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self._progress, self._say = progress, say
        self._state = State(folder)
        self._steps: list[StepResult] = []
        self._notes: list[str] = []
        self._current = first

    @abstractmethod
    def do(self) -> None:
        """Do all steps; what one makes is what the later ones read."""

    @abstractmethod
    def summary(self) -> Summary:
        """Return what was found so far."""

    def run(self) -> Summary:
        """Do the steps as far as they can be done, and write what was found."""
        try:
            self.do()
        except GaitproofError as error:
            self._steps.append(StepResult(self._current, "failed", str(error)))
        summary = self.summary()
        write_summary(summary)
        return summary

    def _do(self, step: Step) -> None:
        """Do a step, or take an earlier result over if it still holds."""
        self._current = step.name
        if step.key:
            finished = self._state.finished(step.name, step.key, step.outputs)
            if finished is not None:
                self._steps.append(finished)
                return
            self._state.begin(step.name)
        started = time.perf_counter()
        done = step.work(self._share(step.name))
        seconds = round(time.perf_counter() - started, 2)
        failures = tuple(done.failures)
        result = StepResult(step.name, "done", done.text, seconds, failures, done.facts)
        if step.key:
            self._state.keep(step.key, result)
        self._steps.append(result)

    def _pass(self, step: str, reason: str = "") -> None:
        """Note that a step is not done."""
        text = reason or "Skipped as requested."
        self._steps.append(StepResult(step, "left out" if reason else "skipped", text))

    def _tell(self, *notes: str) -> None:
        for note in notes:
            self._notes.append(note)
            if self._say is not None:
                self._say(note)

    def _share(self, step: str) -> Share:
        def report(share: float, *_: float) -> None:
            if self._progress is not None:
                self._progress(step, share)

        return report

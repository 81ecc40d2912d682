"""Every figure of speed beside its peer, in one run, and against the run before.

A machine that others use as well is now fast, now slow. So every command takes turns with a peer
that does the least that anybody would do, both as new processes, and what is compared between runs
is the ratio of the two.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final, Literal

from pydantic import Field

from gaitproof import __version__
from gaitproof.bench.verify_speed import (
    CLAIM,
    Cost,
    describe_clip,
    enroll_random,
    last_line,
    run_alone,
)
from gaitproof.config import Settings
from gaitproof.errors import GaitproofError, InputError
from gaitproof.media.info import inspect_video
from gaitproof.pose.parallel import available_processors
from gaitproof.reading import FileKind, read_model
from gaitproof.types import Decision

TOLERANCE: Final = 0.2
"""Share by which a ratio must grow to be a regression: single runs differ as much."""

RESULT_FILE: Final = FileKind("benchmark result", InputError, 2**20)

_PLAIN_LOOP: Final = """
import sys
import cv2
from mediapipe.python.solutions.pose import Pose
video = cv2.VideoCapture(sys.argv[1])
with Pose(model_complexity=1) as pose:
    while (read := video.read())[0]:
        pose.process(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
"""
"""MediaPipe's own example: frame after frame, one person, no mask, no file checked."""

_EXTRACT: Final = """
import sys
from gaitproof.pose.extract import extract
extract(sys.argv[1])
"""

Unit = Literal["seconds", "cpu_seconds"]


@dataclass(frozen=True)
class Trial:
    """A command and its peer.

    Parameters
    ----------
    name
        What is measured, in words.
    ours, peer
        Commands with the full path of their program.
    peer_name
        What the peer does, in words.
    answers
        Exit statuses of `ours` that are answers.
    limit
        Seconds by the clock that are wanted of `ours` at most; None for no limit.
    """

    name: str
    ours: tuple[str, ...]
    peer: tuple[str, ...]
    peer_name: str
    answers: frozenset[int] = frozenset({0})
    limit: float | None = None


class Runs(Settings):
    """What runs of one command cost, in the order in which they ran."""

    seconds: tuple[float, ...] = Field(min_length=1)
    """By the clock."""
    cpu_seconds: tuple[float, ...] = Field(min_length=1)
    """Of the processor, over all threads and processes that the command started."""
    mib: tuple[float, ...] = Field(min_length=1)
    """Highest resident memory of the command itself."""


class Figure(Settings):
    """One command beside its peer."""

    name: str
    peer_name: str
    ours: Runs
    peer: Runs
    limit: float | None = None
    """Seconds by the clock that are wanted at most."""

    def ratio(self, unit: Unit = "cpu_seconds") -> float:
        """Return how many times its peer's cost the command has: median of the pairs' ratios."""
        pairs = zip(getattr(self.ours, unit), getattr(self.peer, unit), strict=True)
        return float(median(mine / max(its, 1e-3) for mine, its in pairs))


class SuiteResult(Settings):
    """One run of the suite on one machine."""

    version: str
    date: str
    machine: str
    clip: str
    figures: tuple[Figure, ...]

    def regressions(self, before: SuiteResult) -> tuple[str, ...]:
        """Say in words which ratios of processor time grew since another run.

        Parameters
        ----------
        before
            The earlier run. Figures that it lacks are passed over, all if its clip was another.
        """
        if before.clip != self.clip:
            return ()
        known = {figure.name: figure.ratio() for figure in before.figures}
        return tuple(
            f"{figure.name}: {figure.ratio():.3g} times its peer, before {known[figure.name]:.3g}"
            for figure in self.figures
            if figure.name in known and figure.ratio() > known[figure.name] * (1 + TOLERANCE)
        )

    def to_markdown(self) -> str:
        """Return a table for the documentation."""
        lines = [
            f"{self.date}, gaitproof {self.version}; {self.machine}; clip {self.clip}.",
            "",
            "| what | peer | by the clock, s | wanted | processor, s | peer's | ratio by the clock "
            "| ratio of processor time |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for figure in self.figures:
            ours, peer = figure.ours, figure.peer
            wanted = "" if figure.limit is None else f"{figure.limit:g}"
            lines.append(
                f"| {figure.name} | {figure.peer_name} | {_spread(ours.seconds)} | {wanted} "
                f"| {_spread(ours.cpu_seconds)} | {_spread(peer.cpu_seconds)} "
                f"| {figure.ratio('seconds'):.2f} | {figure.ratio():.2f} |"
            )
        return "\n".join(lines) + "\n"


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} [{min(values):.2f}–{max(values):.2f}]"


def list_trials(clip: Path, folder: Path) -> dict[str, Trial]:
    """Return what is measured, by short names."""
    python, video = sys.executable, os.fspath(clip)
    enroll_random(folder / "gallery.db")
    nothing = (python, "-c", "pass")
    loop = (python, "-c", _PLAIN_LOOP, video)
    loop_name = "MediaPipe's own loop, landmarks only"
    gaitproof = (python, "-m", "gaitproof")
    gallery = ("--claim", CLAIM, "--gallery", str(folder / "gallery.db"))
    completion = ("COMP_WORDS=gaitproof ver", "COMP_CWORD=1", "_GAITPROOF_COMPLETE=complete_bash")
    trials = {
        "import": Trial(
            "`import gaitproof`", (python, "-c", "import gaitproof"), nothing, "bare Python"
        ),
        "help": Trial(
            "`gaitproof --help`", (*gaitproof, "--help"), nothing, "bare Python", limit=0.3
        ),
        "pose": Trial(
            "poses and masks of a clip, cold",
            (python, "-c", _EXTRACT, video),
            loop,
            loop_name,
        ),
        "verify": Trial(
            "`gaitproof verify`, cold",
            (*gaitproof, "verify", video, "--no-cache", "--json", *gallery),
            loop,
            loop_name,
            frozenset(decision.exit_status for decision in Decision),
            limit=6.0,
        ),
    }
    env = shutil.which("env")
    if env is not None:
        trials["completion"] = Trial(
            "a word completed in the shell", (env, *completion, *gaitproof), nothing, "bare Python"
        )
    return trials


def run_suite(
    clip: Path,
    folder: Path,
    *,
    only: Sequence[str] = (),
    repeats: int = 5,
    progress: Callable[[float], None] = lambda share: None,
) -> SuiteResult:
    """Measure commands in turn with their peers.

    Parameters
    ----------
    clip
        Video with a walker.
    folder
        For what is written meanwhile.
    only
        Short names of what to measure; everything if empty.
    repeats
        Pairs of runs. One more goes before them and is not counted: it reads programs from disk.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        If a name is not known.
    MediaError
        If the clip cannot be read.
    GaitproofError
        If a command fails.
    """
    info = inspect_video(clip)
    trials = list_trials(clip, folder)
    unknown = sorted(set(only) - set(trials))
    if unknown:
        raise InputError(
            "There is no such benchmark.", expected=", ".join(trials), actual=", ".join(unknown)
        )
    chosen = [trial for name, trial in trials.items() if not only or name in only]
    figures = []
    for number, trial in enumerate(chosen):
        pairs = []
        for turn in range(repeats + 1):
            pairs.append((_cost(trial, folder, peer=False), _cost(trial, folder, peer=True)))
            progress((number + (turn + 1) / (repeats + 1)) / len(chosen))
        ours, peer = zip(*pairs[1:], strict=True)
        figures.append(
            Figure(
                name=trial.name,
                peer_name=trial.peer_name,
                ours=_runs(ours),
                peer=_runs(peer),
                limit=trial.limit,
            )
        )
    return SuiteResult(
        version=__version__,
        date=datetime.now(UTC).date().isoformat(),
        machine=describe_machine(),
        clip=describe_clip(info),
        figures=tuple(figures),
    )


def _cost(trial: Trial, folder: Path, *, peer: bool) -> Cost:
    log = folder / "output"
    status, cost = run_alone(trial.peer if peer else trial.ours, log)
    if status not in ({0} if peer else trial.answers):
        raise GaitproofError(
            f"The {'peer of the ' if peer else ''}benchmark {trial.name} failed.",
            actual=last_line(log) or f"status {status}",
        )
    return cost


def _runs(costs: Sequence[Cost]) -> Runs:
    return Runs(
        seconds=tuple(cost.seconds for cost in costs),
        cpu_seconds=tuple(cost.cpu_seconds for cost in costs),
        mib=tuple(cost.mib for cost in costs),
    )


def describe_machine() -> str:
    """Say in words what this runs on, and how busy it is."""
    name = platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.0f} before it" if hasattr(os, "getloadavg") else ""
    return (
        f"{available_processors()} processors ({name}){load}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def load_result(path: Path) -> SuiteResult:
    """Read the result of an earlier run.

    Raises
    ------
    InputError
        If it cannot be read or is none.
    """
    return read_model(path, RESULT_FILE, SuiteResult)

"""Data sets of made talkers: genuine and forged clips, and a table of what is what."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gaitproof.errors import ConfigError, GaitproofError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.processes import run_all
from gaitproof.synth.dataset import keep_recipe
from gaitproof.synth.seeds import derive_seed
from gaitproof.synth.talking.clips import FORGERIES, TalkSettings, film_talker
from gaitproof.synth.talking.person import make_talker

RECIPE: Final = "talkers.json"
TABLE: Final = "clips.csv"
COLUMNS: Final = ("path", "label", "keys", "manipulation", "split")
"""Of the table, as the layout ``table`` of face data sets has them."""


@dataclass(frozen=True)
class Recipe:
    """What the clips of a data set depend on."""

    seed: int
    seconds: float
    frame_rate: float
    side: int
    crf: int

    @property
    def settings(self) -> TalkSettings:
        """How the talkers are filmed."""
        return TalkSettings(self.seconds, self.frame_rate, self.side, self.crf)


@dataclass(frozen=True)
class Job:
    """One clip.

    Parameters
    ----------
    path
        Relative to the data set.
    person, other
        Names; `other` is empty but for swaps.
    take
        Number of the clip: the same take of a person has the same movement, light and place.
    forgery
        Of `FORGERIES`, or empty.
    """

    path: str
    person: str
    other: str
    take: int
    forgery: str


def plan(people: int, takes: int, forgeries: Sequence[str]) -> list[Job]:
    """List the clips: every genuine take, and its forged twins; faces come from the next person.

    Pairs of people exchange faces (0 with 1, 2 with 3), so that a split by people can keep
    everything that hangs together on one side.
    """
    jobs = []
    for number in range(people):
        name, partner = f"t{number:03d}", number ^ 1
        other = f"t{partner if partner < people else 0:03d}"
        for take in range(takes):
            stem = f"{name}/{take:02d}"
            jobs.append(Job(f"{stem}.mp4", name, "", take, ""))
            jobs.extend(
                Job(
                    f"{stem}_{forgery}.mp4",
                    name,
                    other if forgery.endswith("swap") else "",
                    take,
                    forgery,
                )
                for forgery in forgeries
            )
    return jobs


def make_talkers(
    directory: Path,
    *,
    people: int = 24,
    takes: int = 2,
    forgeries: Sequence[str] = FORGERIES,
    seed: int = 0,
    seconds: float = 3.0,
    frame_rate: float = 15.0,
    side: int = 320,
    crf: int = 20,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make a data set of talkers, or go on with one that was interrupted.

    Parameters
    ----------
    directory
        Folder to fill: ``t000/00.mp4``, ``t000/00_swap.mp4`` ..., ``clips.csv``, which
        ``gaitproof face prepare`` reads.
    people, takes
        Made are ``people * takes * (1 + len(forgeries))`` clips.
    forgeries
        Of `gaitproof.synth.talking.clips.FORGERIES`.
    seed
        Of the whole set.
    seconds, frame_rate, side, crf
        As in `gaitproof.synth.talking.clips.TalkSettings`.
    workers
        Processes; 0 takes one per processor.
    progress
        Called with (finished, all) clips.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    """
    _check(people, takes, forgeries, seed, seconds, frame_rate, side, crf)
    directory = make_folder(directory).absolute()
    recipe = Recipe(seed, float(seconds), float(frame_rate), side, crf)
    keep_recipe(directory / RECIPE, asdict(recipe))
    jobs = plan(people, takes, forgeries)
    for person in {job.person for job in jobs}:
        make_folder(directory / person)
    missing = [job for job in jobs if not (directory / job.path).exists()]
    found = len(jobs) - len(missing)

    def told(done: int) -> None:
        if progress is not None:
            progress(found + done, len(jobs))

    crash = GaitproofError("A process crashed while drawing talkers.")
    run_all(missing, partial(_work, directory, recipe), workers, crash, told)
    return write_table(directory, map(_row, jobs))


def write_table(directory: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write the table of what is what, and return its path.

    Parameters
    ----------
    directory
        The data set.
    rows
        Cells of `COLUMNS`, a row for each clip.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows((COLUMNS, *rows))
    table = directory / TABLE
    write_atomically(table, text.getvalue().encode())
    return table


def _work(directory: Path, recipe: Recipe, job: Job) -> None:
    """Film one clip; runs in a worker process."""
    film_talker(
        make_talker(job.person, recipe.seed),
        directory / job.path,
        derive_seed(recipe.seed, "take", job.person, str(job.take)),
        recipe.settings,
        job.forgery,
        make_talker(job.other, recipe.seed) if job.other else None,
    )


def _row(job: Job) -> tuple[str, ...]:
    keys = ";".join(name for name in (job.person, job.other) if name)
    return job.path, "fake" if job.forgery else "real", keys, job.forgery, ""


def _check(
    people: int,
    takes: int,
    forgeries: Sequence[str],
    seed: int,
    seconds: float,
    frame_rate: float,
    side: int,
    crf: int,
) -> None:
    known = set(FORGERIES)
    problems = [
        (not 2 <= people <= 999, "people", "2 to 999", people),
        (not 1 <= takes <= 99, "takes", "1 to 99", takes),
        (
            bool(set(forgeries) - known) or len(set(forgeries)) != len(forgeries),
            "forgeries",
            f"some of {', '.join(FORGERIES)}, each once",
            ", ".join(forgeries),
        ),
        (seed < 0, "seed", "0 or more", seed),
        (not 0.2 <= seconds <= 600, "seconds", "0.2 to 600", seconds),
        (not 1 <= frame_rate <= 120, "frame rate", "1 to 120", frame_rate),
        (not (96 <= side <= 2160 and side % 2 == 0), "side", "96 to 2160, even", side),
        (not 0 <= crf <= 51, "crf", "0 to 51", crf),
    ]
    for wrong, name, expected, actual in problems:
        if wrong:
            raise ConfigError(
                f"The data set cannot be made with this {name}.",
                expected=expected,
                actual=str(actual),
            )

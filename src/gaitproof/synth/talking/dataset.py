"""Data sets of synthetic talkers: genuine and forged clips, and a table of what is what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Final

from gaitproof.errors import GaitproofError
from gaitproof.synth.talking.clips import (
    FORGERIES,
    SOUND_FORGERIES,
    TalkSettings,
    film_talker,
)
from gaitproof.synth.talking.person import make_talker
from gaitproof.synth.writer import (
    Progress,
    check_names,
    check_numbers,
    derive_seed,
    make_missing,
    open_folder,
    write_table,
)

RECIPE: Final = "talkers.json"


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
                    other if forgery.endswith("swap") or forgery == "exchanged" else "",
                    take,
                    forgery,
                )
                for forgery in forgeries
            )
    return jobs


def make_talkers(
    directory: Path,
    settings: TalkSettings,
    *,
    people: int = 24,
    takes: int = 2,
    forgeries: Sequence[str] = FORGERIES,
    seed: int = 0,
    workers: int = 0,
    progress: Progress = lambda done, total: None,
) -> Path:
    """Make a data set of talkers, or go on with one that was interrupted.

    Parameters
    ----------
    directory
        Folder to fill: ``t000/00.mp4``, ``t000/00_swap.mp4`` ..., ``clips.csv``, which
        ``gaitproof face prepare`` reads.
    settings
        How they are filmed.
    people, takes
        Made are ``people * takes * (1 + len(forgeries))`` clips.
    forgeries
        Of `gaitproof.synth.talking.clips.FORGERIES`, and with sound also of `SOUND_FORGERIES`.
    seed
        Of the whole set.
    workers
        Processes; 0 takes one per processor.
    progress
        Called with (finished, all) clips.

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    """
    check_numbers(
        "The data set",
        even=["side"],
        people=(people, 2, 999),
        takes=(takes, 1, 99),
        seed=(seed, 0, inf),
        seconds=(settings.seconds, 0.2, 600),
        frame_rate=(settings.frame_rate, 1, 120),
        side=(settings.side, 96, 2160),
        crf=(settings.crf, 0, 51),
    )
    known = (*FORGERIES, *SOUND_FORGERIES) if settings.sound else FORGERIES
    check_names("The data set", "forgeries", forgeries, known)
    recipe = {**asdict(settings), "seed": seed}
    if not settings.sound:
        del recipe["sound"]  # folders of earlier versions do not say so
    jobs = plan(people, takes, forgeries)
    directory = open_folder(directory, RECIPE, recipe, (job.person for job in jobs))
    make_missing(
        [jobs],
        lambda job: (directory / job.path).exists(),
        partial(_work, directory, settings, seed),
        workers,
        GaitproofError("A process crashed while drawing talkers."),
        progress,
    )
    return write_table(directory, map(_row, jobs))


def _work(directory: Path, settings: TalkSettings, seed: int, job: Job) -> None:
    """Film one clip; runs in a worker process."""
    film_talker(
        make_talker(job.person, seed),
        directory / job.path,
        derive_seed(seed, "take", job.person, str(job.take)),
        settings,
        job.forgery,
        make_talker(job.other, seed) if job.other else None,
    )


def _row(job: Job) -> tuple[str, ...]:
    keys = ";".join(name for name in (job.person, job.other) if name)
    return job.path, "fake" if job.forgery else "real", keys, job.forgery, ""

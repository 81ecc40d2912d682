"""Data sets of made walkers with faces: genuine and forged clips, and tables of what is what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from gaitproof.errors import ConfigError
from gaitproof.media.files import make_folder
from gaitproof.processes import run_all
from gaitproof.synth.dataset import keep_recipe, renderer_crash, subject_name
from gaitproof.synth.raster import require_renderer
from gaitproof.synth.seeds import derive_seed
from gaitproof.synth.talking.dataset import write_table
from gaitproof.synth.walking_faces.clips import (
    FORGERIES,
    GENUINE,
    FilmSettings,
    Version,
    film_walk,
)
from gaitproof.synth.walking_faces.person import make_faced_walker

RECIPE: Final = "walking-faces.json"

COPIES: Final = {"far": Version(scale=0.35), "short": Version(seconds=0.8)}
"""Copies of clips in which something is missing: a face large enough, steps enough."""

UNUSED: Final = "unused"
"""Split of the copies, whose faces are no training material."""


@dataclass(frozen=True)
class Plan:
    """How many clips of what.

    Parameters
    ----------
    people
        Even: pairs exchange faces (0 with 1, 2 with 3).
    walks
        Per person.
    plain
        So many first walks have no twins: for enrolment.
    forgeries
        Twins of the other walks, of `FORGERIES`.
    copies
        Further twins of those and of their forgeries, of `COPIES`.
    """

    people: int = 24
    walks: int = 2
    plain: int = 0
    forgeries: tuple[str, ...] = ("swap", "lips")
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clip:
    """One file.

    Parameters
    ----------
    path
        Relative to the data set; the folder is the person who walks.
    person, face
        Numbers of who walks, and whose face it is.
    walk
        Number of the walk: twins share it.
    forgery
        Of `FORGERIES`, or `GENUINE`.
    copy
        Of `COPIES`, or empty.
    """

    path: str
    person: int
    face: int
    walk: int
    forgery: str = GENUINE
    copy: str = ""

    @property
    def version(self) -> Version:
        """How it is filmed."""
        return replace(COPIES[self.copy] if self.copy else Version(), forgery=self.forgery)


def partner(person: int) -> int:
    """Return who gives a person the face of a swap."""
    return person ^ 1


def list_clips(plan: Plan) -> list[Clip]:
    """List the files of a data set, walk by walk."""
    clips = []
    for person in range(plan.people):
        for walk in range(plan.walks):
            plain = walk < plan.plain
            for forgery in (GENUINE, *(() if plain else plan.forgeries)):
                face = partner(person) if forgery == "swap" else person
                for copy in ("", *(() if plain else plan.copies)):
                    name = "_".join(part for part in (f"{walk:02d}", forgery, copy) if part)
                    path = f"{subject_name(person)}/{name}.mp4"
                    clips.append(Clip(path, person, face, walk, forgery, copy))
    return clips


def make_walking_faces(
    directory: Path,
    plan: Plan | None = None,
    settings: FilmSettings | None = None,
    *,
    seed: int = 0,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make a data set of walkers with faces, or go on with one that was interrupted.

    Parameters
    ----------
    directory
        Folder to fill: ``p000/00.mp4``, ``p000/00_swap.mp4`` ..., ``clips.csv``, which
        ``gaitproof face prepare`` reads.
    plan, settings
        What is made and how it is filmed; the defaults if None.
    seed
        Of the whole set.
    workers
        Processes; 0 takes one per processor.
    progress
        Called with (finished, all) walks.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    DependencyError
        If the renderer is missing.
    """
    plan, settings = plan or Plan(), settings or FilmSettings()
    _check(plan, settings, seed)
    require_renderer()
    directory = make_folder(directory).absolute()
    keep_recipe(directory / RECIPE, _recipe(settings, seed))
    clips = list_clips(plan)
    walks: dict[tuple[int, int], list[Clip]] = {}
    for clip in clips:
        make_folder(directory / subject_name(clip.person))
        walks.setdefault((clip.person, clip.walk), []).append(clip)
    missing = [
        lacking
        for made in walks.values()
        if (lacking := [clip for clip in made if not (directory / clip.path).exists()])
    ]
    found = len(walks) - len(missing)

    def told(done: int) -> None:
        if progress is not None:
            progress(found + done, len(walks))

    run_all(missing, partial(_film, directory, settings, seed), workers, renderer_crash(), told)
    return write_table(directory, map(_row, clips))


def _film(directory: Path, settings: FilmSettings, seed: int, clips: Sequence[Clip]) -> None:
    """Film the lacking files of one walk; runs in a worker process."""
    person, walk = clips[0].person, clips[0].walk
    film_walk(
        make_faced_walker(seed, person),
        {directory / clip.path: clip.version for clip in clips},
        derive_seed(seed, "walk", subject_name(person), str(walk)),
        settings,
        make_faced_walker(seed, partner(person)),
    )


def _recipe(settings: FilmSettings, seed: int) -> dict[str, Any]:
    return {**asdict(settings), "size": list(settings.size), "seed": seed}


def _row(clip: Clip) -> tuple[str, ...]:
    keys = ";".join(dict.fromkeys((subject_name(clip.person), subject_name(clip.face))))
    label = "fake" if clip.forgery else "real"
    return clip.path, label, keys, clip.forgery, UNUSED if clip.copy else ""


def _check(plan: Plan, settings: FilmSettings, seed: int) -> None:
    def among(chosen: Sequence[str], known: Iterable[str]) -> bool:
        return set(chosen) <= set(known) and len(set(chosen)) == len(chosen)

    problems = [
        (
            not 2 <= plan.people <= 998 or plan.people % 2 == 1,
            "people",
            "an even number from 2 to 998",
            plan.people,
        ),
        (not 1 <= plan.walks <= 99, "walks", "1 to 99", plan.walks),
        (not 0 <= plan.plain <= plan.walks, "plain walks", f"0 to {plan.walks}", plan.plain),
        (
            not among(plan.forgeries, FORGERIES),
            "forgeries",
            f"some of {', '.join(FORGERIES)}, each once",
            ", ".join(plan.forgeries),
        ),
        (
            not among(plan.copies, COPIES),
            "copies",
            f"some of {', '.join(COPIES)}, each once",
            ", ".join(plan.copies),
        ),
        (seed < 0, "seed", "0 or more", seed),
        (not 0.2 <= settings.seconds <= 600, "seconds", "0.2 to 600", settings.seconds),
        (not 0 <= settings.gaze <= 1, "gaze", "0 to 1", settings.gaze),
        (not 1 <= settings.frame_rate <= 120, "frame rate", "1 to 120", settings.frame_rate),
    ]
    for wrong, name, expected, actual in problems:
        if wrong:
            raise ConfigError(
                f"The walkers cannot be made with these {name}.",
                expected=expected,
                actual=str(actual),
            )

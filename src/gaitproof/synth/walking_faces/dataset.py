"""Data sets of synthetic walkers with faces: genuine and forged clips, and tables of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Final

from gaitproof.synth.raster import require_renderer
from gaitproof.synth.walking_faces.clips import (
    FORGERIES,
    GENUINE,
    FilmSettings,
    Version,
    film_walk,
    make_faced_walker,
)
from gaitproof.synth.writer import (
    Progress,
    check_names,
    check_numbers,
    derive_seed,
    make_missing,
    open_folder,
    renderer_crash,
    subject_name,
    write_table,
)

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
    progress: Progress = lambda done, total: None,
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

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    DependencyError
        If the renderer is missing.
    """
    plan, settings = plan or Plan(), settings or FilmSettings()
    check_numbers(
        "The walkers",
        even=["people"],
        people=(plan.people, 2, 998),
        walks=(plan.walks, 1, 99),
        plain_walks=(plan.plain, 0, plan.walks),
        seed=(seed, 0, inf),
        seconds=(settings.seconds, 0.2, 600),
        gaze=(settings.gaze, 0, 1),
        frame_rate=(settings.frame_rate, 1, 120),
    )
    check_names("The walkers", "forgeries", plan.forgeries, FORGERIES)
    check_names("The walkers", "copies", plan.copies, COPIES)
    require_renderer()
    clips = list_clips(plan)
    walks: dict[tuple[int, int], list[Clip]] = {}
    for clip in clips:
        walks.setdefault((clip.person, clip.walk), []).append(clip)
    names = (subject_name(clip.person) for clip in clips)
    recipe = {**asdict(settings), "size": list(settings.size), "seed": seed}
    directory = open_folder(directory, RECIPE, recipe, names)
    make_missing(
        [list(walks.values())],
        lambda filmed: all((directory / clip.path).exists() for clip in filmed),
        partial(_film, directory, settings, seed),
        workers,
        renderer_crash(),
        progress,
    )
    return write_table(directory, map(_row, clips))


def _film(directory: Path, settings: FilmSettings, seed: int, clips: Sequence[Clip]) -> None:
    """Film the missing files of one walk; runs in a worker process."""
    person, walk = clips[0].person, clips[0].walk
    files = {directory / clip.path: clip.version for clip in clips}
    film_walk(
        make_faced_walker(seed, person),
        {path: version for path, version in files.items() if not path.exists()},
        derive_seed(seed, "walk", subject_name(person), str(walk)),
        settings,
        make_faced_walker(seed, partner(person)),
    )


def _row(clip: Clip) -> tuple[str, ...]:
    keys = ";".join(dict.fromkeys((subject_name(clip.person), subject_name(clip.face))))
    label = "fake" if clip.forgery else "real"
    return clip.path, label, keys, clip.forgery, UNUSED if clip.copy else ""

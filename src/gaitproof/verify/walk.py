"""One person's walk from a video or a pose file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.config import QualityGate, VerifySettings
from gaitproof.errors import InputError, MediaError
from gaitproof.gait.quality import assess
from gaitproof.media.files import make_folder
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.cleaning import CleanTrack, clean
from gaitproof.pose.extract import extract
from gaitproof.pose.formats import SUFFIXES, check_format, load_pose, save_pose
from gaitproof.types import PoseSequence, QualityReport
from gaitproof.verify.people import Person
from gaitproof.verify.scene import Scene

_CLOSE: Final = 1e-6
"""Seconds; time stamps nearer than this are the same."""


@dataclass(frozen=True)
class Walk:
    """A person's landmarks as read, and repaired; what measuring needs; what was left out."""

    raw: PoseSequence
    cleaned: CleanTrack
    gate: QualityGate
    notes: tuple[str, ...] = ()


def is_pose_file(path: Path) -> bool:
    """Whether a path names a pose file, or a folder of them, rather than a video."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def read_walk(
    path: Path,
    *,
    person: Person = "auto",
    settings: VerifySettings | None = None,
    cache: PoseCache | None = None,
    frame_rate: float | None = None,
    frame_size: tuple[int, int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Walk:
    """Read one person's walk.

    Parameters
    ----------
    path
        A video, or a pose file of any format that is told from its name.
    person
        Index into the people, or ``auto``: of a video as `choose` decides, of a pose file the
        largest.
    settings
        Limits and pose settings; defaults where None.
    cache
        Where finished extractions of videos are kept.
    frame_rate, frame_size
        For pose files that do not say them.
    progress
        Called with the share of a video that is done.

    Raises
    ------
    InputError
        If the file cannot be used, nobody is in it, or it is unclear who is meant.
    """
    settings = settings or VerifySettings()
    if person == "all":
        raise InputError("Only one person at a time can be read here.", expected="auto or a number")
    if is_pose_file(path):
        raw = load_pose(
            path,
            frame_rate=frame_rate,
            frame_size=frame_size,
            person="largest" if person == "auto" else person,
        )
        if not raw.detected.any():
            raise InputError(f"Nobody is in the pose file {str(path)!r}.")
        return Walk(raw, clean(raw, settings.cleaning), settings.quality)
    scene = Scene.look(path, settings, extract, cache=cache, progress=progress)
    choice = scene.choose(person)
    if not choice.indices:
        raise MediaError(f"{str(path)!r} cannot be used. {choice.reason}")
    index = choice.indices[0]
    track = scene.extraction.tracks[index]
    notes = (*scene.extraction.video.notes, *choice.notes)
    return Walk(track, scene.cleaned[index], settings.quality, notes)


def convert(
    source: str | Path,
    target: str | Path,
    *,
    to: str | None = None,
    repaired: bool = False,
    person: Person = "auto",
    settings: VerifySettings | None = None,
    cache: PoseCache | None = None,
    frame_rate: float | None = None,
    frame_size: tuple[int, int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[PoseSequence, tuple[str, ...]]:
    """Write one person's pose sequence for another program.

    Parameters
    ----------
    source
        A video or a pose file.
    target
        Its suffix decides the format: ``.npz``, ``.json``, ``.csv``, ``.trc``, ``.c3d``, ``.bvh``.
        Its folder is made if it is missing.
    to
        Format, if not that of the suffix: ``coco``, ``openpose``.
    repaired
        Whether the repaired and smoothed landmarks are written, rather than those as read.
    person, settings, cache, frame_rate, frame_size, progress
        As for `read_walk`.

    Returns
    -------
    tuple
        What was written, and notes on the person who was chosen.

    Raises
    ------
    InputError
        If the source cannot be used, or the target cannot be written.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.convert("clip.mp4", "clip.trc")  # doctest: +SKIP
    """
    path = Path(target)
    chosen = check_format(path, to)
    walk = read_walk(
        Path(source),
        person=person,
        settings=settings,
        cache=cache,
        frame_rate=frame_rate,
        frame_size=frame_size,
        progress=progress,
    )
    sequence = walk.cleaned.sequence if repaired else walk.raw
    make_folder(path.parent)
    save_pose(path, sequence, chosen)
    return sequence, walk.notes


def walking_part(walk: Walk) -> tuple[PoseSequence, QualityReport]:
    """Return the repaired landmarks of the windows that pass the gate, and what it found."""
    report = assess(walk.cleaned, walk.gate)
    sequence = walk.cleaned.sequence
    times = sequence.timestamps
    inside = np.zeros(len(sequence), bool)
    for window in report.windows:
        if window.usable:
            inside |= (times >= window.start - _CLOSE) & (times <= window.end + _CLOSE)
    return sequence.select(inside), report

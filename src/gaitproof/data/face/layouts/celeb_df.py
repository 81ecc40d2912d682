"""Celeb-DF v2 (Li et al., CVPR 2020).

::

    Celeb-real/id0_0000.mp4              a person's interview
    YouTube-real/00000.mp4               somebody else's
    Celeb-synthesis/id0_id1_0000.mp4     id0's interview with the face of id1
    List_of_testing_videos.txt           "1 YouTube-real/00170.mp4" per line: **1 is real**
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import read_lines, relative, videos_in
from gaitproof.errors import InputError

LIST: Final = "List_of_testing_videos.txt"
LABELS: Final = {
    "Celeb-real": Label.REAL,
    "YouTube-real": Label.REAL,
    "Celeb-synthesis": Label.FAKE,
}
_LISTED: Final = {"1": Label.REAL, "0": Label.FAKE}
_PEOPLE: Final = re.compile(r"id\d+")


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return (root / "Celeb-real").is_dir() or (root / "Celeb-synthesis").is_dir()


def read(root: Path) -> tuple[FaceClip, ...]:
    """List all videos; those of the list of testing videos are for testing.

    Raises
    ------
    InputError
        If a name is not of the data set, or the list contradicts the folders.
    """
    tested = _tested(root)
    clips = []
    for folder, label in LABELS.items():
        for video in videos_in(root / folder):
            path = relative(video, root)
            listed = tested.pop(path, None)
            if listed is not None and listed is not label:
                raise InputError(
                    f"{LIST} calls {path!r} {listed.value}, its folder says {label.value}.",
                    hint="in the original list 1 stands for real",
                )
            clips.append(
                FaceClip(
                    path=path,
                    label=label,
                    keys=_keys(video.stem, folder),
                    manipulation=ORIGINAL if label is Label.REAL else "Celeb-synthesis",
                    split="test" if listed is not None else "",
                )
            )
    if tested:
        raise InputError(
            f"{len(tested)} videos of {LIST} are missing, the first is {next(iter(tested))!r}.",
            hint="download them, or take their lines out",
        )
    return tuple(clips)


def _keys(stem: str, folder: str) -> tuple[str, ...]:
    if folder == "YouTube-real":
        return (f"youtube {stem}",)
    people = _PEOPLE.findall(stem)
    if len(people) != (2 if folder == "Celeb-synthesis" else 1):
        raise InputError(
            f"{folder + '/' + stem!r} has no name of Celeb-DF.",
            expected="id0_0000, or id0_id1_0000 for a fake",
        )
    return tuple(people)


def _tested(root: Path) -> dict[str, Label]:
    if not (root / LIST).is_file():
        return {}
    tested = {}
    for line in read_lines(root / LIST):
        digit, _, path = line.partition(" ")
        if digit not in _LISTED or not path:
            raise InputError(
                f"A line of {LIST} cannot be read.",
                expected="'1 YouTube-real/00170.mp4'",
                actual=line[:100],
            )
        tested[path.strip()] = _LISTED[digit]
    return tested

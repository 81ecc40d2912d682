"""Plain folders, the usual layout of classifiers.

::

    [train|val|validation|test/]{real,fake}/x.mp4        videos
    [train|val|validation|test/]{real,fake}/x/*.png      folders of images, one clip each
    [train|val|validation|test/]{real,fake}/x.png        single images

A clip's name without its ending is its key: a fake that is named after its original
(``real/ann.mp4``, ``fake/ann.mp4``, also ``fake/ann__bob.mp4``) stays on its original's side.
Where clips are only numbered, anew on every side, the layout ``numbered`` takes
``train/real/video_001`` and ``test/real/video_001`` for two videos of nobody in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import folders_in, images_in, relative, videos_in

SPLITS: Final = {"": "", "train": "train", "val": "validation", "validation": "validation"} | {
    "test": "test"
}

_SEPARATOR: Final = "__"


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return any(True for _ in _tops(root))


def read(root: Path) -> tuple[FaceClip, ...]:
    """List videos, folders of images and single images."""
    return tuple(
        FaceClip(
            path=relative(path, root),
            label=label,
            keys=tuple(f"clip {key}" for key in _name(path).split(_SEPARATOR) if key),
            manipulation=ORIGINAL if label is Label.REAL else "fake",
            split=split,
        )
        for folder, label, split in _tops(root)
        for path in (
            *videos_in(folder),
            *(inner for inner in folders_in(folder) if images_in(inner)),
            *images_in(folder),
        )
    )


def read_numbered(root: Path) -> tuple[FaceClip, ...]:
    """List the same, with names that mean something within their side alone."""
    return tuple(
        replace(clip, keys=tuple(f"{clip.split} {key}" for key in clip.keys)) for clip in read(root)
    )


def _tops(root: Path) -> Iterator[tuple[Path, Label, str]]:
    for name, split in SPLITS.items():
        for label in Label:
            if (folder := root / name / label.value).is_dir():
                yield folder, label, split


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem

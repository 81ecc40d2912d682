"""A table of clips, for images and videos whose folders do not say who is in them.

::

    clips.csv        path,label,keys,manipulation,split
                     portraits/ann_1.jpg,real,ann,original,
                     swaps/ann_bob.mp4,fake,ann;bob,swap,test

``path`` is a video, an image or a folder of images. ``keys`` are the people and source videos in
it, joined by ``;``. ``manipulation`` is empty or ``original`` for real clips. ``split`` is empty or
one of train, validation, test, unused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import LIST_FILE
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError
from gaitproof.reading import read_rows

FILE: Final = "clips.csv"
COLUMNS: Final = ("path", "label", "keys", "manipulation", "split")
SEPARATOR: Final = ";"


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return (root / FILE).is_file()


def read(root: Path) -> tuple[FaceClip, ...]:
    """List the clips of the table.

    Raises
    ------
    InputError
        If the table cannot be read, its header or a row is not as it must be, a path is there
        twice, leads out of the folder, or names nothing.
    """
    rows = read_rows(root / FILE, LIST_FILE)
    _, header = next(rows, (0, []))
    clips: dict[str, FaceClip] = {}
    if tuple(header) != COLUMNS:
        raise InputError(
            f"The header of {FILE} is not as it must be.",
            expected=",".join(COLUMNS),
            actual=",".join(header)[:200] or "nothing",
        )
    for line, cells in rows:
        clip = _clip(root, cells, f"Line {line} of {FILE}")
        if clip.path in clips:
            raise InputError(f"{FILE} lists {clip.path!r} twice.", hint="remove one line")
        clips[clip.path] = clip
    return tuple(clips.values())


def _clip(root: Path, cells: Sequence[str], where: str) -> FaceClip:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where} does not have {len(COLUMNS)} cells.")
    values = {column: cell.strip() for column, cell in zip(COLUMNS, cells, strict=True)}
    try:
        label = Label(values["label"])
        clip = FaceClip(
            path=PurePosixPath(values["path"]).as_posix(),
            label=label,
            keys=tuple(key.strip() for key in values["keys"].split(SEPARATOR)),
            manipulation=values["manipulation"] or (ORIGINAL if label is Label.REAL else ""),
            split=values["split"],
        )
        if not clip.manipulation:
            raise ValueError("a fake needs a manipulation")
        if not locate(root, clip.path).exists():
            raise ValueError(f"there is no {clip.path!r}")
    except (InputError, ValueError, OSError) as error:
        raise InputError(
            f"{where} is not valid.",
            expected=getattr(error, "expected", None),
            actual=getattr(error, "message", str(error)).rstrip("."),
        ) from error
    return clip

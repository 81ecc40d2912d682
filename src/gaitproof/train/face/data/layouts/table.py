"""A table of clips, for pictures and videos whose folders do not say who is in them.

::

    clips.csv        path,label,keys,manipulation,split
                     portraits/ann_1.jpg,real,ann,original,
                     swaps/ann_bob.mp4,fake,ann;bob,swap,test

``path`` is a video, a picture or a folder of pictures. ``keys`` are the people and source videos in
it, joined by ``;``. ``manipulation`` is empty or ``original`` for real clips. ``split`` is empty or
one of train, validation, test, unused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from gaitproof.errors import InputError
from gaitproof.media.manifest import locate
from gaitproof.train.face.data.clips import ORIGINAL, FaceClip, Label
from gaitproof.train.face.data.layouts.files import read_text

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
    reader = csv.DictReader(io.StringIO(read_text(root / FILE), newline=""), strict=True)
    clips: dict[str, FaceClip] = {}
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(
                f"The header of {FILE} is not as it must be.",
                expected=",".join(COLUMNS),
                actual=",".join(reader.fieldnames or ())[:200] or "nothing",
            )
        for row in reader:
            clip = _clip(root, row, f"Line {reader.line_num} of {FILE}")
            if clip.path in clips:
                raise InputError(f"{FILE} lists {clip.path!r} twice.", hint="remove one line")
            clips[clip.path] = clip
    except csv.Error as error:
        raise InputError(
            f"{FILE} is not valid CSV.", actual=f"line {reader.line_num}: {error}"
        ) from error
    return tuple(clips.values())


def _clip(root: Path, row: Mapping[str | None, str | None], where: str) -> FaceClip:
    cells = {column: row[column] for column in COLUMNS}
    if None in row or None in cells.values():
        raise InputError(f"{where} does not have {len(COLUMNS)} cells.")
    values = {column: (cell or "").strip() for column, cell in cells.items()}
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
    except (InputError, ValueError) as error:
        raise InputError(
            f"{where} is not valid.",
            expected=getattr(error, "expected", None),
            actual=getattr(error, "message", str(error)).rstrip("."),
        ) from error
    return clip

"""FakeAVCeleb (Khalid et al., NeurIPS 2021 datasets): faces and voices forged, each by itself.

::

    meta_data.csv        source,target1,target2,method,category,type,race,gender,path,(folder)
    <type>/<race>/<gender>/<source>/<path>

``type`` is one of RealVideo-RealAudio, RealVideo-FakeAudio, FakeVideo-RealAudio,
FakeVideo-FakeAudio; ``source``, ``target1`` and ``target2`` are people, ``-`` for nobody.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import LIST_FILE
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError
from gaitproof.reading import read_rows

FILE: Final = "meta_data.csv"
TYPES: Final = (
    "RealVideo-RealAudio",
    "RealVideo-FakeAudio",
    "FakeVideo-RealAudio",
    "FakeVideo-FakeAudio",
)
PEOPLE: Final = ("source", "target1", "target2")
NOBODY: Final = ("", "-")


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return (root / FILE).is_file() and any((root / kind).is_dir() for kind in TYPES)


def read(root: Path) -> tuple[FaceClip, ...]:
    """List the videos of the table that are there; the manipulation is the type and the method.

    Raises
    ------
    InputError
        If the table is malformed.
    """
    rows = read_rows(root / FILE, LIST_FILE)
    _, header = next(rows, (0, []))
    names = [name.strip().lower() for name in header]
    needed = {*PEOPLE, "method", "type", "race", "gender", "path"}
    if not needed <= set(names):
        raise InputError(
            f"The header of {FILE} is not that of FakeAVCeleb.",
            expected=", ".join(sorted(needed)),
            actual=", ".join(names)[:200] or "nothing",
        )
    clips = []
    for line, cells in rows:
        if len(cells) < len(names):
            raise InputError(f"Line {line} of {FILE} does not have {len(names)} cells.")
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        clip = _clip(root, row, f"Line {line} of {FILE}")
        if locate(root, clip.path).is_file():
            clips.append(clip)
    return tuple(clips)


def _clip(root: Path, row: dict[str, str], where: str) -> FaceClip:
    kind = row["type"]
    people = tuple(f"person {row[name]}" for name in PEOPLE if row[name] not in NOBODY)
    if kind not in TYPES or not people:
        raise InputError(
            f"{where} cannot be read.",
            expected=f"a source, and a type of {', '.join(TYPES)}",
            actual=repr(kind)[:100],
        )
    parts = (kind, row["race"], row["gender"], row["source"], row["path"])
    real = kind == TYPES[0]
    return FaceClip(
        path=PurePosixPath(*parts).as_posix(),
        label=Label.REAL if real else Label.FAKE,
        keys=tuple(dict.fromkeys(people)),
        manipulation=ORIGINAL if real else f"{kind} {row['method']}".strip(),
    )

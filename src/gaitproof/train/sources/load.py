"""Reading a data set of any known format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from gaitproof.errors import InputError
from gaitproof.train.sources.asf_amc import load_amc
from gaitproof.train.sources.bvh import load_bvh
from gaitproof.train.sources.casia_csv import is_casia_csv, load_casia_csv
from gaitproof.train.sources.manifest import load_manifest
from gaitproof.train.sources.opengait import load_opengait
from gaitproof.train.sources.recording import Recording
from gaitproof.train.sources.skeletons import load_skeletons

MANIFEST: Final = "manifest.csv"
"""Name of the manifest in a folder; with it, the folder is that manifest."""

Reader = Callable[[Path, str], list[Recording]]


def _load_csv(path: Path, name: str) -> list[Recording]:
    return (load_casia_csv if is_casia_csv(path) else load_manifest)(path, name)


READERS: Final[dict[str, Reader]] = {
    ".npz": load_skeletons,
    ".csv": _load_csv,
    ".pkl": load_opengait,
    ".bvh": load_bvh,
    ".amc": load_amc,
}
"""Readers by file ending."""

_EXPECTED: Final = (
    "a skeleton archive .npz, a manifest .csv, a GaitGraph pose table .csv, OpenGait pose pickles "
    ".pkl, motion capture .bvh or .amc with .asf, or a folder of one of these"
)


def load_recordings(path: Path, name: str) -> list[Recording]:
    """Read the walks of a data set.

    Parameters
    ----------
    path
        A file, whose ending decides, or a folder: one with a ``manifest.csv`` is that manifest,
        else all its files of the one format that it holds are read.
    name
        Name of the data set, noted in every recording.

    Raises
    ------
    InputError
        If the file or folder is missing, of no known kind, malformed, or mixes kinds, or if
        a walk is there twice.
    """
    if not path.is_dir():
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise InputError(f"{str(path)!r} is not a data set.", expected=_EXPECTED)
        return _unique(reader(path, name), path)
    if (path / MANIFEST).is_file():
        return _unique(load_manifest(path / MANIFEST, name), path)
    kinds: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*")):
        kind = file.suffix.lower()
        if kind in READERS and file.is_file() and (kind != ".csv" or is_casia_csv(file)):
            kinds.setdefault(kind, []).append(file)
    if len(kinds) != 1:
        raise InputError(
            f"The folder {str(path)!r} is not a data set.",
            expected=_EXPECTED,
            actual=f"files of the kinds {', '.join(kinds)}" if kinds else "no such file",
        )
    ((kind, files),) = kinds.items()
    if kind == ".pkl":
        return _unique(load_opengait(path, name), path)
    return _unique([walk for file in files for walk in READERS[kind](file, name)], path)


def _unique(recordings: list[Recording], path: Path) -> list[Recording]:
    seen = set()
    for r in recordings:
        key = (r.subject, r.recording, r.condition, r.view)
        if key in seen:
            raise InputError(
                f"{str(path)!r} holds the walk {r.recording!r} of {r.subject!r} twice.",
                hint="take out the file that repeats it",
            )
        seen.add(key)
    return recordings

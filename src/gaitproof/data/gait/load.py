"""Reading a data set of any known format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from gaitproof.data.extraction import MARKER as EXTRACTION_MARKER
from gaitproof.data.gait.asf_amc import load_amc
from gaitproof.data.gait.bvh import load_bvh
from gaitproof.data.gait.casia_csv import is_casia_csv, load_casia_csv
from gaitproof.data.gait.manifest import load_manifest
from gaitproof.data.gait.opengait import load_opengait
from gaitproof.data.gait.recording import Recording
from gaitproof.data.gait.skeletons import load_skeletons
from gaitproof.errors import ConfigError, InputError
from gaitproof.pose.formats.mocap import MAX_RATE

MANIFEST: Final = "manifest.csv"
"""Name of the manifest in a folder; with it, the folder is that manifest."""

Reader = Callable[[Path, str], list[Recording]]


class UntimedReader(Protocol):
    """Reader of a format whose files do not state their frame rate."""

    def __call__(self, path: Path, name: str, *, frame_rate: float = ...) -> list[Recording]:
        """Read at `frame_rate` frames per second, or at the format's usual rate."""


TIMED: Final[dict[str, Reader]] = {".npz": load_skeletons, ".bvh": load_bvh}
"""Readers of formats that state their frame rate, by file ending."""

UNTIMED: Final[dict[str, UntimedReader]] = {".pkl": load_opengait, ".amc": load_amc}
"""Readers of formats that do not. A ``.csv`` is either: a manifest or a GaitGraph pose table."""

_KINDS: Final = frozenset({*TIMED, *UNTIMED, ".csv"})

_EXPECTED: Final = (
    "a skeleton archive .npz, a manifest .csv, a GaitGraph pose table .csv, OpenGait pose pickles "
    ".pkl, motion capture .bvh or .amc with .asf, or a folder of one of these"
)


def load_recordings(path: Path, name: str, frame_rate: float | None = None) -> list[Recording]:
    """Read the walks of a data set.

    Parameters
    ----------
    path
        A file, whose ending decides, or a folder: one with a ``manifest.csv`` is that manifest,
        else all its files of the one format that it holds are read.
    name
        Name of the data set, noted in every recording.
    frame_rate
        Frames per second, for the formats whose files state none (pose tables, pickles, AMC);
        None for the format's usual rate.

    Raises
    ------
    ConfigError
        If a frame rate is given and the files state theirs, or it is out of range.
    InputError
        If the file or folder is missing, of no known kind, malformed, or mixes kinds, or if
        a walk is there twice.
    """
    if frame_rate is not None and not 0 < frame_rate <= MAX_RATE:
        raise ConfigError(
            "The frame rate is out of range.",
            expected=f"above 0 and at most {MAX_RATE:g}",
            actual=f"{frame_rate:g}",
        )
    if not path.is_dir():
        if path.suffix.lower() not in _KINDS:
            raise InputError(f"{str(path)!r} is not a data set.", expected=_EXPECTED)
        return _unique(_read(path, name, frame_rate), path)
    if (path / MANIFEST).is_file():
        return _unique(_read(path / MANIFEST, name, frame_rate), path)
    files = sorted(path.rglob("*"))
    if any(file.name == EXTRACTION_MARKER for file in files):
        raise InputError(
            f"The folder {str(path)!r} holds extracted poses, which do not say whose they are.",
            hint="give the manifest of the videos (gaitproof dataset manifest) instead; poses are "
            "found in the folder 'poses' beside it",
        )
    kinds: dict[str, list[Path]] = {}
    for file in files:
        kind = file.suffix.lower()
        if kind in _KINDS and file.is_file() and (kind != ".csv" or is_casia_csv(file)):
            kinds.setdefault(kind, []).append(file)
    if len(kinds) != 1:
        raise InputError(
            f"The folder {str(path)!r} is not a data set.",
            expected=_EXPECTED,
            actual=f"files of the kinds {', '.join(kinds)}" if kinds else "no such file",
        )
    ((kind, files),) = kinds.items()
    if kind == ".pkl":  # whose reader chooses among the files
        return _unique(_read_untimed(load_opengait, path, name, frame_rate), path)
    return _unique([walk for file in files for walk in _read(file, name, frame_rate)], path)


def _read(file: Path, name: str, frame_rate: float | None) -> list[Recording]:
    kind = file.suffix.lower()
    untimed = load_casia_csv if kind == ".csv" and is_casia_csv(file) else UNTIMED.get(kind)
    if untimed is not None:
        return _read_untimed(untimed, file, name, frame_rate)
    if frame_rate is not None:
        raise ConfigError(
            f"{str(file)!r} states its own frame rate.",
            hint="leave out frame_rate: it is for pose tables, pickles and AMC motions",
        )
    return TIMED.get(kind, load_manifest)(file, name)


def _read_untimed(
    reader: UntimedReader, path: Path, name: str, frame_rate: float | None
) -> list[Recording]:
    return reader(path, name) if frame_rate is None else reader(path, name, frame_rate=frame_rate)


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

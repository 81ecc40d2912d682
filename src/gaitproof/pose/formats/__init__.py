"""Readers and writers of pose files; units and losses: docs/reference/formats.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from gaitproof.errors import PoseError
from gaitproof.pose.formats import common
from gaitproof.pose.formats.bvh import load_bvh, save_bvh
from gaitproof.pose.formats.c3d import load_c3d, save_c3d
from gaitproof.pose.formats.coco import load_coco, save_coco
from gaitproof.pose.formats.mediapipe_json import (
    load_mediapipe_csv,
    load_mediapipe_json,
    save_mediapipe_csv,
    save_mediapipe_json,
)
from gaitproof.pose.formats.npz import load_npz, save_npz
from gaitproof.pose.formats.openpose import load_openpose, save_openpose
from gaitproof.pose.formats.trc import load_trc, save_trc
from gaitproof.reading import read_json
from gaitproof.types import PoseSequence

_LOAD: Final[dict[str, Callable[[Path], PoseSequence]]] = {
    "npz": load_npz,
    "mediapipe-json": load_mediapipe_json,
    "mediapipe-csv": load_mediapipe_csv,
    "trc": load_trc,
    "c3d": load_c3d,
    "bvh": load_bvh,
}
_LOAD_IMAGE: Final = {"openpose": load_openpose, "coco": load_coco}
_SAVE: Final[dict[str, Callable[[Path, PoseSequence], None]]] = {
    "npz": save_npz,
    "openpose": save_openpose,
    "coco": save_coco,
    "mediapipe-json": save_mediapipe_json,
    "mediapipe-csv": save_mediapipe_csv,
    "trc": save_trc,
    "c3d": save_c3d,
    "bvh": save_bvh,
}

FORMATS: Final = tuple(_SAVE)
"""Names of the formats, as `load_pose` and `save_pose` take them."""

SUFFIXES: Final = {
    ".npz": "npz",
    ".json": "mediapipe-json",
    ".csv": "mediapipe-csv",
    ".trc": "trc",
    ".c3d": "c3d",
    ".bvh": "bvh",
}
"""The format that a file's name stands for; for JSON that is read, its contents decide."""


def load_pose(
    path: Path,
    format: str | None = None,
    *,
    frame_rate: float | None = None,
    frame_size: tuple[int, int] | None = None,
    person: str | int = "largest",
) -> PoseSequence:
    """Read a pose file of any known format.

    Parameters
    ----------
    path
        File, or folder of OpenPose files.
    format
        One of `FORMATS`; where None it is found from the name and, for JSON, the contents. What is
        given wins over what could be found.
    frame_rate
        Frames per second, for formats without time stamps.
    frame_size
        (width, height) in pixels, for formats without it.
    person
        Of several people, ``"largest"`` or an index.

    Raises
    ------
    PoseError
        If the format is unknown, or the file cannot be read or is malformed.
    """
    chosen = detect_format(path) if format is None else format
    if chosen in _LOAD:
        return _LOAD[chosen](path)
    if chosen in _LOAD_IMAGE:
        return _LOAD_IMAGE[chosen](
            path, frame_rate=frame_rate, frame_size=frame_size, person=person
        )
    raise PoseError("The pose format is unknown.", expected=", ".join(FORMATS), actual=repr(format))


def save_pose(path: Path, sequence: PoseSequence, format: str | None = None) -> None:
    """Write a pose file of any format, atomically.

    Parameters
    ----------
    path
        The file; for ``openpose`` a folder.
    sequence
        What to write. Every format but ``npz`` loses something: see docs/reference/formats.md.
    format
        One of `FORMATS`; where None it is told from the suffix, see `SUFFIXES`.

    Raises
    ------
    PoseError
        If the format is unknown, or cannot hold the sequence.
    """
    _SAVE[check_format(path, format)](path, sequence)


def check_format(path: Path, format: str | None = None) -> str:
    """Return the format in which `save_pose` writes; arguments and errors are the same."""
    if format is None:
        if path.suffix.lower() not in SUFFIXES:
            raise PoseError(
                f"The name {path.name!r} does not tell the pose format.",
                expected=", ".join(SUFFIXES),
                actual=repr(path.suffix),
            )
        return SUFFIXES[path.suffix.lower()]
    if format not in _SAVE:
        raise PoseError(
            "The pose format is unknown.", expected=", ".join(FORMATS), actual=repr(format)
        )
    return format


def detect_format(path: Path) -> str:
    """Find the format of a pose file from its name and, for JSON, its contents.

    Raises
    ------
    PoseError
        If it cannot be determined.
    """
    if path.is_dir():
        return "openpose"
    suffix = path.suffix.lower()
    if suffix in SUFFIXES and suffix != ".json":
        return SUFFIXES[suffix]
    if suffix == ".json":
        data = read_json(path, common.text_kind("JSON file"))
        if isinstance(data, list) or (isinstance(data, dict) and "annotations" in data):
            return "coco"
        if isinstance(data, dict) and "people" in data:
            return "openpose"
        if isinstance(data, dict) and "frames" in data:
            return "mediapipe-json"
    raise PoseError(
        f"The pose format of {str(path)!r} cannot be determined.",
        expected=f"a folder of OpenPose files, or a known {', '.join(SUFFIXES)}",
        hint=f"name the format: {', '.join(FORMATS)}",
    )

"""Readers and writers of pose files; see docs/formats.md for units and for what each one loses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gaitproof.errors import PoseError
from gaitproof.pose.formats import common
from gaitproof.pose.formats.coco import load_coco, save_coco
from gaitproof.pose.formats.mediapipe_csv import load_mediapipe_csv, save_mediapipe_csv
from gaitproof.pose.formats.mediapipe_json import load_mediapipe_json, save_mediapipe_json
from gaitproof.pose.formats.npz import load_npz, save_npz
from gaitproof.pose.formats.openpose import load_openpose, save_openpose
from gaitproof.types import PoseSequence

__all__ = [
    "FORMATS",
    "detect_format",
    "load_coco",
    "load_mediapipe_csv",
    "load_mediapipe_json",
    "load_npz",
    "load_openpose",
    "load_pose",
    "save_coco",
    "save_mediapipe_csv",
    "save_mediapipe_json",
    "save_npz",
    "save_openpose",
]

FORMATS: Final = ("npz", "openpose", "coco", "mediapipe-json", "mediapipe-csv")
"""Names of the formats, as `load_pose` takes them."""


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
    if chosen == "npz":
        return load_npz(path)
    if chosen == "mediapipe-json":
        return load_mediapipe_json(path)
    if chosen == "mediapipe-csv":
        return load_mediapipe_csv(path)
    if chosen in ("openpose", "coco"):
        load = load_openpose if chosen == "openpose" else load_coco
        return load(path, frame_rate=frame_rate, frame_size=frame_size, person=person)
    raise PoseError("The pose format is unknown.", expected=", ".join(FORMATS), actual=repr(format))


def detect_format(path: Path) -> str:
    """Find the format of a pose file from its name and, for JSON, its contents.

    Raises
    ------
    PoseError
        If it cannot be told.
    """
    if path.is_dir():
        return "openpose"
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return "npz"
    if suffix == ".csv":
        return "mediapipe-csv"
    if suffix == ".json":
        data = common.read_json(path, "a JSON file")
        if isinstance(data, list) or (isinstance(data, dict) and "annotations" in data):
            return "coco"
        if isinstance(data, dict) and "people" in data:
            return "openpose"
        if isinstance(data, dict) and "frames" in data:
            return "mediapipe-json"
    raise PoseError(
        f"The pose format of {str(path)!r} cannot be told.",
        expected="a folder of OpenPose files, .npz, .csv, or .json of a known layout",
        hint=f"name the format: {', '.join(FORMATS)}",
    )

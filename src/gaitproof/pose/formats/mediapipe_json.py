"""MediaPipe landmarks as JSON, and as CSV.

One object: ``{"format": "mediapipe-pose", "version": 1, "width": w, "height": h, "estimator": str,
"frames": [{"timestamp": s, "pose_landmarks": […], "pose_world_landmarks": […]}, …]}``. Landmarks
are MediaPipe's 33 in its own units and axes: image coordinates as parts of the frame's width and
height, x right, y down; world coordinates in metres, x right, y down, z away from the camera; each
``{"x", "y", "visibility"}`` or ``{"x", "y", "z", "visibility"}``, or null if unknown. A frame
without the person has empty lists.
"""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.media.files import write_atomically
from gaitproof.pose.formats import common
from gaitproof.reading import guarded, malformed, read_json, read_rows, shown
from gaitproof.text import csv_text
from gaitproof.types import N_LANDMARKS, Landmark, PoseSequence

FORMAT: Final = "mediapipe-pose"
VERSION: Final = 1
_FILE: Final = common.text_kind("MediaPipe pose JSON file")

WORLD_SIGNS: Final = np.array([1.0, -1.0, -1.0])
"""MediaPipe's world axes (y down, z away) to ours (y up, z to the camera), and back."""


def save_mediapipe_json(path: Path, sequence: PoseSequence) -> None:
    """Write a sequence as MediaPipe JSON, atomically; camera motion and file hash are lost."""
    frames = []
    size = np.array(sequence.frame_size or (1, 1), np.float64)
    for t in range(len(sequence)):
        seen = sequence.visibility[t]
        frame: dict[str, Any] = {"timestamp": float(sequence.timestamps[t])}
        if sequence.image is not None:
            frame["pose_landmarks"] = _landmarks(sequence.image[t] / size, seen, "xy")
        if sequence.world is not None:
            frame["pose_world_landmarks"] = _landmarks(sequence.world[t] * WORLD_SIGNS, seen, "xyz")
        frames.append(frame)
    width, height = sequence.frame_size or (None, None)
    data = {
        "format": FORMAT,
        "version": VERSION,
        "width": width,
        "height": height,
        "estimator": sequence.estimator,
        "frames": frames,
    }
    write_atomically(path, json.dumps(data).encode())


def load_mediapipe_json(path: Path) -> PoseSequence:
    """Read a sequence from MediaPipe JSON.

    Raises
    ------
    PoseError
        If the file is unreadable or malformed, or of another version.
    """
    data = read_json(path, _FILE)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise malformed(path, _FILE, f"no 'format' {FORMAT!r}")
    if data.get("version") != VERSION:
        raise PoseError(
            f"{str(path)!r} is of another version.",
            expected=str(VERSION),
            actual=shown(data.get("version")),
        )
    with guarded(path, _FILE):
        return _sequence(data)


def _landmarks(points: NDArray[Any], seen: NDArray[Any], axes: str) -> list[Any]:
    if not np.isfinite(points).all(axis=1).any():
        return []
    return [
        {
            **{a: common.number(v, 9) for a, v in zip(axes, point, strict=True)},
            "visibility": common.number(score, 9),
        }
        if np.isfinite(point).all()
        else None
        for point, score in zip(points, seen, strict=True)
    ]


def _sequence(data: dict[str, Any]) -> PoseSequence:
    frames = data["frames"]
    if len(frames) > common.MAX_FRAMES:
        raise ValueError(f"{len(frames)} frames; at most {common.MAX_FRAMES} are read")
    times = np.array([float(frame["timestamp"]) for frame in frames], np.float64)
    visibility = np.zeros((len(frames), N_LANDMARKS))
    arrays: dict[str, NDArray[np.float64] | None] = {}
    for key, axes in (("pose_landmarks", "xy"), ("pose_world_landmarks", "xyz")):
        has = any(key in frame for frame in frames) if frames else key == "pose_world_landmarks"
        points = np.full((len(frames), N_LANDMARKS, len(axes)), np.nan)
        for t, frame in enumerate(frames):
            entries = frame.get(key, [])
            if len(entries) not in (0, N_LANDMARKS):
                raise ValueError(f"{len(entries)} landmarks in a frame, not {N_LANDMARKS}")
            for k, entry in enumerate(entries):
                if entry is not None:
                    place = [float(entry[a]) for a in axes]
                    if np.isfinite(place).all():
                        points[t, k] = place
                        visibility[t, k] = float(entry.get("visibility", 1.0))
        arrays[key] = points if has else None
    size = None
    if data.get("width") is not None and data.get("height") is not None:
        size = (int(data["width"]), int(data["height"]))
    image, world = arrays["pose_landmarks"], arrays["pose_world_landmarks"]
    if image is not None and size is None:
        raise ValueError("no width and height")
    if image is not None:
        image *= np.array(size, np.float64)
    if world is not None:
        world *= WORLD_SIGNS
    return PoseSequence(
        timestamps=times,
        image=None if image is None else image.astype(np.float32),
        world=None if world is None else world.astype(np.float32),
        visibility=visibility.clip(0, 1),
        frame_size=size,
        estimator=str(data.get("estimator", "mediapipe")),
    )


Float64 = NDArray[np.float64]

_TABLE: Final = common.text_kind("MediaPipe pose CSV file")
_IMAGE: Final = ("x", "y")
_WORLD: Final = ("wx", "wy", "wz")


def _columns(suffixes: tuple[str, ...]) -> list[str]:
    return [f"{landmark.name.lower()}_{s}" for landmark in Landmark for s in suffixes]


_KNOWN: Final = frozenset(
    {"timestamp", "width", "height", *_columns((*_IMAGE, *_WORLD, "visibility"))}
)


def save_mediapipe_csv(path: Path, sequence: PoseSequence) -> None:
    """Write a sequence as CSV, atomically.

    Estimator, camera motion and file hash are lost.
    """
    blocks: list[tuple[list[str], Float64]] = []
    if sequence.image is not None:
        assert sequence.frame_size is not None
        size = np.array(sequence.frame_size, np.float64)
        blocks.append((_columns(_IMAGE), sequence.image / size))
    if sequence.world is not None:
        blocks.append((_columns(_WORLD), sequence.world * WORLD_SIGNS))
    blocks.append((_columns(("visibility",)), sequence.visibility.astype(np.float64)))
    rows = [["timestamp", "width", "height", *(c for names, _ in blocks for c in names)]]
    for t, time in enumerate(sequence.timestamps):
        cells = [
            "" if np.isnan(v) else repr(common.number(v, 9))
            for _, block in blocks
            for v in block[t].ravel()
        ]
        rows.append([repr(float(time)), *map(str, sequence.frame_size or ("", "")), *cells])
    write_atomically(path, csv_text(rows).encode())


def load_mediapipe_csv(path: Path) -> PoseSequence:
    """Read a sequence from CSV; column order does not matter, unknown columns are ignored.

    Raises
    ------
    PoseError
        If the file is unreadable or malformed.
    """
    rows = read_rows(path, _TABLE, max_rows=common.MAX_FRAMES + 1)
    with guarded(path, _TABLE):
        _, header = next(rows)
        known = {name: i for i, name in enumerate(header) if name in _KNOWN}
        place = {name: i for i, name in enumerate(known)}
        numbers = array("d")
        for _, cells in rows:  # kept as numbers: as strings they take up to twenty times the file
            if len(cells) != len(header):
                raise ValueError("rows differ in length")
            kept = (cells[i] for i in known.values())
            numbers.extend(float(cell) if cell.strip() else math.nan for cell in kept)
        table = np.array(numbers).reshape(-1, len(known))
        times = _block(table, place, ["timestamp"])[:, 0]
        seen = _block(table, place, _columns(("visibility",)))
        image = world = size = None
        if f"{Landmark.NOSE.name.lower()}_x" in place:
            image = _block(table, place, _columns(_IMAGE)).reshape(-1, N_LANDMARKS, 2)
            sizes = {tuple(row) for row in _block(table, place, ["width", "height"]).tolist()}
            if len(sizes) != 1:
                raise ValueError("width and height must be given and the same in every row")
            size = tuple(int(v) for v in sizes.pop())
            image = image * np.array(size, np.float64)
        if f"{Landmark.NOSE.name.lower()}_wx" in place:
            world = _block(table, place, _columns(_WORLD)).reshape(-1, N_LANDMARKS, 3) * WORLD_SIGNS
    return PoseSequence(
        timestamps=times,
        image=None if image is None else image.astype(np.float32),
        world=None if world is None else world.astype(np.float32),
        visibility=np.nan_to_num(seen),
        frame_size=None if size is None else (size[0], size[1]),
        estimator="mediapipe",
    )


def _block(table: Float64, place: dict[str, int], names: list[str]) -> Float64:
    return table[:, [place[name] for name in names]]

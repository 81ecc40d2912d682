"""C3D, the binary file of motion capture laboratories (c3d.org), through the library `c3d`.

Written are little-endian floating-point points in millimetres, y up (``POINT:Y_SCREEN`` says so).
A point that was not seen has residual -1, as the format wants it.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.errors import PoseError
from gaitproof.media.files import write_atomically
from gaitproof.pose.formats import common
from gaitproof.pose.formats.markers import (
    MILLIMETRES,
    Float64,
    even_frames,
    known_landmarks,
    marker_sequence,
    world_of,
)
from gaitproof.reading import FileKind, guarded, read_bytes
from gaitproof.types import PoseSequence

MAX_SAVED: Final = 65_534
"""Most frames that are written: beyond, readers disagree about where the number stands."""

MAX_POINTS: Final = 10_000_000
"""Most points of all frames: each takes about 100 bytes while it is read."""

MAX_WORDS: Final = 2**16
"""Most analog values of a frame, and most names."""

MAX_RATE: Final = 10_000.0

_FILE: Final = FileKind("C3D file", PoseError, 2**27, hint="name the format if it is another one")


def save_c3d(path: Path, sequence: PoseSequence) -> None:
    """Write the world coordinates as C3D, atomically.

    Visibility, image coordinates, the estimator's name and the time of the first frame are lost;
    uneven time stamps are put on an even grid (`markers.even_frames`).

    Raises
    ------
    PoseError
        If there are no world coordinates, or more than `MAX_SAVED` frames.
    """
    from c3d import Writer

    world = world_of(sequence, "C3D") * MILLIMETRES
    marks = known_landmarks(world)
    rate, points = even_frames(sequence.timestamps, world[:, marks])
    if len(points) > MAX_SAVED:
        raise PoseError(
            "The sequence is too long for C3D.",
            expected=f"at most {MAX_SAVED} frames",
            actual=f"{len(points)} frames",
        )
    known = np.isfinite(points).all(axis=2)
    table = np.zeros((*points.shape[:2], 5), np.float32)
    table[known, :3] = points[known]
    table[~known, 3:] = -1
    buffer = io.BytesIO()
    with _strict():
        writer = Writer(point_rate=rate, point_units="mm  ")
        writer.set_point_labels([mark.name for mark in marks])
        writer.set_screen_axis("+X", "+Y")
        writer.add_frames([(frame, np.zeros((0, 0))) for frame in table])
        writer.write(buffer)
    write_atomically(path, buffer.getvalue())


def load_c3d(path: Path) -> PoseSequence:
    """Read the landmarks of a C3D file.

    Markers that are no landmark of ours and analog channels are left out; which axis is up is told
    from the body. Visibility is 1 where a marker is known; time begins at 0.

    Raises
    ------
    PoseError
        If the file is unreadable, malformed or cut off, or no marker is a landmark.
    """
    data = read_bytes(path, _FILE)
    with guarded(path, _FILE):
        names, points, rate, unit = _parse(data)
    return marker_sequence(path, names, points, np.arange(len(points)) / rate, unit, "c3d")


@contextmanager
def _strict() -> Iterator[None]:
    """Turn the library's warnings into errors: of data that end too early it only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="No analog data")
        warnings.filterwarnings("ignore", message="incomplete reading")
        yield


def _parse(data: bytes) -> tuple[list[str], Float64, float, str]:
    from c3d import Reader

    if len(data) < 1024 or data[1] != 0x50:
        raise ValueError("no C3D header")
    with _strict():
        reader: Any = Reader(io.BytesIO(data))
        count = int(reader.last_frame) - int(reader.first_frame) + 1
        used, rate = int(reader.point_used), float(reader.point_rate)
        width = 4 if reader.point_scale < 0 else 2
        if not 1 <= count <= common.MAX_FRAMES or used < 1:
            raise ValueError(f"{count} frames of {used} points")
        if count * used > MAX_POINTS:
            raise ValueError(f"{count} frames of {used} points; at most {MAX_POINTS} points in all")
        if count * used * 4 * width > len(data):
            raise ValueError(f"{count} frames of {used} points in {len(data)} bytes")
        if not 1 <= rate <= MAX_RATE:
            raise ValueError(f"{rate} frames a second")
        analog = int(reader.analog_used) * int(reader.analog_per_frame)
        # the library makes every name that the dimensions promise, whatever bytes there are
        promised = math.prod(reader.get("POINT:LABELS").dimensions[1:])
        if analog > MAX_WORDS or promised > MAX_WORDS:
            raise ValueError(f"{analog} analog values a frame, {promised} names")
        labels = [str(label).strip() for label in reader.point_labels]
        unit = str(reader.get("POINT:UNITS").string_value).strip("\x00 ") or "mm"
        frames = [frame[:, :4] for _, frame, _ in reader.read_frames()]
    if len(frames) != count or len(labels) < used:
        raise ValueError(f"{len(frames)} of {count} frames, {len(labels)} of {used} names")
    table = np.array(frames, np.float64)
    points = np.where(table[:, :, 3:] < 0, np.nan, table[:, :, :3])
    return labels[:used], points, rate, unit

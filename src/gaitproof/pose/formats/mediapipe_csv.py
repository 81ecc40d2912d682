"""MediaPipe landmarks as CSV: one row per frame, for spreadsheets and data frames.

Columns: ``timestamp`` (s), ``width``, ``height`` (pixels), then for each of the 33 landmarks, named
as in MediaPipe in lower case (``left_heel``), ``_x _y`` (parts of the frame), ``_wx _wy _wz``
(metres, MediaPipe's axes: y down, z away from the camera) and ``_visibility``. Cells of what is
unknown are empty; the ``_x _y`` or the ``_w`` columns may be left out.
"""

from __future__ import annotations

import csv
import io
import math
from array import array
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.media.files import write_atomically
from gaitproof.pose.formats import common
from gaitproof.pose.formats.mediapipe_json import WORLD_SIGNS
from gaitproof.reading import guarded, read_rows
from gaitproof.types import N_LANDMARKS, Landmark, PoseSequence

Float64 = NDArray[np.float64]

_FILE: Final = common.text_kind("MediaPipe pose CSV file")
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
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["timestamp", "width", "height", *(c for names, _ in blocks for c in names)])
    for t, time in enumerate(sequence.timestamps):
        cells = [
            "" if np.isnan(v) else repr(common.number(v, 9))
            for _, block in blocks
            for v in block[t].ravel()
        ]
        writer.writerow([repr(float(time)), *(sequence.frame_size or ("", "")), *cells])
    write_atomically(path, out.getvalue().encode())


def load_mediapipe_csv(path: Path) -> PoseSequence:
    """Read a sequence from CSV; column order does not matter, unknown columns are ignored.

    Raises
    ------
    PoseError
        If the file is unreadable or malformed.
    """
    rows = read_rows(path, _FILE, max_rows=common.MAX_FRAMES + 1)
    with guarded(path, _FILE):
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

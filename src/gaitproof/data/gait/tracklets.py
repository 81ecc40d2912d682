"""Tracklets beside a table: DenseGait and FVG as GaitFormer's authors publish them.

The layout (Cosma and Radoi, "Learning Gait Representations with Noisy Multi-Task Learning", Sensors
2022; github.com/cosmaadrian/gaitformer): ``annotations.csv`` with ``track_id`` and ``file_name`` of
every sequence, and a ``.npy`` (frames, 18, 3) for each, x, y and confidence of OpenPose's 18 key
points. DenseGait's table has 42 appearance attributes beside, which are not read; FVG's has
``session_id`` and ``run_id`` (Zhang et al., "Gait Recognition via Disentangled Representation
Learning", CVPR 2019: twelve runs in each of three sessions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.casia_csv import DEFAULT_RATE, KEYPOINTS, coco_recording
from gaitproof.data.gait.recording import Recording
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError
from gaitproof.pose.formats.coco import COCO_17
from gaitproof.reading import FileKind, open_file, read_array, read_rows

MAX_ROWS: Final = 300_000
"""Most sequences: DenseGait has 217 000."""

MAX_FRAMES: Final = 100_000

_TABLE: Final = FileKind("table of tracklets", InputError, 2**30)
_ARRAY: Final = FileKind("tracklet", InputError, 2**26, expected="a NumPy .npy of numbers")
_COLUMNS: Final = ("track_id", "file_name")
_RUN: Final = ("session_id", "run_id")

# fmt: off
OPENPOSE_18: Final = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)
# fmt: on
"""OpenPose's order of the 18 key points of its COCO model."""

_ORDERS: Final[Mapping[int, NDArray[np.int64]]] = {
    KEYPOINTS: np.arange(KEYPOINTS),
    len(OPENPOSE_18): np.array([OPENPOSE_18.index(name) for name in COCO_17]),
}
_SHOULDERS, _ANKLES = (
    [COCO_17.index(f"{side}_{joint}") for side in ("left", "right")]
    for joint in ("shoulder", "ankle")
)

FVG_CONDITIONS: Final[Mapping[tuple[int, int], str]] = {
    (0, 1): "speed",
    (0, 2): "speed",
    (0, 3): "bag",
    (1, 1): "speed",
    (1, 2): "clothes",
    (1, 3): "background",
}
"""Condition by session and group of three runs, both from 0; other groups are ordinary walks."""


def is_tracklet_table(path: Path) -> bool:
    """Whether a CSV file has the columns of such a table."""
    try:
        with open_file(path, _TABLE) as file:
            first = file.readline(2**14).decode("utf-8", "replace")
    except (InputError, OSError):
        return False
    return set(_COLUMNS) <= {cell.strip() for cell in first.split(",")}


def load_tracklets(path: Path, name: str, *, frame_rate: float = DEFAULT_RATE) -> list[Recording]:
    """Read the sequences of a table.

    Parameters
    ----------
    path
        The table. Its ``file_name`` are below its own folder or one of the two above, as the
        published tables have it.
    name
        Name of the data set.
    frame_rate
        Frames per second; neither table nor arrays say it.

    Returns
    -------
    list of Recording
        Two-dimensional and without feet; subjects are the tracks. Coordinates may be pixels or
        lengths of a body and y may point up or down: a walker's shoulders are above the ankles.

    Raises
    ------
    InputError
        If the table is of another layout, a file is missing or outside, or no array of shape
        (frames, 18, 3) or, in COCO's order, (frames, 17, 3).
    """
    rows = read_rows(path, _TABLE, max_rows=MAX_ROWS)
    _, header = next(rows, (0, []))
    header = [cell.strip() for cell in header]
    if not set(_COLUMNS) <= set(header):
        raise InputError(
            f"{str(path)!r} is not a table of tracklets.",
            expected=f"the columns {', '.join(_COLUMNS)}",
        )
    wanted = [*_COLUMNS, *(_RUN if set(_RUN) <= set(header) else ())]
    places = [header.index(column) for column in wanted]
    table = []
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"Line {line} of {str(path)!r} has the wrong number of cells.",
                expected=str(len(header)),
                actual=str(len(cells)),
            )
        table.append([cells[place].strip() for place in places])
    if not table:
        raise InputError(f"The table {str(path)!r} has no rows.")
    root = _root(path, table[0][1])
    labels = _label_runs([row[2:] for row in table], path)
    return [
        coco_recording(
            np.arange(len(points)),
            points,
            frame_rate,
            "tracklets",
            subject=row[0],
            recording=recording or Path(row[1]).with_suffix("").as_posix(),
            condition=condition,
            view="",
            source=name,
        )
        for row, (recording, condition) in zip(table, labels, strict=True)
        for points in [_read(locate(root, row[1]))]
    ]


def _root(path: Path, first: str) -> Path:
    folders = list(path.absolute().parents)[:3]
    return next((folder for folder in folders if locate(folder, first).is_file()), folders[0])


def _label_runs(runs: Sequence[Sequence[str]], path: Path) -> list[tuple[str, str]]:
    """Return recording and condition of every row; of a table without runs an empty recording."""
    if not runs[0]:
        return [("", "walk")] * len(runs)
    try:
        sessions, numbers = (sorted({int(row[i]) for row in runs}) for i in range(2))
        return [
            (
                f"{session}/{run}",
                FVG_CONDITIONS.get(
                    (sessions.index(int(session)), numbers.index(int(run)) // 3), "walk"
                ),
            )
            for session, run in runs
        ]
    except ValueError as error:
        raise InputError(
            f"A session or run of {str(path)!r} is no whole number.", actual=str(error)
        ) from error


def _read(file: Path) -> NDArray[np.float64]:
    """Return key points (T, 17, 3) in COCO's order, y down."""
    array = read_array(file, _ARRAY)
    if (
        array.ndim != 3
        or array.shape[1] not in _ORDERS
        or array.shape[2] != 3
        or not 0 < len(array) <= MAX_FRAMES
        or array.dtype.kind not in "iuf"
    ):
        raise InputError(
            f"The array in {str(file)!r} is not a pose sequence.",
            expected="shape (frames, 18, 3)",
            actual=str(array.shape),
        )
    points = array[:, _ORDERS[array.shape[1]]].astype(np.float64)
    seen = np.where(points[..., 2] > 0, points[..., 1], np.nan)
    with np.errstate(all="ignore"):
        if np.nansum(seen[:, _SHOULDERS] - seen[:, _ANKLES]) > 0:
            points[..., 1] *= -1
    return points

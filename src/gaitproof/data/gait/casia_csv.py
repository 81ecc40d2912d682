"""COCO-17 poses, and CASIA-B in them as GaitGraph publishes it: one CSV, one row per frame.

The layout (Teepe et al., GaitGraph, ICIP 2021): a header ``image_name`` and ``<keypoint>_x``,
``<keypoint>_y``, ``<keypoint>_conf`` of the 17 COCO key points; ``image_name`` is a path whose
last folder is ``SSS-CC-NN-VVV`` (subject, ``nm``, ``bg`` or ``cl``, number, view in degrees) and
whose file name is the frame number: ``frames/001-nm-01-090/000012.jpg``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.recording import Recording, make_recording
from gaitproof.errors import InputError
from gaitproof.pose.formats.coco import COCO_17, ROWS
from gaitproof.reading import FileKind, open_file, read_rows
from gaitproof.types import N_LANDMARKS, PoseSequence

KEYPOINTS: Final = 17

MAX_PIXELS: Final = 1e5
"""Coordinates beyond it are damage, and count as not seen."""

DEFAULT_RATE: Final = 25.0
"""Frames per second of CASIA-B (Yu, Tan & Tan, ICPR 2006), OUMVLP and Gait3D; the files themselves
do not say it."""


def coco_recording(
    frames: NDArray[np.integer[Any]],
    keypoints: NDArray[np.floating[Any]],
    frame_rate: float,
    estimator: str,
    **labels: str,
) -> Recording:
    """Make a two-dimensional recording; COCO-17 has neither heels nor toes.

    Parameters
    ----------
    frames
        Shape (T,), increasing frame numbers.
    keypoints
        Shape (T, 17, 3): x and y in pixels, y down, and confidence. Not seen: a confidence of 0
        or less, or anything that is not finite or beyond `MAX_PIXELS`.
    frame_rate
        Frames per second.
    estimator
        What made the key points.
    **labels
        Labels of `Recording`.
    """
    values = keypoints.astype(np.float64)
    known = np.isfinite(values).all(axis=2) & (np.abs(values) < MAX_PIXELS).all(axis=2)
    seen = known & (values[..., 2] > 0)
    image = np.full((len(values), N_LANDMARKS, 2), np.nan, np.float32)
    visibility = np.zeros((len(values), N_LANDMARKS), np.float32)
    for column, landmark in enumerate(ROWS[KEYPOINTS]):
        if landmark is not None:
            image[:, landmark] = np.where(seen[:, column, None], values[:, column, :2], np.nan)
            visibility[:, landmark] = np.where(
                seen[:, column], values[:, column, 2].clip(0, 1), 0.0
            )
    largest = values[seen][:, :2].max(axis=0, initial=1.0) if seen.any() else np.ones(2)
    sequence = PoseSequence(
        timestamps=(frames - frames[0]) / frame_rate if len(frames) else np.zeros(0),
        image=image,
        world=None,
        visibility=visibility,
        # the files do not say how large the image was; nothing but plausibility depends on it
        frame_size=(math.ceil(max(largest[0], 1)), math.ceil(max(largest[1], 1))),
        estimator=estimator,
        feet=False,
    )
    return make_recording(sequence, None, **labels)


MAX_ROWS: Final = 1_500_000
"""Most rows: all of CASIA-B has about 1.1 million."""

_FILE: Final = FileKind("pose table", InputError, 2**30)

NAME_COLUMN: Final = "image_name"
_COLUMNS: Final = tuple(f"{joint}_{part}" for joint in COCO_17 for part in ("x", "y", "conf"))
_PLACE: Final = re.compile(
    r"(?:.*/)?(?P<subject>\d{1,6})-(?P<condition>[a-z]{2})-(?P<number>\d{1,3})-(?P<view>\d{1,3})"
    r"/(?P<frame>\d{1,9})\.[A-Za-z]{3,4}"
)


def is_casia_csv(path: Path) -> bool:
    """Whether a CSV file begins as GaitGraph's do."""
    try:
        with open_file(path, _FILE) as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").startswith(NAME_COLUMN.encode())
    except (InputError, OSError):
        return False


def load_casia_csv(path: Path, name: str, *, frame_rate: float = DEFAULT_RATE) -> list[Recording]:
    """Read the walks of a pose CSV in GaitGraph's layout.

    Parameters
    ----------
    path
        The file. Rows of a walk may be anywhere in it; frames that are missing are gaps.
    name
        Name of the data set.
    frame_rate
        Frames per second; the file does not say it.

    Returns
    -------
    list of Recording
        One per walk and view, two-dimensional and without feet. `recording` is ``nm-01``, which
        the eleven views of one walk share, `condition` ``nm``.

    Raises
    ------
    InputError
        If the file cannot be read, is of another layout, or a row is malformed or there twice.
    """
    walks = _read(read_rows(path, _FILE, max_rows=MAX_ROWS), path)
    recordings = []
    for (subject, condition, number, view), frames in sorted(walks.items()):
        order = sorted(frames)
        recordings.append(
            coco_recording(
                np.array(order),
                np.array([frames[i] for i in order]),
                frame_rate,
                "gaitgraph-csv",
                subject=subject,
                recording=f"{condition}-{number}",
                condition=condition,
                view=view,
                source=name,
            )
        )
    return recordings


_Walk = tuple[str, str, str, str]


def _read(
    rows: Iterator[tuple[int, list[str]]], path: Path
) -> dict[_Walk, dict[int, NDArray[np.float32]]]:
    header = [cell.strip().lower() for cell in next(rows, (0, []))[1]]
    if sorted(header) != sorted((NAME_COLUMN, *_COLUMNS)):
        raise InputError(
            f"{str(path)!r} is not a pose table in GaitGraph's layout.",
            expected=f"the columns {NAME_COLUMN}, {_COLUMNS[0]}, {_COLUMNS[1]}, {_COLUMNS[2]} … "
            f"{_COLUMNS[-1]}: {1 + len(_COLUMNS)}",
            actual=f"{len(header)} columns: {', '.join(header[:4])[:80]} …",
        )
    order = np.array([header.index(column) for column in _COLUMNS])
    place = header.index(NAME_COLUMN)
    walks: dict[_Walk, dict[int, NDArray[np.float32]]] = {}
    for line, cells in rows:
        where = f"Line {line} of {str(path)!r}"
        if len(cells) != len(header):
            raise InputError(
                f"{where} has the wrong number of cells.",
                expected=str(len(header)),
                actual=str(len(cells)),
            )
        match = _PLACE.fullmatch(cells[place].strip())
        if match is None:
            raise InputError(
                f"{where} does not name a frame of a walk.",
                expected="…/001-nm-01-090/000012.jpg",
                actual=repr(cells[place][:80]),
            )
        try:
            with np.errstate(over="ignore"):  # what is too large is not seen
                values = np.array([float(cells[i] or "nan") for i in order], np.float32)
        except ValueError as error:
            raise InputError(f"{where} has a cell that is no number.", actual=str(error)) from error
        walk = (match["subject"], match["condition"], match["number"], match["view"])
        frames = walks.setdefault(walk, {})
        if int(match["frame"]) in frames:
            raise InputError(f"{where} repeats a frame.", actual=repr(cells[place][:80]))
        frames[int(match["frame"])] = values.reshape(KEYPOINTS, 3)
    if not walks:
        raise InputError(f"The pose table {str(path)!r} has no rows.")
    return walks

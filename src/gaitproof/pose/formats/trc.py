"""TRC, the marker file of Motion Analysis that OpenSim reads: tab-separated text, millimetres.

Layout after OpenSim's documentation, "Marker (.trc) Files": three header lines, the marker names,
the axes, then one line per frame with its number, its time in seconds and three values a marker.
A marker that was not seen has empty cells. Written with y up.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.media.files import write_atomically
from gaitproof.pose.formats import common
from gaitproof.pose.formats.markers import (
    MILLIMETRES,
    Float64,
    known_landmarks,
    marker_sequence,
    world_of,
)
from gaitproof.reading import guarded, read_text
from gaitproof.types import PoseSequence

MAX_MARKERS: Final = 1000

_FILE: Final = common.text_kind("TRC marker file")


def save_trc(path: Path, sequence: PoseSequence) -> None:
    """Write the world coordinates as TRC, atomically.

    Visibility, image coordinates and the estimator's name are lost; time stamps are kept to a
    nanosecond and points to a micrometre.

    Raises
    ------
    PoseError
        If there are no world coordinates.
    """
    world = world_of(sequence, "TRC") * MILLIMETRES
    marks = known_landmarks(world)
    rate = f"{sequence.frame_rate or 30.0:.6f}"
    count = len(sequence)
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\t"
        "OrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{count}\t{len(marks)}\tmm\t{rate}\t1\t{count}",
        "Frame#\tTime\t" + "\t\t\t".join(mark.name for mark in marks) + "\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(marks) + 1)),
        "",
    ]
    for t, points in enumerate(world[:, marks]):
        values = (f"{v:.3f}" if math.isfinite(v) else "" for v in points.ravel())
        lines.append(f"{t + 1}\t{sequence.timestamps[t]:.9f}\t" + "\t".join(values))
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def load_trc(path: Path) -> PoseSequence:
    """Read the landmarks of a TRC file.

    Markers that are no landmark of ours are left out; which axis is up is told from the body.
    Visibility is 1 where a marker is known.

    Raises
    ------
    PoseError
        If the file is unreadable, malformed or cut off, or no marker is a landmark.
    """
    text = read_text(path, _FILE)
    with guarded(path, _FILE):
        unit, names, times, points = _parse(text)
    return marker_sequence(path, names, points, times, unit, "trc")


def _parse(text: str) -> tuple[str, list[str], Float64, Float64]:
    if text.count("\n") > common.MAX_FRAMES + 100:
        raise ValueError(f"more than {common.MAX_FRAMES} lines")
    lines = text.split("\n")
    if len(lines) < 5 or not lines[0].startswith("PathFileType"):
        raise ValueError("it does not begin with 'PathFileType'")
    keys, values = (line.split("\t") for line in lines[1:3])
    header = dict(zip((k.strip() for k in keys), (v.strip() for v in values), strict=False))
    for key in ("NumFrames", "NumMarkers", "Units"):
        if key not in header:
            raise ValueError(f"no {key} in the header")
    count, markers = int(header["NumFrames"]), int(header["NumMarkers"])
    if not (1 <= count <= common.MAX_FRAMES and 1 <= markers <= MAX_MARKERS):
        raise ValueError(f"{count} frames of {markers} markers")
    rows = [line for line in lines[5:] if line.strip()]
    if len(rows) != count:
        raise ValueError(f"{len(rows)} lines for {count} frames; is it cut off?")
    if sum(map(len, rows)) < 3 * markers * count:
        raise ValueError(f"too little text for {count} frames of {markers} markers")
    names = [name.strip() for name in lines[3].split("\t")[2::3] if name.strip()]
    if len(names) != markers:
        raise ValueError(f"{len(names)} names for {markers} markers")
    times = np.empty(count)
    points = np.full((count, 3 * markers), np.nan)
    for t, row in enumerate(rows):
        cells = row.split("\t")
        # some writers end the line with a tab, none with too few: a short line is cut off
        if len(cells) < 2 + 3 * markers or any(cell.strip() for cell in cells[2 + 3 * markers :]):
            raise ValueError(f"frame {t + 1} has {len(cells)} cells for {markers} markers")
        times[t] = float(cells[1])
        for k, cell in enumerate(cells[2 : 2 + 3 * markers]):
            if cell.strip():
                points[t, k] = float(cell)
    return header["Units"], names, times, points.reshape(count, markers, 3)

"""Recordings of motion capture files: who walks, by the names of files and folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gaitproof.data.gait.recording import Recording, make_recording
from gaitproof.errors import InputError
from gaitproof.pose.formats.bvh import JOINTS, parse_bvh, positions
from gaitproof.pose.formats.mocap import Float64, find_joints, mocap_sequence
from gaitproof.reading import FileKind, malformed, read_table
from gaitproof.types import Landmark

PEOPLE: Final = "people.csv"
"""Optional file beside the motions that joins subject numbers to people."""

_PEOPLE_FILE: Final = FileKind(
    "list of people", InputError, 2**22, expected="CSV with the columns subject, person"
)

_NUMBERED: Final = re.compile(r"(?P<subject>\d+)_(?P<trial>\d+)")
"""``07_01``: subject and trial, as CMU names its files."""


def mocap_recording(
    path: Path,
    points: Float64,
    columns: Mapping[Landmark, int],
    frame_rate: float,
    source: str,
) -> Recording:
    """Make a recording of joint positions.

    Subject and recording are told from a name like CMU's (``07_01``: subject 07), else the folder
    is the subject. A `PEOPLE` file beside the motions (columns ``subject``, ``person``) joins
    subject numbers that are one person, which CMU has.

    Parameters
    ----------
    path
        The motion file.
    points
        Shape (T, J, 3), the file's unit, y up.
    columns
        The joint of each landmark.
    frame_rate
        Frames per second.
    source
        Name of the data set.
    """
    sequence = mocap_sequence(path, points, columns, frame_rate)
    named = _NUMBERED.fullmatch(path.stem)
    subject = named["subject"] if named else path.absolute().parent.name
    person = _people(path.parent / PEOPLE).get(subject, subject)
    return make_recording(
        sequence,
        subject=person,
        recording=path.stem,
        condition="walk",
        view="mocap",
        source=source,
    )


def _people(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    header, rows = read_table(path, _PEOPLE_FILE)
    if not {"subject", "person"} <= set(header):
        raise malformed(path, _PEOPLE_FILE, f"the columns {', '.join(header)}")
    return {row["subject"].strip(): row["person"].strip() for row in rows}


def load_bvh(path: Path, name: str) -> list[Recording]:
    """Read the walk of a BVH file.

    Parameters
    ----------
    path
        The file, y up. Subject and person: see `gaitproof.data.gait.mocap.mocap_recording`.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If the file is unreadable or malformed, claims more frames than it holds, or its skeleton
        has no legs of human size.
    """
    joints, rotations, rate = parse_bvh(path)
    columns = find_joints([joint.name for joint in joints], JOINTS, path)
    return [mocap_recording(path, positions(joints, rotations), columns, rate, name)]

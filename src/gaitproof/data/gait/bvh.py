"""Walks from Biovision hierarchy files (BVH)."""

from __future__ import annotations

from pathlib import Path

from gaitproof.data.gait.mocap import mocap_recording
from gaitproof.data.gait.recording import Recording
from gaitproof.pose.formats.bvh import JOINTS, parse_bvh, positions
from gaitproof.pose.formats.mocap import find_joints


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

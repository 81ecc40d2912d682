"""A skeleton with bones of fixed length, and its rotations, fitted to moving points.

The rest pose stands upright and looks along +z with +x to its left. Rotations are ZXY Euler angles,
in the order of the channels. Each joint's rotation turns the bone that begins there exactly into
its direction; what a single bone leaves open (its twist) is taken from the joint's parent, or from
a second line through the body.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types import Landmark

Float64 = NDArray[np.float64]

_POSITIONS: Final = ("xposition", "yposition", "zposition")
_ROTATIONS: Final = ("zrotation", "xrotation", "yrotation")
_AXES: Final = {"x": (1.0, 0, 0), "y": (0, 1.0, 0), "z": (0, 0, 1.0), "-y": (0, -1.0, 0)}


@dataclass(frozen=True)
class Joint:
    """A joint of a hierarchy: `parent` is an index, -1 for the root; `channels` lower case."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class _Bone:
    """A joint to be fitted: its parent, the point where it lies, and what turns it.

    The line from the joint to the point `aim` lies along the rest axis `along`; `side`, two points
    or none, fixes the twist: the line through them lies as near as can be to the rest axis
    `across`. Without `aim` the bone ends here.
    """

    name: str
    parent: str
    place: str
    aim: str = ""
    along: str = "-y"
    side: tuple[str, str] | None = None
    across: str = "x"


def _arm(side: str) -> tuple[_Bone, ...]:
    s, mark = side.title(), f"{side}_"
    return (
        _Bone(f"{s}Arm", "Chest", mark + "SHOULDER", mark + "ELBOW"),
        _Bone(f"{s}ForeArm", f"{s}Arm", mark + "ELBOW", mark + "WRIST"),
        _Bone(f"{s}Hand", f"{s}ForeArm", mark + "WRIST"),
    )


def _leg(side: str) -> tuple[_Bone, ...]:
    s, mark = side.title(), f"{side}_"
    ankle, heel, toe = mark + "ANKLE", mark + "HEEL", mark + "FOOT_INDEX"
    return (
        _Bone(f"{s}UpLeg", "Hips", mark + "HIP", mark + "KNEE"),
        _Bone(f"{s}Leg", f"{s}UpLeg", mark + "KNEE", ankle),
        _Bone(f"{s}Foot", f"{s}Leg", ankle, toe, "z", (ankle, heel), "-y"),
        _Bone(f"{s}Heel", f"{s}Foot", heel),
        _Bone(f"{s}ToeBase", f"{s}Foot", toe),
    )


_TRUNK: Final = ("MID_HIP", "MID_SHOULDER")

_BONES: Final = (
    # hips and shoulders lie in the middle of their joints, so aiming at the left one turns both
    _Bone("Hips", "", "MID_HIP", "LEFT_HIP", "x", _TRUNK, "y"),
    _Bone("Spine", "Hips", "MID_HIP", "MID_SHOULDER", "y"),
    _Bone("Chest", "Spine", "MID_SHOULDER", "LEFT_SHOULDER", "x", _TRUNK, "y"),
    *_arm("LEFT"),
    *_arm("RIGHT"),
    *_leg("LEFT"),
    *_leg("RIGHT"),
)
"""A joint comes after its parent and its parent's earlier branches, as BVH orders channels."""

_NEEDED: Final = tuple(
    f"{side}_{part}"
    for side in ("LEFT", "RIGHT")
    for part in ("SHOULDER", "HIP", "KNEE", "ANKLE", "FOOT_INDEX")
)


def build_skeleton(points: Float64) -> tuple[list[Joint], Float64]:
    """Fit a skeleton to points.

    Parameters
    ----------
    points
        Shape (T, 33, 3), y up, NaN where unknown.

    Returns
    -------
    tuple
        The joints, parents first, and the channels (U, C) of the frames from the first to the last
        in which shoulders, hips, knees, ankles and toes are known: translations of the root in the
        unit of `points`, rotations in degrees without jumps of a full turn.

    Raises
    ------
    PoseError
        If there is no such frame.
    """
    paths = _paths(points)
    joints: list[Joint] = []
    places: list[Float64] = []
    turned: list[Float64] = []
    index: dict[str, int] = {}
    channels = [paths["MID_HIP"]]
    upright = np.broadcast_to(np.eye(3), (len(channels[0]), 3, 3))
    for bone in _BONES:
        if bone.place not in paths or (bone.parent and bone.parent not in index):
            continue
        parent = index.get(bone.parent, -1)
        place, offset, above = paths[bone.place], np.zeros(3), upright
        if parent >= 0:
            above = turned[parent]
            rest = (above.transpose(0, 2, 1) @ (place - places[parent])[..., None])[..., 0]
            offset = np.median(rest, axis=0)
        rotation = _rotation(bone, paths, above)
        channels.append(_euler(above.transpose(0, 2, 1) @ rotation))
        index[bone.name] = len(joints)
        names = _ROTATIONS if parent >= 0 else _POSITIONS + _ROTATIONS
        x, y, z = (float(v) for v in offset)
        joints.append(Joint(bone.name, parent, (x, y, z), names))
        places.append(place)
        turned.append(rotation)
    return joints, np.concatenate(channels, axis=1)


def _paths(points: Float64) -> dict[str, Float64]:
    """Return the path of every point that is ever known, without gaps, and of the middles."""
    known = np.isfinite(points).all(axis=2)
    whole = np.flatnonzero(known[:, [Landmark[name] for name in _NEEDED]].all(axis=1))
    if not len(whole):
        raise PoseError(
            "A skeleton cannot be fitted to this sequence.",
            expected="shoulders, hips, knees, ankles and toes, seen together in some frame",
        )
    part = slice(int(whole[0]), int(whole[-1]) + 1)
    frames = np.arange(part.stop - part.start)
    paths: dict[str, Float64] = {}
    for mark in Landmark:
        seen = known[part, mark]
        if seen.any():
            path = points[part, mark]
            paths[mark.name] = np.stack(
                [np.interp(frames, frames[seen], path[seen, axis]) for axis in range(3)], axis=1
            )
    for joint in ("HIP", "SHOULDER"):
        paths[f"MID_{joint}"] = (paths[f"LEFT_{joint}"] + paths[f"RIGHT_{joint}"]) / 2
    return paths


def _rotation(bone: _Bone, paths: Mapping[str, Float64], above: Float64) -> Float64:
    """Return the rotation (T, 3, 3) of a joint in space; `above` is its parent's."""
    if bone.aim not in paths:
        return above
    along = np.array(_AXES[bone.along])
    aim = _unit(paths[bone.aim] - paths[bone.place])
    if bone.side is None or bone.side[1] not in paths:
        return _least_turn(above @ along, aim) @ above
    across = np.array(_AXES[bone.across])
    side = paths[bone.side[1]] - paths[bone.side[0]]
    side = side - np.sum(side * aim, axis=1, keepdims=True) * aim
    # points in one line, or in one place, as a damaged file has them: any side will do
    flat = np.linalg.norm(side, axis=1, keepdims=True) <= 1e-6
    side = _unit(np.where(flat, np.cross(aim, np.eye(3)[np.argmin(np.abs(aim), axis=1)]), side))
    space = np.stack([aim, side, np.cross(aim, side)], axis=2)
    rest = np.stack([along, across, np.cross(along, across)], axis=1)
    turned: Float64 = space @ rest.T
    return turned


def _euler(rotations: Float64) -> Float64:
    """Return ZXY angles (T, 3) of rotations (T, 3, 3), degrees, without jumps of a full turn."""
    from scipy.spatial.transform import Rotation

    with warnings.catch_warnings():
        # a limb turned by 90 degrees: the angles are one choice of many, and no worse for it
        warnings.filterwarnings("ignore", message="Gimbal lock")
        angles = Rotation.from_matrix(rotations).as_euler("ZXY", degrees=True)
    return np.unwrap(angles, period=360.0, axis=0)


def _least_turn(start: Float64, end: Float64) -> Float64:
    """Return the smallest rotations (T, 3, 3) of unit vectors (T, 3) to others."""
    from scipy.spatial.transform import Rotation

    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine, np.sum(start * end, axis=1, keepdims=True))
    # opposite vectors: any axis across will do
    spare = np.cross(start, np.eye(3)[np.argmin(np.abs(start), axis=1)])
    axis = np.where(sine > 1e-12, axis, spare)
    return Rotation.from_rotvec(_unit(axis) * angle).as_matrix()


def _unit(vectors: Float64) -> Float64:
    """Scale vectors (T, 3) to length 1; where the length is 0, any unit vector."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-12, vectors / np.maximum(length, 1e-12), [1.0, 0.0, 0.0])

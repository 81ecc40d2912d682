"""Biovision hierarchy files (BVH): skeleton and joint rotations, one file per motion.

The format is that of Biovision's own description (see Meredith & Maddock, "Motion Capture File
Formats Explained", University of Sheffield CS-01-11): every joint has an offset from its parent
and channels; rotations are applied in the order of the channels, R = R1 R2 R3, and a joint lies at
p = p_parent + R_parent (offset + translation).

A skeleton has bones of fixed length and every joint in every frame. Written are therefore the
median lengths and the directions of every frame; see `save_bvh` for what that loses.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.errors import PoseError
from gaitproof.media.files import write_atomically
from gaitproof.pose.formats.markers import even_frames, world_of
from gaitproof.pose.formats.mocap import (
    MAX_DEPTH,
    MAX_JOINTS,
    MAX_PLACES,
    MAX_RATE,
    Float64,
    find_joints,
    mocap_sequence,
    name_joints,
)
from gaitproof.pose.formats.skeleton import Joint, build_skeleton
from gaitproof.reading import FileKind, guarded, read_text, split_lines
from gaitproof.types import PoseSequence
from gaitproof.types.rotations import axis_rotations

_FILE: Final = FileKind("BVH file", PoseError)
_MAX_HEAD: Final = 2**20
_CHANNELS: Final = frozenset(f"{a}{kind}" for a in "xyz" for kind in ("position", "rotation"))
_END: Final = "/end"

JOINTS: Final[Mapping[str, Sequence[str]]] = {
    # the collar is called shoulder where the shoulder is called arm, so arm comes first
    "SHOULDER": ("{side}arm", "{side}uparm", "{side}upperarm", "{s}shldr", "{side}shoulder"),
    "HIP": ("{side}upleg", "{side}upperleg", "{s}thigh", "{side}thigh", "{side}hip"),
    "KNEE": ("{side}leg", "{side}lowleg", "{side}lowerleg", "{s}shin", "{side}shin", "{side}knee"),
    "ANKLE": ("{side}foot", "{s}foot", "{side}ankle"),
    "FOOT_INDEX": (
        "{side}toebase",
        "{side}toe",
        "{s}toe",
        "{side}foot/end",
        "{s}foot/end",
        "{side}ankle/end",
    ),
}
"""Names of CMU's conversions, Mixamo, Poser and Biovision; the toe is the end of the foot."""

MORE_JOINTS: Final[Mapping[str, Sequence[str]]] = {
    "ELBOW": ("{side}forearm", "{side}lowarm", "{s}forearm", "{side}elbow"),
    "WRIST": ("{side}hand", "{s}hand", "{side}wrist"),
    "HEEL": ("{side}heel",),
}
"""Joints that are read where a skeleton has them."""

CENTIMETRES: Final = 100.0
"""Per metre: the unit that is written, as animation programs expect it."""


def parse_bvh(path: Path) -> tuple[list[Joint], Float64, float]:
    """Return the joints, parents first, the channels (T, C) and the frames per second.

    Raises
    ------
    PoseError
        If the file is unreadable or malformed, or claims more frames than it holds.
    """
    head, motion, body = read_text(path, _FILE, errors="replace").partition("MOTION")
    with guarded(path, _FILE):
        if not motion:
            raise ValueError("no MOTION part")
        if len(head) > _MAX_HEAD:
            raise ValueError("the skeleton is too large")
        joints = _hierarchy(head.split())
        lines = split_lines(body)
        count, rate = _motion_header(lines)
        width = sum(len(joint.channels) for joint in joints)
        # line by line: as strings the numbers take up to twenty times the file
        values = np.array(array("d", (float(word) for line in lines for word in line.split())))
        if values.size != count * width:
            raise ValueError(
                f"{values.size} numbers for {count} frames of {width} channels; is it cut off?"
            )
        if count * len(joints) > MAX_PLACES:
            raise ValueError(f"{count} frames of {len(joints)} joints; at most {MAX_PLACES} in all")
    return joints, values.reshape(count, width), rate


def _motion_header(lines: Iterator[str]) -> tuple[int, float]:
    fields: dict[str, str] = {}
    while len(fields) < 2:
        line = next(lines).strip()
        if line:
            key, colon, value = line.partition(":")
            if not colon:
                raise ValueError("the MOTION part has no 'Frames:' and 'Frame Time:'")
            fields[" ".join(key.lower().split())] = value
    if fields.keys() != {"frames", "frame time"}:
        raise ValueError("the MOTION part has no 'Frames:' and 'Frame Time:'")
    count, step = int(fields["frames"]), float(fields["frame time"])
    if count < 1 or not 1 / MAX_RATE <= step <= 1:
        raise ValueError(f"{count} frames of {step} s")
    return count, 1 / step


def _hierarchy(words: Sequence[str]) -> list[Joint]:
    if not words or words[0].upper() != "HIERARCHY":
        raise ValueError("it does not begin with HIERARCHY")
    joints: list[Joint] = []
    stack: list[int] = []
    opening = -1
    i = 1
    while i < len(words):
        word = words[i].upper()
        if word in ("ROOT", "JOINT", "END"):
            if (word == "ROOT") != (not joints) or (word != "ROOT" and not stack):
                raise ValueError(f"{word} in an unexpected place")
            parent = stack[-1] if stack else -1
            name = f"{joints[parent].name}{_END}" if word == "END" else words[i + 1]
            joints.append(Joint(name, parent, (0.0, 0.0, 0.0), ()))
            if len(joints) > MAX_JOINTS or len(stack) > MAX_DEPTH:
                raise ValueError("the skeleton is too large")
            opening = len(joints) - 1
            i += 2
        elif word == "{":
            if opening < 0:
                raise ValueError("a bracket in an unexpected place")
            stack.append(opening)
            opening = -1
            i += 1
        elif word == "}":
            stack.pop()
            i += 1
        elif word == "OFFSET":
            x, y, z = (float(v) for v in words[i + 1 : i + 4])
            old = joints[stack[-1]]
            joints[stack[-1]] = Joint(old.name, old.parent, (x, y, z), old.channels)
            i += 4
        elif word == "CHANNELS":
            count = int(words[i + 1])
            channels = tuple(w.lower() for w in words[i + 2 : i + 2 + count])
            if not 0 <= count <= 6 or len(channels) != count or not _CHANNELS.issuperset(channels):
                raise ValueError(f"channels {' '.join(channels)[:80]}")
            old = joints[stack[-1]]
            joints[stack[-1]] = Joint(old.name, old.parent, old.offset, channels)
            i += 2 + count
        else:
            raise ValueError(f"the word {words[i][:40]!r}")
    if stack or opening >= 0 or not joints:
        raise ValueError("brackets that are not closed")
    return joints


def positions(joints: Sequence[Joint], channels: Float64) -> Float64:
    """Return the joint positions by forward kinematics.

    Parameters
    ----------
    joints
        Parents first.
    channels
        Shape (T, C): translations in the file's unit, rotations in degrees.

    Returns
    -------
    ndarray of float64
        Shape (T, J, 3), the file's unit.
    """
    frames = len(channels)
    placed = np.zeros((frames, len(joints), 3))
    turned: list[Float64] = []
    column = 0
    for i, joint in enumerate(joints):
        rotation = np.broadcast_to(np.eye(3), (frames, 3, 3))
        offset = np.tile(joint.offset, (frames, 1))
        for channel in joint.channels:
            if channel.endswith("position"):
                offset[:, "xyz".index(channel[0])] += channels[:, column]
            else:
                rotation = rotation @ axis_rotations(channel[0], channels[:, column])
            column += 1
        if joint.parent < 0:
            placed[:, i] = offset
            turned.append(rotation)
        else:
            above = turned[joint.parent]
            placed[:, i] = placed[:, joint.parent] + (above @ offset[..., None])[..., 0]
            turned.append(above @ rotation)
    return placed


def load_bvh(path: Path) -> PoseSequence:
    """Read the landmarks of a BVH file.

    Parameters
    ----------
    path
        The file, y up; its unit is told from the length of the legs.

    Returns
    -------
    PoseSequence
        Shoulders, hips, knees, ankles and toes, and elbows, wrists and heels where the skeleton
        has them; time begins at 0.

    Raises
    ------
    PoseError
        As `parse_bvh`, or if the skeleton has no legs of human size.
    """
    joints, rotations, rate = parse_bvh(path)
    names = [joint.name for joint in joints]
    columns = find_joints(names, JOINTS, path) | name_joints(names, MORE_JOINTS)
    return mocap_sequence(path, positions(joints, rotations), columns, rate)


def save_bvh(path: Path, sequence: PoseSequence) -> None:
    """Write the world coordinates as BVH, atomically.

    Written are trunk, arms, legs and feet in every frame from the first to the last in which the
    trunk, the legs and the toes are known. Lost are the changes of bone lengths (an estimator's
    bones breathe; every bone gets its median length, so a joint may move by the sum of the changes
    along its limb), head and fingers, visibility, and the time of the first frame. What is unknown
    for a while is interpolated, because the format cannot leave it out.

    Raises
    ------
    PoseError
        If there are no world coordinates, or shoulders, hips, knees, ankles and toes
        are never seen together.
    """
    rate, points = even_frames(sequence.timestamps, world_of(sequence, "BVH"))
    write_atomically(path, write_skeleton(*build_skeleton(points * CENTIMETRES), rate).encode())


def write_skeleton(joints: Sequence[Joint], channels: Float64, frame_rate: float) -> str:
    """Return the text of a BVH file; joints in the order of their channels, without end sites."""
    children: dict[int, list[int]] = {}
    for i, joint in enumerate(joints):
        children.setdefault(joint.parent, []).append(i)
    lines = ["HIERARCHY"]

    def add(i: int, depth: int) -> None:
        joint, pad = joints[i], "\t" * depth
        x, y, z = joint.offset
        kinds = " ".join(f"{c[0].upper()}{c[1:]}" for c in joint.channels)
        lines.extend(
            [
                f"{pad}{'JOINT' if depth else 'ROOT'} {joint.name}",
                f"{pad}{{",
                f"{pad}\tOFFSET {x:.6f} {y:.6f} {z:.6f}",
                f"{pad}\tCHANNELS {len(joint.channels)} {kinds}",
            ]
        )
        for child in children.get(i, ()):
            add(child, depth + 1)
        if i not in children:
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0 0 0", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    add(0, 0)
    lines += ["MOTION", f"Frames: {len(channels)}", f"Frame Time: {1 / frame_rate:.9f}"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in channels]
    return "\n".join(lines) + "\n"

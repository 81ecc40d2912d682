"""Acclaim skeletons and motions (ASF/AMC), as the CMU motion capture database has them.

One ASF per subject, one AMC per motion. After the format's description (Meredith & Maddock,
"Motion Capture File Formats Explained", University of Sheffield CS-01-11): a bone's own axes are
C = Rz Ry Rx of its ``axis`` angles, a motion turns it by L = C M C^-1 in its parent's frame, and
its end lies at p_parent + R_parent L (length * direction). Bones are named by what ends them here:
``lfemur`` ends at the knee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.data.gait.mocap import mocap_recording
from gaitproof.data.gait.recording import Recording
from gaitproof.errors import InputError
from gaitproof.pose.formats.common import MAX_FRAMES
from gaitproof.pose.formats.mocap import (
    MAX_JOINTS,
    MAX_PLACES,
    MAX_RATE,
    Float64,
    find_joints,
)
from gaitproof.reading import FileKind, guarded, read_text, split_lines
from gaitproof.types.rotations import axis_rotations

DEFAULT_RATE: Final = 120.0
"""Frames per second of nearly all CMU motions; an AMC does not say it."""

JOINTS: Final[Mapping[str, Sequence[str]]] = {
    "SHOULDER": ("{s}clavicle",),
    "HIP": ("{s}hipjoint",),
    "KNEE": ("{s}femur",),
    "ANKLE": ("{s}tibia",),
    "FOOT_INDEX": ("{s}foot",),
}
"""Bones whose end is our landmark, in CMU's skeleton."""

_ROOT: Final = "root"
_ASF: Final = FileKind("ASF skeleton", max_bytes=2**20)
_AMC: Final = FileKind("AMC motion of this skeleton", max_bytes=2**25)
_DOF: Final = frozenset({"rx", "ry", "rz", "tx", "ty", "tz", "l"})


@dataclass(frozen=True)
class Bone:
    """A bone: `parent` is an index (-1 for the root), `offset` length times direction (3,).

    `axis` are degrees with the order in which they turn (``xyz``); `dof` the channels.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    axis: tuple[float, float, float]
    order: str
    dof: tuple[str, ...]


def load_amc(path: Path, name: str, *, frame_rate: float = DEFAULT_RATE) -> list[Recording]:
    """Read the walk of an AMC file with the skeleton beside it.

    Parameters
    ----------
    path
        The motion, as ``07_01.amc``. Its skeleton is ``07.asf`` in the same folder, or
        the folder's only ASF. Subject and person: see
        `gaitproof.data.gait.mocap.mocap_recording`.
    name
        Name of the data set.
    frame_rate
        Frames per second; the file does not say it.

    Raises
    ------
    InputError
        If a file is missing, unreadable or malformed, or the skeleton is of no human size.
    """
    if not 0 < frame_rate <= MAX_RATE:
        raise InputError("The frame rate is not valid.", actual=f"{frame_rate:g}")
    skeleton = _skeleton_of(path)
    bones = parse_asf(skeleton)
    motion = parse_amc(path, bones)
    columns = find_joints([bone.name for bone in bones], JOINTS, skeleton)
    return [mocap_recording(path, positions(bones, motion), columns, frame_rate, name)]


def _skeleton_of(path: Path) -> Path:
    wanted = path.stem.partition("_")[0]
    with guarded(path.parent, FileKind("folder of motions")):
        skeletons = [p for p in sorted(path.parent.iterdir()) if p.suffix.lower() == ".asf"]
    named = [p for p in skeletons if p.stem == wanted]
    if len(named) == 1 or len(skeletons) == 1:
        return (named or skeletons)[0]
    raise InputError(
        f"The motion {str(path)!r} has no skeleton.",
        expected=f"{wanted}.asf in the same folder",
        actual=", ".join(p.name for p in skeletons[:4]) or "no ASF file",
    )


def parse_asf(path: Path) -> list[Bone]:
    """Return the bones of a skeleton, parents first; the first is the root.

    Raises
    ------
    InputError
        If the file is unreadable or malformed.
    """
    text = read_text(path, _ASF, errors="replace")
    with guarded(path, _ASF):
        return _skeleton(text)


def _skeleton(text: str) -> list[Bone]:
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        else:
            current.append(words)
    for needed in ("root", "bonedata", "hierarchy"):
        if needed not in sections:
            raise ValueError(f"no :{needed} part")
    angles = {w[0].lower(): w[1].lower() for w in sections.get("units", []) if len(w) > 1}
    if angles.get("angle", "deg") != "deg":
        raise ValueError(f"angles in {angles['angle'][:20]!r}; only degrees are read")
    root = {w[0].lower(): w[1:] for w in sections["root"]}
    raw: dict[str, dict[str, list[str]]] = {}
    bone: dict[str, list[str]] = {}
    for words in sections["bonedata"]:
        key = words[0].lower()
        if key == "begin":
            bone = {}
        elif key == "end":
            raw[bone["name"][0].lower()] = bone
        else:
            bone.setdefault(key, words[1:])
    if not 0 < len(raw) < MAX_JOINTS:
        raise ValueError(f"{len(raw)} bones")
    order = _order(root["axis"][0])
    dof = _channels(root["order"])
    bones = [Bone(_ROOT, -1, (0.0, 0.0, 0.0), _three(root["orientation"]), order, dof)]
    index = {_ROOT: 0}
    for words in sections["hierarchy"]:
        if words[0].lower() in ("begin", "end"):
            continue
        parent = index[words[0].lower()]
        for child in (word.lower() for word in words[1:]):
            if child in index:
                raise ValueError(f"two parents of {child!r}")
            index[child] = len(bones)
            bones.append(_bone(child, parent, raw[child]))
    return bones


def _bone(name: str, parent: int, data: Mapping[str, list[str]]) -> Bone:
    x, y, z = _three(data["direction"])
    length = float(data["length"][0])
    axis = data["axis"]
    return Bone(
        name,
        parent,
        (x * length, y * length, z * length),
        _three(axis),
        _order(axis[3] if len(axis) > 3 else "XYZ"),
        _channels(data.get("dof", [])),
    )


def _three(words: Sequence[str]) -> tuple[float, float, float]:
    x, y, z = (float(word) for word in words[:3])
    return x, y, z


def _order(word: str) -> str:
    if sorted(word.lower()) != ["x", "y", "z"]:
        raise ValueError(f"the axis order {word[:20]!r}")
    return word.lower()


def _channels(words: Sequence[str]) -> tuple[str, ...]:
    channels = tuple(word.lower() for word in words)
    if not _DOF.issuperset(channels) or len(set(channels)) < len(channels):
        raise ValueError(f"the degrees of freedom {' '.join(words)[:60]!r}")
    return channels


def parse_amc(path: Path, bones: Sequence[Bone]) -> dict[str, Float64]:
    """Return every moving bone's channels (T, C).

    Raises
    ------
    InputError
        If the file is unreadable, malformed or does not fit the skeleton.
    """
    widths = {bone.name: len(bone.dof) for bone in bones if bone.dof}
    frames: list[dict[str, list[float]]] = []
    text = read_text(path, _AMC, errors="replace")
    with guarded(path, _AMC):
        for line in split_lines(text):
            words = line.partition("#")[0].split()
            if not words or words[0].startswith(":"):
                continue
            if len(words) == 1 and words[0].isdigit():
                if len(frames) >= min(MAX_FRAMES, MAX_PLACES // len(bones)):
                    raise ValueError(f"more than {len(frames)} frames of {len(bones)} bones")
                frames.append({})
                continue
            bone = words[0].lower()
            values = [float(word) for word in words[1:]]
            if not frames or len(values) != widths.get(bone) or bone in frames[-1]:
                raise ValueError(f"frame {len(frames)}: {' '.join(words)[:80]!r}")
            frames[-1][bone] = values
        if not frames:
            raise ValueError("no frames")
        short = next((i for i, f in enumerate(frames) if f.keys() != widths.keys()), None)
        if short is not None:
            raise ValueError(f"frame {short + 1} lacks bones; is the file cut off?")
        return {bone: np.array([frame[bone] for frame in frames]) for bone in widths}


def positions(bones: Sequence[Bone], motion: Mapping[str, Float64]) -> Float64:
    """Return the ends of the bones by forward kinematics.

    Parameters
    ----------
    bones
        Parents first, the root at the front.
    motion
        Channels (T, C) of every bone with degrees of freedom.

    Returns
    -------
    ndarray of float64
        Shape (T, J, 3), the file's unit; the root's position first.
    """
    frames = len(next(iter(motion.values())))
    placed = np.zeros((frames, len(bones), 3))
    turned: list[Float64] = []
    for i, bone in enumerate(bones):
        local = np.broadcast_to(np.eye(3), (frames, 3, 3))
        shift = np.tile(bone.offset, (frames, 1))
        for channel, values in zip(
            bone.dof, motion.get(bone.name, np.zeros((0, 0))).T, strict=False
        ):
            if channel[0] == "r":
                local = axis_rotations(channel[1], values) @ local
            elif channel[0] == "t":
                shift[:, "xyz".index(channel[1])] += values
            else:
                shift *= values[:, None]
        axes = np.eye(3)
        for letter in bone.order:  # the file gives the angles in x y z
            angle = bone.axis["xyz".index(letter)]
            axes = axis_rotations(letter, np.array([angle]))[0] @ axes
        local = axes @ local @ axes.T
        if bone.parent < 0:
            placed[:, i] = shift
            turned.append(local)
        else:
            whole = turned[bone.parent] @ local
            placed[:, i] = placed[:, bone.parent] + (whole @ shift[..., None])[..., 0]
            turned.append(whole)
    return placed

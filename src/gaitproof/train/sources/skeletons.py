"""Skeleton archives: many walks of any sensor in one ``.npz``."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.train.sources.recording import Recording, make_recording
from gaitproof.types import GAIT_LANDMARKS, N_LANDMARKS, Landmark, PoseSequence

MAX_ARRAY_BYTES: Final = 8 * 2**30
"""Largest array that is read."""

_LABELS: Final = ("subject", "sequence", "condition", "view")
_WALKS: Final = (*_LABELS, "fps")
_ARRAYS: Final = ("xyz", "offsets", *_WALKS, "joints", "landmark12")


def load_skeletons(path: Path, name: str) -> list[Recording]:
    """Read a skeleton archive of many walks.

    The `.npz` layout: ``xyz`` (all frames, J, 3) in metres (times ``scale`` where given), y up,
    right-handed; ``offsets`` (N + 1,) walk bounds; ``subject``, ``sequence``, ``condition``,
    ``view`` and ``fps`` (N,); ``joints`` (J,) names; ``landmark12`` a JSON map from our landmark
    names to joint names, null where the sensor has none. Sequences without a frame rate are
    left out, since no rate per second can be had from them.

    Parameters
    ----------
    path
        The archive.
    name
        Name of the data set.

    Returns
    -------
    list of Recording
        Cleaned like video poses, so that both kinds of source look alike.

    Raises
    ------
    InputError
        If the file is missing or not of this layout.
    """
    try:
        data = _read(path)
        joints = [str(joint) for joint in data["joints"]]
        columns = {
            Landmark[landmark.upper()]: joints.index(joint.split()[0])
            for landmark, joint in json.loads(str(data["landmark12"])).items()
            if joint is not None
        }
        xyz, offsets, rates = data["xyz"], data["offsets"], data["fps"]
        scale = float(data["scale"]) if "scale" in data else 1.0
        _check(data, len(joints), scale)
        labels = {key: [str(value) for value in data[key]] for key in _LABELS}
    except (
        OSError,
        ValueError,  # also JSON
        KeyError,
        TypeError,
        AttributeError,  # JSON that is no object
        IndexError,
        EOFError,
        SyntaxError,  # numpy, on a nonsensical array header
        tokenize.TokenError,
        RecursionError,
        MemoryError,
        NotImplementedError,  # zipfile, on an unknown compression
        RuntimeError,  # zipfile, on an encrypted member
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"{str(path)!r} is not a skeleton archive.",
            expected=f"an .npz with {', '.join(_ARRAYS)}",
            actual=" ".join(str(error).split())[:200] or type(error).__name__,
        ) from error
    feet = not columns.keys().isdisjoint({Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX})
    recordings = []
    for i, (start, stop) in enumerate(pairwise(offsets)):
        if not np.isfinite(rates[i]):
            continue
        world = np.full((stop - start, N_LANDMARKS, 3), np.nan, np.float32)
        for landmark, column in columns.items():
            world[:, landmark] = xyz[start:stop, column].astype(np.float32) * scale
        sequence = PoseSequence(
            timestamps=np.arange(stop - start) / float(rates[i]),
            image=None,
            world=world,
            visibility=np.isfinite(world).all(axis=2).astype(np.float32),
            estimator=path.stem,
            feet=feet,
        )
        recordings.append(
            make_recording(
                sequence,
                subject=labels["subject"][i],
                recording=f"{labels['subject'][i]}/{labels['sequence'][i]}",
                condition=labels["condition"][i],
                view=labels["view"][i],
                source=name,
            )
        )
    return recordings


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MAX_ARRAY_BYTES:
                raise ValueError(f"{member.filename!r} claims {member.file_size} bytes")
            with archive.open(member) as stream:
                _check_claim(stream, member)
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _check_claim(stream: Any, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header asks for more memory than the file has bytes."""
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"{member.filename!r} has array format {version}")
    shape, _, dtype = read(stream)  # type: ignore[no-untyped-call]
    wanted = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
    if wanted > member.file_size:
        raise ValueError(
            f"{member.filename!r} claims {wanted} bytes in a file of {member.file_size}"
        )


def _check(data: dict[str, NDArray[Any]], joints: int, scale: float) -> None:
    """Raise ValueError if the arrays do not fit each other."""
    xyz, offsets = data["xyz"], data["offsets"]
    if xyz.ndim != 3 or xyz.shape[1:] != (joints, 3) or xyz.dtype.kind not in "if":
        raise ValueError(f"xyz has shape {xyz.shape} and type {xyz.dtype} for {joints} joints")
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise ValueError("offsets are not a list of two or more integers")
    bounds = offsets.astype(np.int64)
    if bounds[0] != 0 or bounds[-1] != len(xyz) or (np.diff(bounds) < 0).any():
        raise ValueError("offsets do not run from 0 to the number of frames")
    for key in _WALKS:
        if data[key].shape != (len(offsets) - 1,):
            raise ValueError(f"{key} has shape {data[key].shape} for {len(offsets) - 1} walks")
    rates = data["fps"].astype(np.float64)
    if (rates[np.isfinite(rates)] <= 0).any() or not np.isfinite(scale) or scale <= 0:
        raise ValueError("a frame rate or the scale is not above 0")
    needed = [x for x in GAIT_LANDMARKS if not x.name.endswith(("_HEEL", "_FOOT_INDEX"))]
    known = {key.upper() for key, joint in json.loads(str(data["landmark12"])).items() if joint}
    lacking = [x.name.lower() for x in needed if x.name not in known]
    if lacking:
        raise ValueError(f"landmark12 lacks {', '.join(lacking)}")

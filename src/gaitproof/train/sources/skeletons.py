"""Skeleton archives: many walks of any sensor in one ``.npz``."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.train.sources.archive import LABELS, UNREADABLE, WALKS, check_walks, read_archive
from gaitproof.train.sources.recording import Recording, make_recording
from gaitproof.types import GAIT_LANDMARKS, N_LANDMARKS, Landmark, PoseSequence

_ARRAYS: Final = ("xyz", "offsets", *WALKS, "joints", "landmark12")


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
        data = read_archive(path)
        joints = [str(joint) for joint in data["joints"]]
        columns = {
            Landmark[landmark.upper()]: joints.index(joint.split()[0])
            for landmark, joint in json.loads(str(data["landmark12"])).items()
            if joint is not None
        }
        xyz, offsets, rates = data["xyz"], data["offsets"], data["fps"]
        scale = float(data["scale"]) if "scale" in data else 1.0
        _check(data, len(joints), scale)
        labels = {key: [str(value) for value in data[key]] for key in LABELS}
    except UNREADABLE as error:
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


def _check(data: dict[str, NDArray[Any]], joints: int, scale: float) -> None:
    """Raise ValueError if the arrays do not fit each other."""
    xyz = data["xyz"]
    if xyz.ndim != 3 or xyz.shape[1:] != (joints, 3) or xyz.dtype.kind not in "if":
        raise ValueError(f"xyz has shape {xyz.shape} and type {xyz.dtype} for {joints} joints")
    check_walks(data, len(xyz))
    if not np.isfinite(scale) or scale <= 0:
        raise ValueError("the scale is not above 0")
    needed = [x for x in GAIT_LANDMARKS if not x.name.endswith(("_HEEL", "_FOOT_INDEX"))]
    known = {key.upper() for key, joint in json.loads(str(data["landmark12"])).items() if joint}
    lacking = [x.name.lower() for x in needed if x.name not in known]
    if lacking:
        raise ValueError(f"landmark12 lacks {', '.join(lacking)}")

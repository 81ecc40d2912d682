"""Skeleton archives: many walks of any sensor in one ``.npz``."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.recording import Recording, make_recording
from gaitproof.errors import InputError
from gaitproof.reading import FileKind, guarded, parse_json, read_arrays
from gaitproof.types import GAIT_LANDMARKS, N_LANDMARKS, Domain, Landmark, PoseSequence

MAX_TOTAL: Final = 2**29
"""Most bytes of all arrays of an archive."""

MAX_WALKS: Final = 100_000

LABELS: Final = ("subject", "sequence", "condition", "view")
WALKS: Final = (*LABELS, "fps")
"""Arrays with one value per walk."""


DOMAIN: Final = "domain"
"""Array that an archive may have: ``sensor/estimator/site`` of all walks, or one per walk."""


def read_domains(data: dict[str, NDArray[Any]], walks: int, otherwise: Domain) -> list[Domain]:
    """Return the domain of every walk; `otherwise` where the archive states none.

    Raises
    ------
    ValueError
        If the array has another shape.
    InputError
        If a value is no domain.
    """
    if DOMAIN not in data:
        return [otherwise] * walks
    stated = np.broadcast_to(data[DOMAIN], (walks,))
    return [Domain.parse(str(value)) for value in stated]


def check_walks(data: dict[str, NDArray[Any]], frames: int) -> None:
    """Raise ValueError if bounds, labels and frame rates do not fit the number of frames."""
    offsets = data["offsets"]
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise ValueError("offsets are not a list of two or more integers")
    if len(offsets) > MAX_WALKS:
        raise ValueError(f"{len(offsets)} offsets; at most {MAX_WALKS} are read")
    bounds = offsets.astype(np.int64)
    if bounds[0] != 0 or bounds[-1] != frames or (np.diff(bounds) < 0).any():
        raise ValueError("offsets do not run from 0 to the number of frames")
    for key in WALKS:
        if data[key].shape != (len(offsets) - 1,):
            raise ValueError(f"{key} has shape {data[key].shape} for {len(offsets) - 1} walks")
    rates = data["fps"].astype(np.float64)
    if (rates[np.isfinite(rates)] <= 0).any():
        raise ValueError("a frame rate is not above 0")


MAX_FRAMES: Final = 1_000_000
"""Most frames of all walks, nine hours at 30 a second: each takes about a kilobyte."""

MAX_JOINTS: Final = 1000

_NUMBERS: Final = "frame_no"
"""Array of frame numbers, for sensors that lose frames."""

NUMBER_RATE: Final = 30.0
"""Frame numbers per second: depth sensors number the frames of their 30 Hz clock."""

_ARRAYS: Final = ("xyz", "offsets", *WALKS, "joints", "landmark12")
_FILE: Final = FileKind(
    "skeleton archive", InputError, MAX_TOTAL, expected=f"an .npz with {', '.join(_ARRAYS)}"
)


def load_skeletons(path: Path, name: str) -> list[Recording]:
    """Read a skeleton archive of many walks.

    The `.npz` layout: ``xyz`` (all frames, J, 3) in metres (times ``scale`` where given), y up,
    right-handed; ``offsets`` (N + 1,) walk bounds; ``subject``, ``sequence``, ``condition``,
    ``view`` and ``fps`` (N,); ``joints`` (J,) names; ``landmark12`` a JSON map from our landmark
    names to joint names, null where the sensor has none; joints called like an elbow or a wrist
    (``Elbow-Left``, ``right_wrist``) need not be in it; optionally ``domain``, see
    `gaitproof.data.gait.skeletons.read_domains`. Of sequences without a frame rate the times are
    those of ``frame_no`` (all frames) at 30 per second; where there are no numbers either they
    are left out, since no rate per second can be had from them.

    Returns
    -------
    list of Recording
        Cleaned like video poses, so that both kinds of source look alike.

    Raises
    ------
    InputError
        If the file is missing or not of this layout.
    """
    data = read_arrays(path, _FILE, MAX_TOTAL, (*_ARRAYS, "scale", _NUMBERS, DOMAIN))
    with guarded(path, _FILE):
        joints = [str(joint) for joint in data["joints"][: MAX_JOINTS + 1]]
        places = parse_json(str(data["landmark12"]), path, _FILE)
        scale = float(data["scale"]) if "scale" in data else 1.0
        _check(data, places, len(joints), scale)
        columns = _arms(joints) | {
            Landmark[landmark.upper()]: joints.index(joint.split()[0])
            for landmark, joint in places.items()
            if joint is not None
        }
        xyz, offsets = data["xyz"], data["offsets"]
        rates = data["fps"].astype(np.float64)
        labels = {key: [str(value) for value in data[key]] for key in LABELS}
        domains = read_domains(data, len(rates), Domain.of(site=name))
    feet = not columns.keys().isdisjoint({Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX})
    recordings = []
    for i, (start, stop) in enumerate(pairwise(offsets)):
        times = _times(data, start, stop, float(rates[i]))
        if times is None:
            continue
        world = np.full((stop - start, N_LANDMARKS, 3), np.nan, np.float32)
        for landmark, column in columns.items():
            world[:, landmark] = xyz[start:stop, column].astype(np.float32) * scale
        sequence = PoseSequence(
            timestamps=times,
            image=None,
            world=world,
            visibility=np.isfinite(world).all(axis=2).astype(np.float32),
            estimator=path.stem,
            feet=feet,
        )
        recordings.append(
            make_recording(
                sequence,
                domains[i],
                subject=labels["subject"][i],
                recording=f"{labels['subject'][i]}/{labels['sequence'][i]}",
                condition=labels["condition"][i],
                view=labels["view"][i],
                source=name,
            )
        )
    return recordings


def _arms(joints: list[str]) -> dict[Landmark, int]:
    """Return elbows and wrists by the words of their names, in any order."""
    words = [sorted(re.findall("[a-z]+", joint.lower())) for joint in joints]
    arms = [one for one in Landmark if one.name.endswith(("_ELBOW", "_WRIST"))]
    named = {one: sorted(one.name.lower().split("_")) for one in arms}
    return {one: words.index(name) for one, name in named.items() if name in words}


def _times(
    data: dict[str, NDArray[Any]], start: int, stop: int, rate: float
) -> NDArray[np.float64] | None:
    """Return the seconds of a walk's frames from 0; None if they cannot be known."""
    if np.isfinite(rate):
        return np.arange(stop - start) / rate
    if _NUMBERS not in data or start == stop:
        return None
    numbers: NDArray[np.float64] = data[_NUMBERS][start:stop].astype(np.float64)
    times: NDArray[np.float64] = (numbers - numbers[0]) / NUMBER_RATE
    return times


def _check(
    data: dict[str, NDArray[Any]], places: dict[str, str | None], joints: int, scale: float
) -> None:
    """Raise ValueError if the arrays do not fit each other."""
    xyz = data["xyz"]
    if not 0 < joints <= MAX_JOINTS or len(xyz) > MAX_FRAMES:
        raise ValueError(
            f"{len(xyz)} frames of {joints} joints; at most {MAX_FRAMES} of {MAX_JOINTS} are read"
        )
    if xyz.ndim != 3 or xyz.shape[1:] != (joints, 3) or xyz.dtype.kind not in "if":
        raise ValueError(f"xyz has shape {xyz.shape} and type {xyz.dtype} for {joints} joints")
    check_walks(data, len(xyz))
    numbers = data.get(_NUMBERS)
    if numbers is not None and (numbers.shape != (len(xyz),) or numbers.dtype.kind not in "iu"):
        raise ValueError(f"frame_no has shape {numbers.shape} and type {numbers.dtype}")
    if not np.isfinite(scale) or scale <= 0:
        raise ValueError("the scale is not above 0")
    needed = [x for x in GAIT_LANDMARKS if not x.name.endswith(("_HEEL", "_FOOT_INDEX"))]
    known = {key.upper() for key, joint in places.items() if joint}
    lacking = [x.name.lower() for x in needed if x.name not in known]
    if lacking:
        raise ValueError(f"landmark12 lacks {', '.join(lacking)}")

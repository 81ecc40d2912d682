"""What motion capture formats share: rotations, units, joint names, sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.reading import FileKind, malformed
from gaitproof.types import N_LANDMARKS, Landmark, PoseSequence

Float64 = NDArray[np.float64]

MOTION: Final = FileKind("motion file", PoseError)

MAX_PLACES: Final = 10_000_000
"""Most joints of all frames: each takes about 100 bytes while it is placed."""

MAX_JOINTS: Final = 1000
MAX_DEPTH: Final = 200
MAX_RATE: Final = 10_000.0
MAX_LENGTH: Final = 1e6
"""Largest coordinate in the file's unit: beyond it a file is damaged."""

UNITS: Final[Mapping[str, float]] = {
    "metre": 1.0,
    "CMU mocap": 0.0254 / 0.45,  # mocap.cs.cmu.edu, FAQ: inches scaled by 0.45
    "inch": 0.0254,
    "centimetre": 0.01,
    "millimetre": 0.001,
}
"""Metres per unit. No file says its unit reliably."""

_LEG: Final = (0.62, 1.12)
"""Thigh plus shank of adults, metres: .491 of a height (Winter 2009, fig. 4.1) of 1.3 to 2.2 m,
with room for where joint centres are put. The ranges of the `UNITS` do not overlap."""


def find_joints(
    joints: Sequence[str], names: Mapping[str, Sequence[str]], path: Path
) -> dict[Landmark, int]:
    """Find the joints that are our landmarks.

    Parameters
    ----------
    joints
        Names of the file's joints.
    names
        By what follows LEFT_ and RIGHT_ in a landmark's name, the names that formats use, with
        ``{side}`` (``Left``), ``{s}`` (``l``) for the side; the first that exists is taken.
    path
        For the error.

    Raises
    ------
    PoseError
        If one is missing.
    """
    joints_found = name_joints(joints, names)
    for side in ("LEFT", "RIGHT"):
        for part, patterns in names.items():
            if Landmark[f"{side}_{part}"] not in joints_found:
                raise PoseError(
                    f"The skeleton of {str(path)!r} has no {side.lower()} {part.lower()}.",
                    expected=f"a joint named {', '.join(_options(patterns, side))}",
                    actual=", ".join(joints)[:200],
                )
    return joints_found


def name_joints(joints: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[Landmark, int]:
    """Return those of the landmarks that are there; arguments as `find_joints`."""
    index = {joint.rpartition(":")[2].lower(): i for i, joint in enumerate(joints)}
    landmarks = {}
    for side in ("LEFT", "RIGHT"):
        for part, patterns in names.items():
            places = [index[name] for name in _options(patterns, side) if name in index]
            if places:
                landmarks[Landmark[f"{side}_{part}"]] = places[0]
    return landmarks


def _options(patterns: Sequence[str], side: str) -> list[str]:
    return [p.format(side=side.lower(), s=side[0].lower()) for p in patterns]


def metres_per_unit(points: Mapping[Landmark, Float64], path: Path) -> float:
    """Tell the unit of a skeleton from the length of its legs.

    Parameters
    ----------
    points
        Hips, knees and ankles, each (T, 3).
    path
        For the error.

    Raises
    ------
    PoseError
        If no known unit gives a leg of human length.
    """
    legs = [
        float(np.median(np.linalg.norm(points[hip] - points[knee], axis=1)))
        + float(np.median(np.linalg.norm(points[knee] - points[ankle], axis=1)))
        for hip, knee, ankle in (
            (Landmark.LEFT_HIP, Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
            (Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
        )
    ]
    leg = float(np.mean(legs))
    for unit in UNITS.values():
        if _LEG[0] <= leg * unit <= _LEG[1]:
            return unit
    raise PoseError(
        f"The skeleton of {str(path)!r} has no human size in any known unit.",
        expected=f"legs of {_LEG[0]} to {_LEG[1]} m in {', '.join(UNITS)}",
        actual=f"legs of {leg:.4g} units",
    )


def mocap_sequence(
    path: Path, points: Float64, columns: Mapping[Landmark, int], frame_rate: float
) -> PoseSequence:
    """Make a pose sequence of joint positions.

    Parameters
    ----------
    path
        The motion file, for errors.
    points
        Shape (T, J, 3), the file's unit, y up.
    columns
        The joint of each landmark; hips, knees and ankles at least.
    frame_rate
        Frames per second.

    Raises
    ------
    PoseError
        If coordinates are not finite or enormous, or the legs have no human length.
    """
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > MAX_LENGTH:
        raise malformed(path, MOTION, "coordinates that are not finite, or enormous")
    unit = metres_per_unit({mark: points[:, joint] for mark, joint in columns.items()}, path)
    world = np.full((len(points), N_LANDMARKS, 3), np.nan, np.float32)
    for landmark, joint in columns.items():
        world[:, landmark] = points[:, joint] * unit
    return PoseSequence(
        timestamps=np.arange(len(points)) / frame_rate,
        image=None,
        world=world,
        visibility=np.isfinite(world).all(axis=2).astype(np.float32),
        estimator="mocap",
    )

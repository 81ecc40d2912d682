"""From which side a walker is seen, and how far joints move: what filming decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import align_heading, mean_heading
from gaitproof.types import GAIT_LANDMARKS, GaitWindows

Float64 = NDArray[np.float64]

COVERED: Final = 45.0
"""Degrees between two walking directions up to which one covers the other. On KTH's side views the
joints tell the direction to 7 degrees (median; 14 in nine of ten windows), never the wrong side; at
30 to 60 degrees scores are half way from those of the same to those of the opposite side
(docs/results/domains.md)."""

_SECTORS: Final = (
    "towards the camera",
    "towards the camera and to the left",
    "to the left",
    "away from the camera and to the left",
    "away from the camera",
    "away from the camera and to the right",
    "to the right",
    "towards the camera and to the right",
)


def walking_directions(windows: GaitWindows) -> Float64:
    """Return the walking direction of every window of a three-dimensional source.

    Parameters
    ----------
    windows
        N of them.

    Returns
    -------
    ndarray
        Shape (N,), degrees, -180 to 180: 0 towards the camera, 90 to the left in the image, -90 to
        the right, 180 away. Empty for a flat source, which does not tell.
    """
    depth = windows.features[..., 2:36:3]
    if not len(windows) or not depth.any():
        return np.zeros(0)
    degrees: Float64 = np.degrees(mean_heading(windows.features)).astype(np.float64)
    return degrees


def typical_direction(directions: NDArray[np.floating[Any]]) -> float:
    """Return the direction, of at least one, that is nearest to all of them, degrees.

    Not their mean: of somebody who walks to and fro it would be a way that nobody went.
    """
    angles = np.asarray(directions, np.float64)
    return float(angles[angles_between(angles, angles).sum(axis=1).argmin()])


def angles_between(
    directions: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]
) -> Float64:
    """Return the angles between N and M directions, shape (N, M), 0 to 180 degrees."""
    apart = np.asarray(others, np.float64)[None] - np.asarray(directions, np.float64)[:, None]
    angles: Float64 = np.abs((apart + 180) % 360 - 180)
    return angles


def describe_direction(direction: float) -> str:
    """Say in words where somebody walks.

    Examples
    --------
    >>> describe_direction(-85.0)
    'to the right'
    """
    return _SECTORS[round(direction / 45) % len(_SECTORS)]


def describe_directions(directions: Iterable[float]) -> str:
    """Say in words where somebody walks in several windows, each way once; empty for none."""
    return ", ".join(dict.fromkeys(describe_direction(one) for one in directions))


_SEEN_BY_ALL: Final = [
    i
    for i, landmark in enumerate(GAIT_LANDMARKS)
    if landmark.name.endswith(("SHOULDER", "HIP", "KNEE", "ANKLE"))
]
_COORDINATES: Final = [3 * joint + axis for joint in _SEEN_BY_ALL for axis in range(3)]
_ANGLES: Final = range(36, 40)
"""Knees and hips; ankles' angles need feet, which not every sensor has."""

_USED: Final = [*_COORDINATES, *_ANGLES, *(42 + i for i in _COORDINATES)]

N_SPREADS: Final = len(_USED)

_LEAST: Final = 1e-3
"""Torso lengths or radians, below which nothing moves: keeps logarithms finite."""


def log_spreads(windows: GaitWindows) -> NDArray[np.float32]:
    """Return the logarithms of the features' standard deviations, the mean over windows.

    Parameters
    ----------
    windows
        At least one.

    Returns
    -------
    ndarray
        Shape (52,): coordinates of shoulders, hips, knees and ankles, turned to face one way;
        angles of knees and hips; velocities of the same joints.
    """
    turned: NDArray[np.floating[Any]] = align_heading(windows.features)[:, :, _USED]
    spreads: NDArray[np.float32] = np.log(turned.std(axis=1) + _LEAST).mean(axis=0)
    return spreads.astype(np.float32)

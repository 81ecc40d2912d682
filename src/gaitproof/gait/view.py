"""From which side a walker is seen: the walking direction against the camera."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import mean_heading
from gaitproof.types import GaitWindows

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
    found: Float64 = np.degrees(mean_heading(windows.features)).astype(np.float64)
    return found


def mean_direction_of(directions: Iterable[float]) -> float:
    """Return the circular mean of directions, at least one, degrees."""
    radians = np.radians(list(directions))
    return float(np.degrees(np.arctan2(np.sin(radians).mean(), np.cos(radians).mean())))


def nearest_view(direction: float, others: NDArray[np.floating[Any]]) -> float:
    """Return the least angle between a direction and others, at least one, 0 to 180 degrees."""
    return float(np.abs((np.asarray(others) - direction + 180) % 360 - 180).min())


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

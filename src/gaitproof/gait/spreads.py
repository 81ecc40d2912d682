"""How far joints move in a walk: what places, sensors and estimators differ in most."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import align_heading
from gaitproof.types import GAIT_LANDMARKS, GaitWindows

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

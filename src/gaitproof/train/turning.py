"""Turned and mirrored walks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import GAIT_LANDMARKS, LEFT_RIGHT_PAIRS

Float64 = NDArray[np.float64]

_SWAP: Final = {a: b for pair in LEFT_RIGHT_PAIRS for a, b in (pair, pair[::-1])}
_MIRROR: Final = [GAIT_LANDMARKS.index(_SWAP[joint]) for joint in GAIT_LANDMARKS]


def mirror(points: Float64) -> Float64:
    """Exchange left and right: the mirrored walk is another walker's.

    Parameters
    ----------
    points
        Shape (..., 12, 3).
    """
    swapped: Float64 = points[..., _MIRROR, :] * np.array([-1.0, 1.0, 1.0])
    return swapped


def mirror_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the features (..., 78) of the mirrored walk; see `mirror`."""
    shape = (*features.shape[:-1], len(_MIRROR), 3)
    places, speeds = (
        mirror(part.reshape(shape).astype(np.float64)).reshape(part.shape)
        for part in (features[..., :36], features[..., 42:])
    )
    return np.concatenate([places, features[..., _ANGLES], speeds], axis=-1, dtype=np.float32)


_ANGLES: Final = [37, 36, 39, 38, 41, 40]
"""Knees, hips and ankles, left before right, in the order of the other side."""

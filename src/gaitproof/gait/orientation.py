"""The human-oriented transformation of skeletons."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import in_joints
from gaitproof.types.layouts import layout_of
from gaitproof.types.windows import WINDOW_RATE

_MIN_HEIGHT: Final = 0.1
"""Torso lengths from neck to ankle, at least, in the human-oriented transformation."""


def orient(
    features: NDArray[np.floating[Any]], lengths: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.floating[Any]]:
    """Apply the human-oriented transformation to every frame (HOT; Fu et al., GPGait, ICCV 2023).

    Each skeleton is rotated in the image plane about the neck, the middle of the shoulders, until
    the trunk is vertical, divided by its height and put with the neck into the origin. The height
    is that from the neck to the lower ankle, which every source has; the paper's is from the
    highest joint to the lowest. Velocities are those of the transformed joints, angles stay.

    Parameters
    ----------
    features
        Shape (N, T, 78) or (N, T, 108); unknown joints are 0 and mean nothing afterwards.
    lengths
        Shape (N,): frames that are known, at least 2; by default all T.

    Returns
    -------
    ndarray
        Same shape and type, coordinates in heights. What is beyond a window's length means nothing.
    """
    layout = layout_of(features.shape[-1])
    points = in_joints(features, layout.coordinates).astype(np.float64)
    neck = points[..., layout.pair("SHOULDER"), :].mean(axis=-2)
    trunk = neck - points[..., layout.pair("HIP"), :].mean(axis=-2)
    lean = np.arctan2(trunk[..., 0], trunk[..., 1])
    points = points - neck[..., None, :]
    cosine, sine = np.cos(lean)[..., None], np.sin(lean)[..., None]
    x, y = points[..., 0], points[..., 1]
    points[..., 0], points[..., 1] = cosine * x - sine * y, sine * x + cosine * y
    height = -points[..., layout.pair("ANKLE"), 1].min(axis=-1)
    points /= np.maximum(height, _MIN_HEIGHT)[..., None, None]
    coordinates = points.reshape(features[..., layout.coordinates].shape)
    if lengths is not None:
        # a straight line beyond the end, so that the last velocity is that of the last step
        row = np.flatnonzero(lengths < features.shape[1])
        last = lengths[row] - 1
        coordinates[row, last + 1] = 2 * coordinates[row, last] - coordinates[row, last - 1]
    velocity = np.gradient(coordinates, 1 / WINDOW_RATE, axis=-2)
    parts = [coordinates, features[..., layout.angles], velocity]
    joined: NDArray[np.floating[Any]] = np.concatenate(parts, axis=-1)
    return joined.astype(features.dtype)

"""The same movement on one body: every walker's bones at canonical lengths.

Bone lengths tell people apart by themselves, and a body is easier to forge than a walk. With them
replaced, what is left of a walk is the directions of its segments: posture and movement.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import in_joints
from gaitproof.types import GAIT_LANDMARKS, Landmark
from gaitproof.types.layouts import layout_of
from gaitproof.types.windows import WINDOW_RATE

Float64 = NDArray[np.float64]

CANONICAL_HEIGHT: Final = 1.70
"""Metres; only the unit of the result, since the features are in torso lengths."""

_FOOT: Final = 0.152
_ANKLE_HEIGHT: Final = 0.039

THIGH: Final = 0.245
SHANK: Final = 0.246
TRUNK: Final = 0.288
"""Mid-hip to mid-shoulder; these three and the foot are Winter's (2009, after Drillis and Contini
1966), as parts of the body height."""

PELVIS: Final = 0.106
"""Between the hip joints: 18 cm at 1.70 m (Seidel et al., J. Biomech. 28, 1995: 17 to 19 cm)."""

SHOULDERS: Final = 0.213
"""Between the shoulder joints: Winter's 0.259 between the outer edges, less the thickness of the
upper arms."""

HEEL: Final = float(np.hypot(0.25 * _FOOT, _ANKLE_HEIGHT))
FOOT: Final = float(np.hypot(0.72 * _FOOT, _ANKLE_HEIGHT))
"""Ankle to heel and to the ball of the big toe, from the foot's length and the ankle's height: a
quarter of the foot lies behind the ankle, and the ball 0.72 of it before."""

_INDEX: Final = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
_HIPS: Final = (_INDEX[Landmark.LEFT_HIP], _INDEX[Landmark.RIGHT_HIP])
_SHOULDERS: Final = (_INDEX[Landmark.LEFT_SHOULDER], _INDEX[Landmark.RIGHT_SHOULDER])
_LIMBS: Final = tuple(
    (_INDEX[Landmark[f"{side}_{start}"]], _INDEX[Landmark[f"{side}_{end}"]])
    for start, end in (
        ("HIP", "KNEE"),
        ("KNEE", "ANKLE"),
        ("ANKLE", "HEEL"),
        ("ANKLE", "FOOT_INDEX"),
    )
    for side in ("LEFT", "RIGHT")
)
"""From and to, from the hips down."""

SEGMENTS: Final = (
    "pelvis",
    "trunk",
    "shoulders",
    *(
        f"{side} {part}"
        for part in ("thigh", "shank", "heel", "foot")
        for side in ("left", "right")
    ),
)
"""The eleven segments of the 12 landmarks: right to left hip, mid-hip to mid-shoulder, right to
left shoulder, then down the legs."""

CANONICAL_LENGTHS: Final = tuple(
    part * CANONICAL_HEIGHT
    for part in (PELVIS, TRUNK, SHOULDERS, THIGH, THIGH, SHANK, SHANK, HEEL, HEEL, FOOT, FOOT)
)
"""Metres, in the order of `SEGMENTS`."""


def split_segments(points: NDArray[np.floating[Any]]) -> tuple[Float64, Float64]:
    """Take landmarks apart into mid-hip and segments; `join_segments` undoes it.

    Parameters
    ----------
    points
        Shape (..., 12, 3), in `GAIT_LANDMARKS` order; NaN where unknown.

    Returns
    -------
    tuple of ndarray
        Mid-hip (..., 3), and the vector of every segment (..., 11, 3) in the order of `SEGMENTS`.
    """
    given = np.asarray(points, np.float64)
    middle_hip = given[..., _HIPS, :].mean(axis=-2)
    middle_shoulder = given[..., _SHOULDERS, :].mean(axis=-2)
    vectors = [
        given[..., _HIPS[0], :] - given[..., _HIPS[1], :],
        middle_shoulder - middle_hip,
        given[..., _SHOULDERS[0], :] - given[..., _SHOULDERS[1], :],
        *(given[..., end, :] - given[..., start, :] for start, end in _LIMBS),
    ]
    return middle_hip, np.stack(vectors, axis=-2)


def join_segments(middle_hip: Float64, vectors: Float64) -> Float64:
    """Chain segments up from mid-hip; what hangs on an unknown segment is unknown.

    Parameters
    ----------
    middle_hip
        Shape (..., 3).
    vectors
        Shape (..., 11, 3), in the order of `SEGMENTS`.

    Returns
    -------
    ndarray of float64
        Landmarks (..., 12, 3).
    """
    points = np.empty((*vectors.shape[:-2], len(GAIT_LANDMARKS), 3))
    pelvis, trunk, shoulders = (vectors[..., i, :] for i in range(3))
    centres = (_HIPS, middle_hip, pelvis), (_SHOULDERS, middle_hip + trunk, shoulders)
    for (left, right), centre, across in centres:
        points[..., left, :] = centre + across / 2
        points[..., right, :] = centre - across / 2
    for segment, (start, end) in enumerate(_LIMBS, start=3):
        points[..., end, :] = points[..., start, :] + vectors[..., segment, :]
    return points


def canonical_bones(points: NDArray[np.floating[Any]]) -> Float64:
    """Give every walker the same bone lengths and keep the direction of every segment.

    Parameters
    ----------
    points
        Shape (..., 12, 3), three-dimensional landmarks in `GAIT_LANDMARKS` order, any length unit;
        NaN where unknown. A frame's two dimensions will not do: there a short bone is one that
        points at the camera.

    Returns
    -------
    ndarray of float64
        Same shape, metres of a person of `CANONICAL_HEIGHT`; mid-hip stays where it is. NaN
        where the joint, or one between it and mid-hip, is unknown, or a bone has no length and so
        no direction.

    Notes
    -----
    Knee and ankle angles do not change, nor does the angle of the thigh with the axis of the
    trunk. The function is idempotent, commutes with rotations, and about mid-hip it forgets scale.
    """
    middle_hip, vectors = split_segments(points)
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    lengths = np.array(CANONICAL_LENGTHS)[:, None]
    return join_segments(middle_hip, vectors * (lengths / np.where(size > 0, size, np.nan)))


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

"""The same movement on one body: every walker's bones at canonical lengths.

Bone lengths tell people apart by themselves, and a body is easier to forge than a walk. With them
replaced, what is left of a walk is the directions of its segments: posture and movement.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import GAIT_LANDMARKS, Landmark

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

CHAIN: Final = tuple(
    (_INDEX[Landmark[f"{side}_{start}"]], _INDEX[Landmark[f"{side}_{end}"]], length)
    for start, end, length in (
        ("HIP", "KNEE", THIGH),
        ("KNEE", "ANKLE", SHANK),
        ("ANKLE", "HEEL", HEEL),
        ("ANKLE", "FOOT_INDEX", FOOT),
    )
    for side in ("LEFT", "RIGHT")
)
"""Segments of the legs from the hips down, as (from, to, part of the height)."""

_PAIRS: Final = tuple(
    (_INDEX[Landmark[f"LEFT_{joint}"]], _INDEX[Landmark[f"RIGHT_{joint}"]], width)
    for joint, width in (("HIP", PELVIS), ("SHOULDER", SHOULDERS))
)


def canonical_bones(points: NDArray[np.floating[Any]]) -> Float64:
    """Give every walker the same bone lengths and keep the direction of every segment.

    The chain is rebuilt from mid-hip, which stays where it is: hips along the pelvis axis, knees,
    ankles, heels and feet; mid-shoulder along the trunk, shoulders along the shoulder axis.

    Parameters
    ----------
    points
        Shape (..., 12, 3), three-dimensional landmarks in `GAIT_LANDMARKS` order, any length unit;
        NaN where unknown. A picture's two dimensions will not do: there a short bone is one that
        points at the camera.

    Returns
    -------
    ndarray of float64
        Same shape, metres of a person of `CANONICAL_HEIGHT`, relative to the given mid-hip. NaN
        where the joint, or one between it and mid-hip, is unknown, or a bone has no length and so
        no direction.

    Notes
    -----
    Knee and ankle angles do not change, nor does the angle of the thigh with the axis of the
    trunk. The function is idempotent, commutes with rotations, and about mid-hip it forgets scale.
    """
    given = np.asarray(points, np.float64)
    (left_hip, right_hip, _), (left_shoulder, right_shoulder, _) = _PAIRS
    hip = (given[..., left_hip, :] + given[..., right_hip, :]) / 2
    shoulder = (given[..., left_shoulder, :] + given[..., right_shoulder, :]) / 2
    made = np.empty_like(given)
    centres = hip, hip + _along(shoulder - hip, TRUNK)
    for centre, (left, right, width) in zip(centres, _PAIRS, strict=True):
        half = _along(given[..., left, :] - given[..., right, :], width / 2)
        made[..., left, :] = centre + half
        made[..., right, :] = centre - half
    for start, end, length in CHAIN:
        bone = _along(given[..., end, :] - given[..., start, :], length)
        made[..., end, :] = made[..., start, :] + bone
    return made


def _along(vectors: Float64, length: float) -> Float64:
    """Return vectors (..., 3) of the same direction, `length` body heights long; NaN for zero."""
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Float64 = vectors * (length * CANONICAL_HEIGHT / np.where(size > 0, size, np.nan))
    return scaled

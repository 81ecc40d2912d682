"""What can be measured of a walker in a frame: height, legs in sight, swing, speed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.events import JOINT, forward_path
from gaitproof.gait.features import is_flat
from gaitproof.types import Landmark, PoseSequence

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

STRIDE_FREQUENCIES: Final = (0.4, 1.6)
"""Hz: strides of walking last 0.65 to 2.5 s."""

IMAGE_MARGIN: Final = 0.01
"""Share of the frame's sides: landmarks this near the edge count as cut off."""

MIN_SEEN: Final = 0.2
"""Visibility below which a landmark counts as not seen."""

_LEGS: Final[list[int]] = [
    Landmark[f"{side}_{joint}"]
    for joint in ("KNEE", "ANKLE", "HEEL", "FOOT_INDEX")
    for side in ("LEFT", "RIGHT")
]

_TOES: Final[list[int]] = [Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]


def person_heights(sequence: PoseSequence) -> Float64:
    """Return the height of the person in the image per frame, nose to lower heel.

    Returns
    -------
    ndarray of float64
        Shape (T,), pixels, 0 for somebody upside down; NaN where unknown and for a source without
        a frame.
    """
    if sequence.image is None:
        return np.full(len(sequence), np.nan)
    y = sequence.image[..., 1].astype(np.float64)
    feet = y[:, [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL]]
    ankles = y[:, [Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]]
    feet = np.where(np.isfinite(feet), feet, ankles)
    height = np.maximum(feet[:, 0], feet[:, 1]) - y[:, Landmark.NOSE]
    return np.asarray(np.maximum(height, 0.0), np.float64)


def lower_body_seen(sequence: PoseSequence) -> Bools:
    """Tell in which frames both legs are known, seen well enough and inside the frame.

    Landmarks that are never known (a sensor without heels) are not asked for, but for toes, unless
    the source says that it has none.
    """
    points = sequence.world if sequence.world is not None else sequence.image
    assert points is not None
    known = np.isfinite(points).all(axis=2) & (sequence.visibility >= MIN_SEEN)
    if sequence.image is not None and sequence.frame_size is not None:
        size = np.asarray(sequence.frame_size, np.float64)
        with np.errstate(invalid="ignore"):
            inside = (sequence.image > IMAGE_MARGIN * size) & (
                sequence.image < (1 - IMAGE_MARGIN) * size
            )
        known &= inside.all(axis=2)
    legs = known[:, _LEGS]
    exists = np.isfinite(points[:, _LEGS]).all(axis=2).any(axis=0)
    exists |= np.isin(_LEGS, _TOES) & sequence.feet
    seen: Bools = legs[:, exists].all(axis=1) & bool(exists.any())
    return seen


def leg_swing(times: Float64, points: Float64) -> tuple[float, float, float]:
    """Measure how far and how rhythmically the legs swing.

    Parameters
    ----------
    times
        Shape (T,), seconds.
    points
        Shape (T, 12, 3), gait landmarks, finite but for heels.

    Returns
    -------
    tuple of float
        Root mean square of the ankles' distance along the walking direction about its mean, in
        torso lengths; and the share of its variance, 0 to 1, that the best sinusoid of a stride's
        frequency explains; and how much the ankles take turns, the negative correlation of their
        paths. In a two-dimensional frontal view, where nothing is seen along the walking direction,
        the heights of the ankles are taken instead and the last is NaN.
    """
    left, right = (
        forward_path(times, points, ankle) for ankle in (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)
    )
    apart = left - right
    spread = float(np.std(left) * np.std(right))
    turns = -float(np.mean((left - left.mean()) * (right - right.mean()))) / max(spread, 1e-12)
    if is_flat(points):
        hips = points[:, [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]].mean(axis=1)
        shoulders = points[:, [JOINT[Landmark.LEFT_SHOULDER], JOINT[Landmark.RIGHT_SHOULDER]]]
        torso = float(np.median(np.linalg.norm(shoulders.mean(axis=1) - hips, axis=1)))
        up = points[:, JOINT[Landmark.LEFT_ANKLE], 1] - points[:, JOINT[Landmark.RIGHT_ANKLE], 1]
        up = up / max(torso, 1e-9)
        if np.std(up) > np.std(apart):
            apart, turns = up, float("nan")
    apart = apart - apart.mean()
    power = float(np.mean(apart**2))
    if power < 1e-12:
        return 0.0, 0.0, turns
    best = 0.0
    for frequency in np.arange(STRIDE_FREQUENCIES[0], STRIDE_FREQUENCIES[1] + 0.025, 0.05):
        phase = 2 * np.pi * frequency * (times - times[0])
        base = np.stack([np.cos(phase), np.sin(phase), np.ones_like(phase)], axis=1)
        fit = base @ np.linalg.lstsq(base, apart, rcond=None)[0]
        best = max(best, 1.0 - float(np.mean((apart - fit) ** 2)) / power)
    return float(np.sqrt(power)), best, turns


def hip_speed(sequence: PoseSequence) -> Float64:
    """Return the speed of the mid-hip in the frame.

    Returns
    -------
    ndarray of float64
        Shape (T,), torso lengths (median over the sequence) per second since the frame before; NaN
        where unknown and for a source without an image.
    """
    speed = np.full(len(sequence), np.nan)
    if sequence.image is None or len(sequence) < 2:
        return speed
    image = sequence.image.astype(np.float64)
    hip = image[:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=1)
    shoulder = image[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1)
    torso = known_median(np.linalg.norm(shoulder - hip, axis=1))
    moved = np.linalg.norm(np.diff(hip, axis=0), axis=1)
    speed[1:] = moved / np.diff(sequence.timestamps) / max(torso, 1e-9)
    return speed


def body_tilt(sequence: PoseSequence) -> float:
    """Return the angle between torso and the image's vertical, degrees, 0 to 180.

    The median over the frames; NaN where unknown and for a source without an image.
    """
    if sequence.image is None:
        return float("nan")
    image = sequence.image.astype(np.float64)
    hip = image[:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=1)
    up = image[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1) - hip
    return known_median(np.degrees(np.arctan2(np.abs(up[:, 0]), -up[:, 1])))


def limb_variation(points: Float64) -> float:
    """Return the largest coefficient of variation among thighs and shanks, 0 when rigid."""
    worst = 0.0
    for side in ("LEFT", "RIGHT"):
        for top, bottom in (("HIP", "KNEE"), ("KNEE", "ANKLE")):
            limb = points[:, JOINT[Landmark[f"{side}_{top}"]]]
            limb = limb - points[:, JOINT[Landmark[f"{side}_{bottom}"]]]
            lengths = np.linalg.norm(limb, axis=1)
            worst = max(worst, float(np.std(lengths) / max(float(np.mean(lengths)), 1e-9)))
    return worst


def known_median(values: NDArray[np.floating[Any]]) -> float:
    """Return the median of the finite values, NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")

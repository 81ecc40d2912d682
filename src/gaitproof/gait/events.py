"""Heel strikes and toe-offs.

The coordinate method of Zeni, Richards and Higginson (Gait & Posture 27, 2008): along the walking
direction and seen from the pelvis, the heel is farthest ahead at heel strike and the toe farthest
behind at toe-off. It needs no floor and no body translation, so hip-centred landmarks will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import gait_points, is_flat, resample, valid_segments
from gaitproof.types import GAIT_LANDMARKS, Landmark, PoseSequence
from gaitproof.types.windows import WINDOW_RATE

Float64 = NDArray[np.float64]

JOINT: Final = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
"""Row of each gait landmark in `gait_points`."""

MIN_PROMINENCE: Final = 0.15
"""Torso lengths by which an extreme must stand out; a foot travels 0.8 to 2 in a stride."""

RELATIVE_PROMINENCE: Final = 0.3
"""The same as a share of the foot's whole range, against wobble on top of long strides."""

MIN_STRIDE_TIME: Final = 0.6
"""Seconds; walking stays under 170 steps a minute (stride time 0.7 s)."""

_HEADING_SECONDS: Final = 1.0
"""The heading is averaged over about a stride, so that pelvic rotation cancels."""


@dataclass(frozen=True, eq=False)
class GaitEvents:
    """Times of the gait events in seconds, increasing; each array of shape (any,).

    `runs` are the (start, end) of the unbroken stretches that were searched: no stride spans two.
    """

    left_strikes: Float64
    right_strikes: Float64
    left_offs: Float64
    right_offs: Float64
    runs: tuple[tuple[float, float], ...]


def walking_direction(times: Float64, points: Float64) -> Float64:
    """Find the horizontal direction in which the body faces.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), gait landmarks, y up; finite but for missing heels. Depth 0 throughout
        marks a 2-D source.

    Returns
    -------
    ndarray of float64
        Shape (T, 3), unit vectors. In three dimensions across the body (right to left, hips and
        shoulders) times up, averaged over 1 s. In two dimensions left or right in the frame,
        where the feet point, or the knees for a source without feet.
    """
    if is_flat(points):
        hips, knees, ankles, toes = (
            points[:, [JOINT[Landmark[f"{side}_{name}"]] for side in ("LEFT", "RIGHT")], 0]
            for name in ("HIP", "KNEE", "ANKLE", "FOOT_INDEX")
        )
        ahead = toes - ankles
        if np.isnan(ahead).all():
            # a knee bends forward, out of the line from hip to ankle
            ahead = knees - (hips + ankles) / 2
        sign = 1.0 if np.median(ahead) >= 0 else -1.0
        return np.tile([sign, 0.0, 0.0], (len(points), 1))
    across = sum_across(points)
    across[:, 1] = 0.0
    across = _moving_mean(times, across, _HEADING_SECONDS)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    return np.cross(across, [0.0, 1.0, 0.0])


def sum_across(points: Float64) -> Float64:
    """Return the right-to-left vector of hips plus shoulders, shape (T, 3)."""
    left = points[:, JOINT[Landmark.LEFT_HIP]] + points[:, JOINT[Landmark.LEFT_SHOULDER]]
    right = points[:, JOINT[Landmark.RIGHT_HIP]] + points[:, JOINT[Landmark.RIGHT_SHOULDER]]
    return left - right


def forward_path(times: Float64, points: Float64, landmark: Landmark) -> Float64:
    """Return how far a landmark is ahead of the mid-hip, in torso lengths, shape (T,)."""
    hip = points[:, [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]].mean(axis=1)
    shoulder = points[:, [JOINT[Landmark.LEFT_SHOULDER], JOINT[Landmark.RIGHT_SHOULDER]]]
    torso = float(np.median(np.linalg.norm(shoulder.mean(axis=1) - hip, axis=1)))
    relative = points[:, JOINT[landmark]] - hip
    ahead: Float64 = np.sum(relative * walking_direction(times, points), axis=1)
    return ahead / max(torso, 1e-9)


def find_events(sequence: PoseSequence) -> GaitEvents:
    """Find heel strikes and toe-offs of a cleaned pose sequence; see `events_from_points`."""
    return events_from_points(sequence.timestamps, gait_points(sequence), feet=sequence.feet)


def events_from_points(times: Float64, points: Float64, *, feet: bool = True) -> GaitEvents:
    """Find heel strikes and toe-offs in the paths of the gait landmarks.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), y up, any length unit; NaN where unknown.
    feet
        As in `gaitproof.gait.features.valid_segments`.

    Returns
    -------
    GaitEvents
        Exact to about a third of a frame of 30 Hz. Where a source has no heels the ankle takes
        their place (strikes then come some 20 ms late). No toe-offs for a source without feet.
    """
    times_of: dict[str, list[float]] = {
        name: [] for name in ("left_strikes", "right_strikes", "left_offs", "right_offs")
    }
    runs = []
    for run in valid_segments(points, times, feet=feet):
        grid, path = resample(times[run], points[run])
        if grid[-1] - grid[0] < MIN_STRIDE_TIME:
            continue
        runs.append((float(grid[0]), float(grid[-1])))
        for side in ("LEFT", "RIGHT"):
            heel = forward_path(grid, path, Landmark[f"{side}_HEEL"])
            if np.isnan(heel).any():
                heel = forward_path(grid, path, Landmark[f"{side}_ANKLE"])
            times_of[f"{side.lower()}_strikes"].extend(_peaks(grid, heel))
            if feet:
                toe = forward_path(grid, path, Landmark[f"{side}_FOOT_INDEX"])
                times_of[f"{side.lower()}_offs"].extend(_peaks(grid, -toe))
    arrays = {name: np.asarray(values, np.float64) for name, values in times_of.items()}
    return GaitEvents(**arrays, runs=tuple(runs))


def _peaks(grid: Float64, path: Float64) -> Float64:
    """Return the times of the maxima, between frames by the parabola through three of them."""
    from scipy.signal import find_peaks

    prominence = max(MIN_PROMINENCE, RELATIVE_PROMINENCE * float(np.ptp(path)))
    peaks, _ = find_peaks(
        path, prominence=prominence, distance=max(1, round(MIN_STRIDE_TIME * WINDOW_RATE))
    )
    before, at, after = path[peaks - 1], path[peaks], path[peaks + 1]
    bend = np.maximum(2 * at - before - after, 1e-12)
    shift = np.clip(0.5 * (after - before) / bend, -0.5, 0.5)
    times: Float64 = grid[peaks] + shift / WINDOW_RATE
    return times


def _moving_mean(times: Float64, values: Float64, seconds: float) -> Float64:
    first = np.searchsorted(times, times - seconds / 2, side="left")
    last = np.searchsorted(times, times + seconds / 2, side="right")
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    mean: Float64 = (total[last] - total[first]) / (last - first)[:, None]
    return mean

"""The 78 gait features per frame, and their 60-frame windows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import GAIT_LANDMARKS, LEFT_RIGHT_PAIRS, GaitWindows, Landmark, PoseSequence
from gaitproof.types.rotations import axis_rotations
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP, WINDOW_RATE

Float64 = NDArray[np.float64]

MIN_FEATURE_FRAMES: Final = 10
"""Valid frames below which no feature is computed (gait seed, paper, F.3)."""

MAX_TIME_JUMP: Final = 0.2
"""Seconds: longer gaps split a walk (design; the same as the cleaning's default)."""

_ROWS: Final[list[int]] = [int(landmark) for landmark in GAIT_LANDMARKS]

_INDEX: Final = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}

ANGLES: Final = tuple(
    tuple(_INDEX[Landmark[f"{side}_{joint}"]] for joint in triple)
    for triple in (
        ("HIP", "KNEE", "ANKLE"),
        ("SHOULDER", "HIP", "KNEE"),
        ("KNEE", "ANKLE", "FOOT_INDEX"),
    )
    for side in ("LEFT", "RIGHT")
)
"""Triples whose middle joint's angle is a feature: left, right knee, hip, ankle."""

SHOULDERS: Final = (_INDEX[Landmark.LEFT_SHOULDER], _INDEX[Landmark.RIGHT_SHOULDER])
HIPS: Final = (_INDEX[Landmark.LEFT_HIP], _INDEX[Landmark.RIGHT_HIP])
_NEEDED: Final = tuple(
    i for i, landmark in enumerate(GAIT_LANDMARKS) if not landmark.name.endswith("_HEEL")
)
"""Joints without which a frame is not valid; a sensor may lack heels."""
_LEGS: Final = tuple(i for i in _NEEDED if not GAIT_LANDMARKS[i].name.endswith("_FOOT_INDEX"))
"""The same for a source that ends at the ankles, as COCO-17 does."""


def gait_points(sequence: PoseSequence) -> Float64:
    """Return the 12 gait landmarks in three dimensions, y up.

    Parameters
    ----------
    sequence
        World coordinates are taken where there are any; else image coordinates, with y turned up
        and z = 0.

    Returns
    -------
    ndarray of float64
        Shape (T, 12, 3); metres, or pixels for a 2-D source. NaN where unknown.
    """
    if sequence.world is not None:
        return sequence.world.astype(np.float64)[:, _ROWS]
    assert sequence.image is not None
    flat = sequence.image[:, _ROWS].astype(np.float64)
    points = np.zeros((*flat.shape[:2], 3))
    points[..., :2] = flat * [1.0, -1.0]
    points[np.isnan(flat).any(axis=2)] = np.nan
    return points


def is_flat(points: NDArray[np.floating[Any]]) -> bool:
    """Whether landmarks (..., 3) come from a two-dimensional source: no known depth is not 0."""
    return not np.nan_to_num(points[..., 2]).any()


def compute_angle(a: Float64, b: Float64, c: Float64) -> Float64:
    """Return the angle at `b` between `a` and `c`, in radians from 0 to pi.

    Uses atan2 of the cross and dot products, which stays accurate near 0 and pi where the
    arc cosine does not. Zero-length limbs give 0.
    """
    u, v = a - b, c - b
    angle: Float64 = np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1))
    return angle


def resample(times: Float64, points: Float64, rate: float = WINDOW_RATE) -> tuple[Float64, Float64]:
    """Interpolate point paths linearly on an even time grid.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, ...), finite.
    rate
        Frames per second of the result.

    Returns
    -------
    tuple of ndarray
        The new time stamps (M,), starting at ``times[0]``, and the paths (M, ...).
    """
    count = int(np.floor((times[-1] - times[0]) * rate + 1e-6)) + 1
    grid = np.minimum(times[0] + np.arange(count) / rate, times[-1])
    right = np.clip(np.searchsorted(times, grid, side="right"), 1, len(times) - 1)
    left = right - 1
    weight = (grid - times[left]) / (times[right] - times[left])
    weight = weight.reshape(-1, *([1] * (points.ndim - 1)))
    return grid, points[left] * (1 - weight) + points[right] * weight


def compute_features(times: Float64, points: Float64) -> Float64:
    """Compute the 78 gait features of every frame.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds, T >= 2.
    points
        Shape (..., T, 12, 3), gait landmarks in `GAIT_LANDMARKS` order, any length unit, y up. NaN
        for a joint that the source does not have. Leading axes are windows that share `times`.

    Returns
    -------
    ndarray of float64
        Shape (..., T, 78). 0-35: x y z of the 12 joints, origin mid-hip, in units of the median
        torso length (mid-shoulder to mid-hip) over the T frames; 36-41: left and right knee, hip
        and ankle angles in radians; 42-77: velocity of 0-35 per second, by second-order central
        differences on the time stamps. NaN where a joint is NaN.

    Notes
    -----
    Design of the gait seed with angles in 3-D, a window-wide torso length and rates per second.
    """
    hip = points[..., HIPS, :].mean(axis=-2)
    shoulder = points[..., SHOULDERS, :].mean(axis=-2)
    torso = np.median(np.linalg.norm(shoulder - hip, axis=-1), axis=-1)[..., None, None, None]
    relative = (points - hip[..., None, :]) / np.maximum(torso, 1e-9)
    angles = np.stack(
        [
            compute_angle(points[..., a, :], points[..., b, :], points[..., c, :])
            for a, b, c in ANGLES
        ],
        axis=-1,
    )
    coordinates = relative.reshape(*relative.shape[:-2], -1)
    velocity = np.gradient(coordinates, times, axis=-2)
    return np.concatenate([coordinates, angles, velocity], axis=-1)


def valid_segments(
    points: Float64, times: Float64 | None = None, *, feet: bool = True
) -> list[slice]:
    """Find the runs of frames in which every needed joint is known.

    A joint that is never known (a sensor without heels) is not needed; hips, shoulders, knees,
    ankles and, unless `feet` says that the source has none, toes are. Where `times` (T,) are
    given, a run also ends where no frame comes for more than `MAX_TIME_JUMP` beyond the usual
    time: what happened there is not known.

    Returns
    -------
    list of slice
        Runs of at least `MIN_FEATURE_FRAMES` frames.
    """
    known = np.isfinite(points).all(axis=2)
    always = _NEEDED if feet else _LEGS
    needed = np.isin(np.arange(points.shape[1]), always) | known.any(axis=0)
    good = np.concatenate([[False], known[:, needed].all(axis=1), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(good))
    jumps = np.zeros(0, np.intp)
    if times is not None and len(times) > 1:
        steps = np.diff(times)
        jumps = np.flatnonzero(steps - np.median(steps) > MAX_TIME_JUMP + 1e-6) + 1
    runs = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        bounds = [int(a), *(int(j) for j in jumps if a < j < b), int(b)]
        runs += [slice(i, j) for i, j in pairwise(bounds) if j - i >= MIN_FEATURE_FRAMES]
    return runs


def unbroken_paths(
    times: Float64, points: Float64, *, feet: bool = True
) -> list[tuple[Float64, Float64]]:
    """Resample every unbroken run of a walk on an even grid of 30 Hz.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3); NaN where unknown.
    feet
        As in `valid_segments`.

    Returns
    -------
    list of tuple
        Time stamps (M,) and paths (M, 12, 3) of each run; no run bridges a gap or a jump in time.
    """
    return [resample(times[run], points[run]) for run in valid_segments(points, times, feet=feet)]


def windows_from_points(
    times: Float64, points: Float64, hop: int = WINDOW_HOP, *, feet: bool = True
) -> GaitWindows:
    """Cut the gait landmarks of one walk into feature windows.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), y up; NaN where unknown.
    hop
        Frames (at 30 Hz) between window starts.
    feet
        As in `valid_segments`.

    Returns
    -------
    GaitWindows
        Windows of 60 frames at 30 Hz from every unbroken run of frames; none if no run lasts 2 s.
        Time is never stretched: stretching would delete the cadence.
    """
    features, masks, starts = [], [], []
    for grid, path in unbroken_paths(times, points, feet=feet):
        for start in range(0, len(grid) - WINDOW_FRAMES + 1, hop):
            part = slice(start, start + WINDOW_FRAMES)
            values = compute_features(grid[part], path[part])
            mask = np.isfinite(values).all(axis=0)
            features.append(np.where(mask, values, 0.0))
            masks.append(mask)
            starts.append(grid[start])
    if not features:
        return GaitWindows.empty()
    return GaitWindows(
        np.asarray(features, np.float32), np.asarray(masks), np.asarray(starts, np.float64)
    )


def compute_windows(sequence: PoseSequence, hop: int = WINDOW_HOP) -> GaitWindows:
    """Cut a cleaned pose sequence into feature windows; see `windows_from_points`.

    The features of feet that the source does not have are masked.
    """
    return windows_from_points(sequence.timestamps, gait_points(sequence), hop, feet=sequence.feet)


def mean_heading(features: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return where the walker of every window faces on average, against the camera.

    It is taken from the mean left-to-right axis of shoulders and hips.

    Parameters
    ----------
    features
        Shape (..., 60, 78), three-dimensional.

    Returns
    -------
    ndarray
        Shape (...), radians: 0 towards the camera, pi/2 to the left in the image.
    """
    coordinates = features[..., :36].reshape(*features.shape[:-1], 12, 3)
    left, right = zip(SHOULDERS, HIPS, strict=True)
    across = (coordinates[..., left, :] - coordinates[..., right, :]).sum(axis=-2).mean(axis=-2)
    angle: NDArray[np.floating[Any]] = np.arctan2(across[..., 2], across[..., 0])
    return angle


def align_heading(features: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Turn windows about the vertical so that every walker faces along +z on average.

    The view is a property of the camera, not of the walker. The heading is taken from the mean
    left-to-right axis of shoulders and hips; coordinates and velocities turn with it, angles stay.

    Parameters
    ----------
    features
        Shape (N, 60, 78), three-dimensional; missing joints may be 0 or NaN.

    Returns
    -------
    ndarray
        Shape (N, 60, 78), same type.
    """
    coordinates = features[..., :36].reshape(*features.shape[:-1], 12, 3)
    angle = mean_heading(features)
    turn = axis_rotations("y", np.degrees(angle)).swapaxes(1, 2)[:, None].astype(features.dtype)
    velocity = features[..., 42:].reshape(coordinates.shape)
    turned = [(part @ turn).reshape(*features.shape[:-1], 36) for part in (coordinates, velocity)]
    return np.concatenate([turned[0], features[..., 36:42], turned[1]], axis=-1)


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

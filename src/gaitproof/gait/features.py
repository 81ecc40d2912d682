"""The gait features per frame, 78 of the gait landmarks, and their 60-frame windows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import GAIT_LANDMARKS, GaitWindows, Landmark, PoseSequence
from gaitproof.types.layouts import GAIT_LAYOUT, layout_of
from gaitproof.types.rotations import axis_rotations
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP, WINDOW_RATE

Float64 = NDArray[np.float64]

MIN_FEATURE_FRAMES: Final = 10
"""Valid frames below which no feature is computed (gait seed, paper, F.3)."""

MAX_TIME_JUMP: Final = 0.2
"""Seconds: longer gaps split a walk (design; the same as the cleaning's default)."""

_TRIPLES: Final = tuple(
    tuple(Landmark[f"{side}_{joint}"] for joint in triple)
    for triple in (
        ("HIP", "KNEE", "ANKLE"),
        ("SHOULDER", "HIP", "KNEE"),
        ("KNEE", "ANKLE", "FOOT_INDEX"),
    )
    for side in ("LEFT", "RIGHT")
)

ANGLES: Final = tuple(tuple(map(GAIT_LANDMARKS.index, triple)) for triple in _TRIPLES)
"""Triples whose middle joint's angle is a feature: left, right knee, hip, ankle."""

SHOULDERS: Final = GAIT_LAYOUT.pair("SHOULDER")
HIPS: Final = GAIT_LAYOUT.pair("HIP")
_LEGS: Final = frozenset(
    Landmark[f"{side}_{joint}"]
    for joint in ("SHOULDER", "HIP", "KNEE", "ANKLE")
    for side in ("LEFT", "RIGHT")
)
"""Joints without which a frame of a source that ends at the ankles, as COCO-17 does, is not valid;
a sensor may lack heels."""
_NEEDED: Final = _LEGS | {Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX}
"""The same for all other sources."""


def gait_points(
    sequence: PoseSequence, landmarks: tuple[Landmark, ...] = GAIT_LANDMARKS
) -> Float64:
    """Return the 12 gait landmarks, or others, in three dimensions, y up.

    Parameters
    ----------
    sequence
        World coordinates are taken where there are any; else image coordinates, with y turned up
        and z = 0.
    landmarks
        Which.

    Returns
    -------
    ndarray of float64
        Shape (T, 12, 3); metres, or pixels for a 2-D source. NaN where unknown.
    """
    rows = list(landmarks)
    if sequence.world is not None:
        return sequence.world.astype(np.float64)[:, rows]
    assert sequence.image is not None
    flat = sequence.image[:, rows].astype(np.float64)
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


def resample(times: Float64, points: Float64) -> tuple[Float64, Float64]:
    """Interpolate point paths linearly on an even time grid of `WINDOW_RATE`.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, ...), finite.

    Returns
    -------
    tuple of ndarray
        The new time stamps (M,), starting at ``times[0]``, and the paths (M, ...).
    """
    count = int(np.floor((times[-1] - times[0]) * WINDOW_RATE + 1e-6)) + 1
    grid = np.minimum(times[0] + np.arange(count) / WINDOW_RATE, times[-1])
    right = np.clip(np.searchsorted(times, grid, side="right"), 1, len(times) - 1)
    left = right - 1
    weight = (grid - times[left]) / (times[right] - times[left])
    weight = weight.reshape(-1, *([1] * (points.ndim - 1)))
    return grid, points[left] * (1 - weight) + points[right] * weight


def compute_features(times: Float64, points: Float64) -> Float64:
    """Compute the 78 gait features of every frame, or the 108 of the 17 COCO joints.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds, T >= 2.
    points
        Shape (..., T, J, 3), J landmarks in the order of a `gaitproof.types.layouts.Layout`, the 12
        of `GAIT_LANDMARKS` for one, any length unit, y up. NaN for a joint that the source does not
        have. Leading axes are windows that share `times`.

    Returns
    -------
    ndarray of float64
        Shape (..., T, 6 J + 6). First x y z of the joints, origin mid-hip, in units of the median
        torso length (mid-shoulder to mid-hip) over the T frames; then left and right knee, hip
        and ankle angles in radians; then the velocity of the coordinates per second, by
        second-order central differences on the time stamps. NaN where a joint is NaN, and for an
        angle whose joints the layout does not have.

    Notes
    -----
    Design of the gait seed with angles in 3-D, a window-wide torso length and rates per second.
    """
    layout = layout_of(points.shape[-2])
    hip = points[..., layout.pair("HIP"), :].mean(axis=-2)
    shoulder = points[..., layout.pair("SHOULDER"), :].mean(axis=-2)
    torso = np.median(np.linalg.norm(shoulder - hip, axis=-1), axis=-1)[..., None, None, None]
    relative = (points - hip[..., None, :]) / np.maximum(torso, 1e-9)
    angles = np.full((*points.shape[:-2], len(_TRIPLES)), np.nan)
    for i, triple in enumerate(_TRIPLES):
        if set(triple) <= set(layout.landmarks):
            a, b, c = (points[..., layout.landmarks.index(joint), :] for joint in triple)
            angles[..., i] = compute_angle(a, b, c)
    coordinates = relative.reshape(*relative.shape[:-2], -1)
    velocity = np.gradient(coordinates, times, axis=-2)
    return np.concatenate([coordinates, angles, velocity], axis=-1)


def valid_segments(
    points: Float64, times: Float64 | None = None, *, feet: bool = True
) -> list[slice]:
    """Find the runs of frames in which every needed joint is known.

    A gait landmark that is never known (a sensor without heels) is not needed; hips, shoulders,
    knees, ankles and, unless `feet` says that the source has none, toes are. Head and arms, of
    which a view hides some, never are. Where `times` (T,) are given, a run also ends where no
    frame comes for more than `MAX_TIME_JUMP` beyond the usual time: what happened there is not
    known.

    Returns
    -------
    list of slice
        Runs of at least `MIN_FEATURE_FRAMES` frames.
    """
    landmarks = layout_of(points.shape[1]).landmarks
    known = np.isfinite(points).all(axis=2)
    always = np.array([one in (_NEEDED if feet else _LEGS) for one in landmarks])
    needed = always | (known.any(axis=0) & np.isin(landmarks, GAIT_LANDMARKS))
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
        Shape (T, J, 3), as for `compute_features`; NaN where unknown.
    feet
        As in `valid_segments`.

    Returns
    -------
    list of tuple
        Time stamps (M,) and paths (M, J, 3) of each run; no run bridges a gap or a jump in time.
    """
    return [resample(times[run], points[run]) for run in valid_segments(points, times, feet=feet)]


def windows_from_points(
    times: Float64,
    points: Float64,
    hop: int = WINDOW_HOP,
    *,
    feet: bool = True,
    least: int = WINDOW_FRAMES,
) -> GaitWindows:
    """Cut the gait landmarks of one walk into feature windows.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, J, 3), as for `compute_features`, y up; NaN where unknown.
    hop
        Frames (at 30 Hz) between window starts.
    feet
        As in `valid_segments`.
    least
        Frames (at 30 Hz) of an unbroken run, at least; one of fewer than 60 becomes a window with
        padding at its end.

    Returns
    -------
    GaitWindows
        Windows of 60 frames at 30 Hz from every unbroken run of frames; none if no run is long
        enough. Time is never stretched: stretching would delete the cadence.
    """
    features, masks, starts, lengths = [], [], [], []
    for grid, path in unbroken_paths(times, points, feet=feet):
        if len(grid) < least:
            continue
        for start in range(0, max(len(grid) - WINDOW_FRAMES, 0) + 1, hop):
            part = slice(start, start + WINDOW_FRAMES)
            values = compute_features(grid[part], path[part])
            mask = np.isfinite(values).all(axis=0)
            window = np.zeros((WINDOW_FRAMES, len(mask)))
            window[: len(values)] = np.where(mask, values, 0.0)
            features.append(window)
            masks.append(mask)
            starts.append(grid[start])
            lengths.append(len(values))
    if not features:
        return GaitWindows.empty()
    return GaitWindows(
        np.asarray(features, np.float32),
        np.asarray(masks),
        np.asarray(starts, np.float64),
        np.asarray(lengths),
    )


def compute_windows(sequence: PoseSequence) -> GaitWindows:
    """Cut a cleaned pose sequence into feature windows; see `windows_from_points`.

    The features of feet that the source does not have are masked.
    """
    return windows_from_points(sequence.timestamps, gait_points(sequence), feet=sequence.feet)


def in_joints(features: NDArray[Any], columns: slice) -> NDArray[Any]:
    """Return coordinates or velocities (..., 3 J) of features, by columns, as (..., J, 3)."""
    count = (columns.stop - columns.start) // 3
    return features[..., columns].reshape(*features.shape[:-1], count, 3)


def mean_heading(features: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return where the walker of every window faces on average, against the camera.

    It is taken from the mean left-to-right axis of shoulders and hips.

    Parameters
    ----------
    features
        Shape (..., 60, 78) or (..., 60, 108), three-dimensional.

    Returns
    -------
    ndarray
        Shape (...), radians: 0 towards the camera, pi/2 to the left in the image.
    """
    layout = layout_of(features.shape[-1])
    coordinates = in_joints(features, layout.coordinates)
    left, right = zip(layout.pair("SHOULDER"), layout.pair("HIP"), strict=True)
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
        Shape (N, 60, 78) or (N, 60, 108), three-dimensional; missing joints may be 0 or NaN.

    Returns
    -------
    ndarray
        Same shape and type.
    """
    layout = layout_of(features.shape[-1])
    angle = mean_heading(features)
    turn = axis_rotations("y", np.degrees(angle)).swapaxes(1, 2)[:, None].astype(features.dtype)
    turned = [
        (in_joints(features, part) @ turn).reshape(features[..., part].shape)
        for part in (layout.coordinates, layout.velocities)
    ]
    return np.concatenate([turned[0], features[..., layout.angles], turned[1]], axis=-1)


def mirror(points: Float64) -> Float64:
    """Exchange left and right: the mirrored walk is another walker's.

    Parameters
    ----------
    points
        Shape (..., J, 3), as for `compute_features`.
    """
    order = layout_of(points.shape[-2]).mirrored
    swapped: Float64 = points[..., order, :] * np.array([-1.0, 1.0, 1.0])
    return swapped


def mirror_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the features (..., 78) of the mirrored walk; see `mirror`."""
    layout = layout_of(features.shape[-1])
    places, speeds = (
        mirror(in_joints(features, part).astype(np.float64)).reshape(features[..., part].shape)
        for part in (layout.coordinates, layout.velocities)
    )
    # knees, hips and ankles, left before right
    angles = features[..., layout.angles][..., [1, 0, 3, 2, 5, 4]]
    return np.concatenate([places, angles, speeds], axis=-1, dtype=np.float32)

"""A walk taken apart into bones, mean pose and movement, and put together again.

Lengths of the segments, their mean direction, and how they move about that: three things that can
be exchanged between people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.gait.canonical import join_segments, split_segments
from gaitproof.gait.events import walking_direction
from gaitproof.gait.features import unbroken_paths
from gaitproof.types.windows import WINDOW_FRAMES

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WalkParts:
    """A walk, taken apart.

    Parameters
    ----------
    bones
        Shape (11,): median length of every segment of `gaitproof.gait.canonical.SEGMENTS`, in the
        points' unit; NaN for one that is not known throughout.
    pose
        Shape (11, 3): unit vectors, the mean direction of every segment, in body axes (y up, z
        where the walker faces).
    movement
        Per unbroken run (M, 11, 3): how the segments turn about their mean directions, radians
        (the logarithm of the direction at the mean, a tangent vector).
    stretch
        Per run (M, 11): length over the median; what a sensor makes of a rigid bone. It goes with
        the movement.
    heading
        Per run (M,): where the walker faces, radians about the vertical; with the movement too.
    times
        Per run (M,), seconds on the even grid of 30 Hz.
    """

    bones: Float64
    pose: Float64
    movement: tuple[Float64, ...]
    stretch: tuple[Float64, ...]
    heading: tuple[Float64, ...]
    times: tuple[Float64, ...]


def _turned(vectors: Float64, heading: Float64) -> Float64:
    """Turn vectors (M, 11, 3) about the vertical by angles (M,), from +z towards +x."""
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def _logarithm(mean: Float64, directions: Float64) -> Float64:
    """Return the tangent vectors at unit vectors `mean` that lead to `directions`."""
    along = np.sum(mean * directions, axis=-1, keepdims=True)
    across = directions - along * mean
    size = np.linalg.norm(across, axis=-1, keepdims=True)
    angle = np.arctan2(size, along)
    tangent: Float64 = across * np.where(size > 1e-12, angle / np.maximum(size, 1e-12), 1.0)
    return tangent


def _exponential(mean: Float64, tangent: Float64) -> Float64:
    """Undo `_logarithm`."""
    angle = np.linalg.norm(tangent, axis=-1, keepdims=True)
    direction: Float64 = np.cos(angle) * mean + np.sinc(angle / np.pi) * tangent
    return direction


def _transported(tangent: Float64, start: Float64, end: Float64) -> Float64:
    """Carry tangent vectors at `start` to `end` along the great circle between them."""
    middle = start + end
    scale = np.maximum(1 + np.sum(start * end, axis=-1, keepdims=True), 1e-9)
    moved: Float64 = tangent - np.sum(tangent * end, axis=-1, keepdims=True) / scale * middle
    return moved


def split_walk(times: Float64, points: Float64, *, feet: bool = True) -> WalkParts:
    """Take a walk apart into bones, mean pose and movement; `join_walk` puts it together.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), y up, three-dimensional; NaN where unknown.
    feet
        Whether the source has feet; if not, their segments are left out.

    Raises
    ------
    InputError
        If the walk has no unbroken run of 2 s, or is an image's, without depth.
    """
    runs = [(t, p) for t, p in unbroken_paths(times, points, feet=feet) if len(t) >= WINDOW_FRAMES]
    if not runs:
        raise InputError(
            "The walk is too short to tell shape from movement.", expected="2 s without a gap"
        )
    if not any(np.nan_to_num(p[..., 2]).any() for _, p in runs):
        raise InputError(
            "Shape and movement cannot be told apart in two dimensions.",
            hint="use poses with world coordinates",
        )
    headings, vectors = [], []
    for grid, path in runs:
        facing = walking_direction(grid, path)
        headings.append(np.arctan2(facing[:, 0], facing[:, 2]))
        vectors.append(_turned(split_segments(path)[1], -headings[-1]))
    lengths = [np.linalg.norm(v, axis=-1) for v in vectors]
    bones = np.median(np.concatenate(lengths), axis=0)
    # a bone without length in a single frame has no direction there: it is not known throughout
    bones[np.concatenate(lengths).min(axis=0) <= 0] = np.nan
    directions = [
        v / np.where(n > 0, n, np.nan)[..., None] for v, n in zip(vectors, lengths, strict=True)
    ]
    pose = np.concatenate(directions).mean(axis=0)
    pose /= np.maximum(np.linalg.norm(pose, axis=-1, keepdims=True), 1e-9)
    return WalkParts(
        bones=bones,
        pose=pose,
        movement=tuple(_logarithm(pose, d) for d in directions),
        stretch=tuple(n / bones for n in lengths),
        heading=tuple(headings),
        times=tuple(grid for grid, _ in runs),
    )


def join_walk(
    bones: WalkParts, pose: WalkParts, movement: WalkParts
) -> list[tuple[Float64, Float64]]:
    """Put a walk together from the parts of up to three walks.

    Parameters
    ----------
    bones, pose, movement
        Where the lengths, the mean directions, and the turning about them come from.

    Returns
    -------
    list of tuple
        Per run of the movement's walk: times (M,) and hip-centred points (M, 12, 3), NaN where
        one of the three does not know a segment. With one walk in all three places the walk
        itself, but for the path of its mid-hip.
    """
    walk = []
    for grid, turning, stretch, heading in zip(
        movement.times, movement.movement, movement.stretch, movement.heading, strict=True
    ):
        directions = _exponential(pose.pose, _transported(turning, movement.pose, pose.pose))
        vectors = _turned(directions * (bones.bones * stretch)[..., None], heading)
        walk.append((grid, join_segments(np.zeros((len(grid), 3)), vectors)))
    return walk

"""What the marker formats (TRC, C3D) and the skeleton format (BVH) share.

All three hold three-dimensional points over time and no frame. A marker is named as our landmark
(``LEFT_HEEL``); read are also the usual short names of the joints (``LHeel``, ``left_heel``,
``RBigToe``), as OpenPose, OpenCap and Pose2Sim write them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.pose.formats.common import MAX_FRAMES
from gaitproof.types import N_LANDMARKS, Landmark, PoseSequence

Float64 = NDArray[np.float64]

MILLIMETRES: Final = 1000.0
"""Per metre: the unit that is written, as motion capture systems do."""

METRES: Final = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "in": 0.0254, "ft": 0.3048}
"""Metres per unit, by the names that files give it."""

MAX_METRES: Final = 1e4
"""Farthest coordinate of a sound file."""

_UNEVEN: Final = 0.02
"""Share of a frame by which time stamps may stray before they are put on an even grid."""

_NEAR: Final = 0.75
"""Frames: on the even grid a landmark is unknown where it was not seen within this."""

_SHORT: Final = re.compile(
    r"(?P<side>l|left|r|right)_?"
    r"(?P<part>shoulder|elbow|wrist|hip|knee|ankle|heel|bigtoe|toe|eye|ear)"
)
_TOES: Final = ("bigtoe", "toe")


def landmark_named(name: str) -> Landmark | None:
    """Return the landmark that a marker's name means, or None."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.rpartition(":")[2].strip().lower()).strip("_")
    if plain.upper() in Landmark.__members__:
        return Landmark[plain.upper()]
    short = _SHORT.fullmatch(plain)
    if short is None:
        return None
    side = "LEFT" if short["side"].startswith("l") else "RIGHT"
    part = "FOOT_INDEX" if short["part"] in _TOES else short["part"].upper()
    return Landmark[f"{side}_{part}"]


def world_of(sequence: PoseSequence, what: str) -> Float64:
    """Return the world coordinates (T, 33, 3) that a 3-D format writes.

    Raises
    ------
    PoseError
        If the sequence has none, or no frame in which anybody is seen.
    """
    if sequence.world is None:
        raise PoseError(
            f"{what} holds points in space, and this sequence has only image coordinates.",
            hint="store it as .npz, .json or .csv",
        )
    if not sequence.detected.any():
        raise PoseError(f"Nobody is seen in the sequence, so no {what} can be written.")
    return sequence.world.astype(np.float64)


def known_landmarks(world: Float64) -> list[Landmark]:
    """Return the landmarks that are known in any frame of (T, 33, 3)."""
    seen = np.isfinite(world).all(axis=2).any(axis=0)
    return [landmark for landmark in Landmark if seen[landmark]]


def even_frames(times: Float64, points: Float64) -> tuple[float, Float64]:
    """Put points on an even time grid, for formats that have a frame rate and no time stamps.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, N, 3); NaN where unknown.

    Returns
    -------
    tuple
        Frames per second (median; 30 for a single frame), and the points, of which those of even
        time stamps are untouched and others interpolated between neighbours.

    Raises
    ------
    PoseError
        If that gives more than `MAX_FRAMES`.
    """
    if len(times) < 2:
        return 30.0, points
    steps = np.diff(times)
    step = float(np.median(steps))
    if np.abs(steps - step).max() <= _UNEVEN * step:
        # the mean step, so that the last frame is on time too
        return float(len(steps) / (times[-1] - times[0])), points
    count = (times[-1] - times[0]) / step
    if count >= MAX_FRAMES:
        raise PoseError(
            "The time stamps lie too far apart for a format with a frame rate.",
            expected=f"at most {MAX_FRAMES} frames",
            actual=f"{count:.0f} frames of {step:.4g} s",
        )
    grid = times[0] + step * np.arange(round(count) + 1)
    even = np.full((len(grid), *points.shape[1:]), np.nan)
    for n in range(points.shape[1]):
        known = np.isfinite(points[:, n]).all(axis=1)
        if known.any():
            away = np.abs(grid - _nearest(grid, times[known]))
            for axis in range(3):
                even[:, n, axis] = np.interp(grid, times[known], points[known, n, axis])
            even[away > _NEAR * step, n] = np.nan
    return 1.0 / step, even


def _nearest(grid: Float64, times: Float64) -> Float64:
    after = np.clip(np.searchsorted(times, grid), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times[before] - grid) < np.abs(times[after] - grid)
    return np.where(nearer, times[before], times[after])


def marker_sequence(
    path: Path, names: Sequence[str], points: Float64, times: Float64, unit: str, estimator: str
) -> PoseSequence:
    """Make a pose sequence of named markers.

    Parameters
    ----------
    path
        For errors.
    names
        N names; those that mean no landmark of ours are left out.
    points
        Shape (T, N, 3), NaN where unknown, any axis up.
    times
        Shape (T,), seconds.
    unit
        Key of `METRES`, any case.
    estimator
        Of the sequence.

    Raises
    ------
    PoseError
        If the unit is unknown, no marker is a landmark, two are the same, or coordinates are
        absurd.
    """
    scale = METRES.get(unit.strip().lower())
    if scale is None:
        raise PoseError(
            f"The unit of {str(path)!r} is unknown.", expected=", ".join(METRES), actual=unit[:40]
        )
    world = np.full((len(times), N_LANDMARKS, 3), np.nan)
    landmarks: set[Landmark] = set()
    for column, name in enumerate(names):
        landmark = landmark_named(name)
        if landmark is None:
            continue
        if landmark in landmarks:
            raise PoseError(f"{str(path)!r} has two markers for {landmark.name}.")
        landmarks.add(landmark)
        world[:, landmark] = points[:, column] * scale
    if not landmarks:
        raise PoseError(
            f"No marker of {str(path)!r} is a landmark of the body.",
            expected="names as LEFT_KNEE, LKnee or left_knee",
            actual=", ".join(names)[:200],
        )
    world[~np.isfinite(world).all(axis=2)] = np.nan
    if np.nanmax(np.abs(world), initial=0.0) > MAX_METRES:
        raise PoseError(
            f"The coordinates of {str(path)!r} are too large.",
            expected=f"at most {MAX_METRES:.0f} m; the file's unit is {unit.strip()}",
        )
    return PoseSequence(
        timestamps=times,
        image=None,
        world=upright(world).astype(np.float32),
        visibility=np.isfinite(world).all(axis=2).astype(np.float32),
        estimator=estimator,
    )


_AXES_UP: Final = {
    (0, 1): np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    (0, -1): np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
    (1, 1): np.eye(3),
    (1, -1): np.diag([1, -1, -1]),
    (2, 1): np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
    (2, -1): np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
}
"""Rotations that turn an axis (index, sign) to y."""


def upright(world: Float64) -> Float64:
    """Turn points (T, 33, 3) so that y is up.

    Laboratories put z up, simulators y, and neither format says so reliably; but the shoulders of
    a walking person are above the ankles. Without shoulders or ankles nothing is turned.
    """
    upper, lower = (
        world[:, [Landmark[f"{side}_{part}"] for side in ("LEFT", "RIGHT")]].reshape(-1, 3)
        for part in ("SHOULDER", "ANKLE")
    )
    known = np.isfinite(upper).all(axis=1) & np.isfinite(lower).all(axis=1)
    if not known.any():
        return world
    rise = np.median(upper[known] - lower[known], axis=0)
    axis = int(np.argmax(np.abs(rise)))
    turned: Float64 = world @ _AXES_UP[axis, 1 if rise[axis] > 0 else -1].T
    return turned

"""Which of the faces in a video are those of the person whose walk was examined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.verdict import FaceVerdict
from gaitproof.types import Landmark, PoseSequence

SAME_MOMENT: Final = 0.05
"""Seconds between a frame of the face and the pose it is compared with, at most."""

MARGIN: Final = 0.25
"""Part of its sides by which the box of a face is widened: detectors cut chins and foreheads."""

ENOUGH: Final = 0.5
"""Share of the compared moments in which the person's head must lie in the face's box."""

_HEAD: Final = slice(Landmark.NOSE, Landmark.MOUTH_RIGHT + 1)


def find_own_faces(
    faces: Sequence[FaceVerdict], tracks: Sequence[PoseSequence]
) -> tuple[int, ...] | None:
    """Find the faces that sit on a person's shoulders.

    Parameters
    ----------
    faces
        With boxes in pixels of the same upright frames as the poses.
    tracks
        Poses of one person, at different times.

    Returns
    -------
    tuple of int or None
        Places in `faces`; None if at no moment both a face and the person's head are known, so
        that nothing can be told.
    """
    heads = [_heads(track) for track in tracks if track.image is not None]
    times = np.concatenate([t for t, _ in heads]) if heads else np.zeros(0)
    points = np.concatenate([p for _, p in heads]) if heads else np.zeros((0, 2))
    shares = [_share_inside(face, times, points) for face in faces]
    if all(share is None for share in shares):
        return None
    return tuple(i for i, share in enumerate(shares) if share is not None and share >= ENOUGH)


def _heads(track: PoseSequence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the moments at which the head is known, and its middle in pixels, (T, 2)."""
    assert track.image is not None
    points = track.image[:, _HEAD].astype(np.float64)
    known = np.isfinite(points).all(axis=(1, 2))
    return track.timestamps[known], points[known].mean(axis=1)


def _share_inside(
    face: FaceVerdict, times: NDArray[np.float64], points: NDArray[np.float64]
) -> float | None:
    """Share of a face's frames with the head in its box; None if none can be compared."""
    if not len(times):
        return None
    inside = []
    for frame in face.frames:
        nearest = int(np.abs(times - frame.time).argmin())
        if abs(times[nearest] - frame.time) > SAME_MOMENT:
            continue
        low, high = np.array(frame.box[:2]), np.array(frame.box[2:])
        room = MARGIN * (high - low)
        head = points[nearest]
        inside.append(bool((head >= low - room).all() and (head <= high + room).all()))
    return float(np.mean(inside)) if inside else None

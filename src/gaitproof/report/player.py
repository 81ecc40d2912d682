"""What a player draws over a video: joints, the person's outline, what the score rests on.

Plain numbers, so that a page can draw them at any size; the video itself is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.media.overlay import LINES
from gaitproof.types import Landmark, PoseSequence, SilhouetteSequence
from gaitproof.types.silhouette import MASK_HEIGHT

if TYPE_CHECKING:
    from gaitproof.explain.importance import Importance
    from gaitproof.verify.results import Examination

MAX_FRAMES: Final = 9000
"""Frames of all people together; of longer videos every second, third, … frame is taken."""

_JOINTS: Final = tuple(sorted({joint for a, b, _ in LINES for joint in (a, b)}))

_STEP: Final = 0.7
"""Pixels of a mask by which its outline may be simplified."""


def describe_player(
    examination: Examination, importance: Importance | None = None
) -> dict[str, Any]:
    """Return what is drawn over the examined video, as plain JSON types.

    Parameters
    ----------
    examination
        Of the gait.
    importance
        What the similarity of the joints rests on; None if nothing was compared.

    Returns
    -------
    dict
        ``size`` (width, height) in pixels; ``lines``, pairs of places among ``joints``; ``people``
        with times in seconds and points in pixels, null where unknown; ``outlines`` of the person
        who was compared; ``importance`` over time and by joint, or null.
    """
    everybody = examination.everybody
    step = max(1, -(-sum(map(len, everybody)) // MAX_FRAMES))
    taken = {person.number for person in examination.verdict.people if person.taken}
    size = next((one.frame_size for one in everybody if one.frame_size is not None), None)
    return {
        "size": size,
        "joints": [joint.name.lower() for joint in _JOINTS],
        "lines": [
            [_JOINTS.index(a), _JOINTS.index(b), _side(a) if _side(a) == _side(b) else "middle"]
            for a, b, _ in LINES
        ],
        "people": [
            {"number": number, "taken": number in taken, **_points(track, step)}
            for number, track in enumerate(everybody)
            if track.image is not None
        ],
        "outlines": [_outlines(masks, step) for masks in examination.silhouettes],
        "importance": None if importance is None else _importance(importance),
    }


def _side(joint: Landmark) -> str:
    return joint.name.partition("_")[0].lower()


def _points(track: PoseSequence, step: int) -> dict[str, Any]:
    assert track.image is not None
    seen = np.flatnonzero(track.detected)[::step]
    points = np.round(track.image[seen][:, list(_JOINTS)], 1)
    return {
        "times": track.timestamps[seen].round(3).tolist(),
        "points": [_flat(frame) for frame in points],
    }


def _flat(points: NDArray[np.floating[Any]]) -> list[float | None]:
    return [round(float(v), 1) if np.isfinite(v) else None for v in points.ravel()]


def _outlines(masks: SilhouetteSequence, step: int) -> dict[str, Any]:
    import cv2

    times, shapes = [], []
    for frame in np.flatnonzero(masks.present)[::step]:
        scale = float(masks.height[frame]) / MASK_HEIGHT
        contours, _ = cv2.findContours(
            masks.select(np.array([frame])).masks[0].astype(np.uint8),
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_NONE,
        )
        shape = cv2.approxPolyDP(max(contours, key=cv2.contourArea), _STEP, closed=True)[:, 0]
        times.append(round(float(masks.timestamps[frame]), 3))
        shapes.append(_flat((shape + 0.5) * scale + masks.corner[frame]))
    return {"times": times, "shapes": shapes}


def _importance(importance: Importance) -> Mapping[str, Any]:
    return {
        "times": importance.times.round(3).tolist(),
        "over_time": [float(f"{value:.4g}") for value in importance.over_time],
        "joints": {j.name.lower(): float(f"{v:.4g}") for j, v in importance.joints.items()},
    }

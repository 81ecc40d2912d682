"""How fast the background moves, that is, the camera."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

GRAY_WIDTH: Final = 240
"""Pixels: width at which motion is measured; a still camera reads below 0.002 widths."""

RATE: Final = 10.0
"""Measurements per second of video. Cameras do not move faster than this shows, and measuring at
every frame would slow pose estimation down by a sixth."""

MIN_POINTS: Final = 8
"""Tracked background points below which the motion is unknown."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


class MotionMeter:
    """Measures the speed of the background, ten times a second.

    Corners outside the people's boxes are followed with the pyramidal Lucas-Kanade tracker; the
    median of their displacements is robust to a minority of moving things. Which frames are
    measured depends on their times alone, so that a clip may be measured in parts.
    """

    def __init__(self) -> None:
        self._gray: NDArray[np.uint8] | None = None
        self._time = 0.0
        self._people: list[Box] = []
        self._speed = float("nan")

    def measure(
        self, image: NDArray[np.uint8], time: float, people: list[Box] | None = None
    ) -> float:
        """Return the background's speed, frame widths per second.

        Parameters
        ----------
        image
            Shape (H, W, 3), uint8.
        time
            Seconds, larger at every call.
        people
            Boxes whose inside is not background.

        Returns
        -------
        float
            The speed since the last measured frame if this one is measured, else that of the last
            measurement. NaN at the first frame and where too little texture can be followed.
        """
        # half a millisecond of tolerance for clocks that count milliseconds
        if self._gray is not None and _slot(time) == _slot(self._time):
            return self._speed
        gray, scale = shrink(image)
        boxes = people or []
        before, since, hidden = self._gray, self._time, self._people
        self._gray, self._time, self._people = gray, time, boxes
        if before is not None:
            shift = _background_shift(before, gray, [*hidden, *boxes], scale)
            self._speed = shift / GRAY_WIDTH / (time - since)
        return self._speed


def _slot(time: float) -> int:
    return int(np.floor(time * RATE + 0.005))


def shrink(image: NDArray[np.uint8], width: int = GRAY_WIDTH) -> tuple[NDArray[np.uint8], float]:
    """Return an RGB image in grey and of a width, and by what it was multiplied."""
    import cv2

    rows, columns = image.shape[:2]
    scale = width / columns
    size = (width, max(16, round(rows * scale)))
    # gray first: shrinking three channels takes twice as long as both steps on one
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), scale


def _background_shift(
    before: NDArray[np.uint8], after: NDArray[np.uint8], people: list[Box], scale: float
) -> float:
    """Return how many pixels the background moved; NaN if it cannot be followed."""
    import cv2

    mask = np.full(before.shape, 255, np.uint8)
    for left, top, right, bottom in people:
        a, b, c, d = (int(np.clip(v * scale, 0, 10**4)) for v in (left, top, right, bottom))
        mask[b : d + 1, a : c + 1] = 0
    points = cv2.goodFeaturesToTrack(before, 80, 0.01, 6, mask=mask)
    if points is None or len(points) < MIN_POINTS:
        return float("nan")
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=(15, 15)
    )
    good = status[:, 0] == 1
    if np.count_nonzero(good) < MIN_POINTS:
        return float("nan")
    return float(np.hypot(*np.median((moved - points)[good, 0], axis=0)))

"""How fast the background moves, that is, the camera."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

GRAY_WIDTH: Final = 240
"""Pixels: width at which motion is measured; a still camera reads below 0.002 widths."""

MIN_POINTS: Final = 8
"""Tracked background points below which the motion is unknown."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


class MotionMeter:
    """Measures the speed of the background between one frame and the next.

    Corners outside the people's boxes are followed with the pyramidal Lucas-Kanade tracker; the
    median of their displacements is robust to a minority of moving things.
    """

    def __init__(self) -> None:
        self._gray: NDArray[np.uint8] | None = None
        self._time = 0.0

    def measure(
        self, image: NDArray[np.uint8], time: float, people: list[Box] | None = None
    ) -> float:
        """Return the background's speed since the last frame, frame widths per second.

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
            NaN at the first frame and where too little texture can be followed.
        """
        import cv2

        height, width = image.shape[:2]
        scale = GRAY_WIDTH / width
        size = (GRAY_WIDTH, max(16, round(height * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        before, self._gray = self._gray, gray
        elapsed, self._time = time - self._time, time
        if before is None or elapsed <= 0:
            return float("nan")
        mask = np.full(gray.shape, 255, np.uint8)
        for left, top, right, bottom in people or []:
            a, b, c, d = (int(np.clip(v * scale, 0, 10**4)) for v in (left, top, right, bottom))
            mask[b : d + 1, a : c + 1] = 0
        points = cv2.goodFeaturesToTrack(before, 80, 0.01, 6, mask=mask)
        if points is None or len(points) < MIN_POINTS:
            return float("nan")
        moved, status, _ = cv2.calcOpticalFlowPyrLK(
            before, gray, points, np.empty_like(points), winSize=(15, 15)
        )
        good = status[:, 0] == 1
        if np.count_nonzero(good) < MIN_POINTS:
            return float("nan")
        shift = np.median((moved - points)[good, 0], axis=0)
        return float(np.hypot(*shift)) / GRAY_WIDTH / elapsed

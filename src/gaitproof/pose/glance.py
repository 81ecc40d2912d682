"""A quick look for a second person, by BlazePose's person detector alone.

A look (`gaitproof.pose.looking`) sees everybody's landmarks, also of the one who is known, in the
whole image and again in each of its parts. The detector says at a fifth of the cost where people
are. Where all that it finds is in one place, so would be all that a look finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.pose.graph import DETECTIONS_STREAM, open_detector_graph
from gaitproof.pose.looking import parts
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start

TALLEST: Final = 2.5
"""Radii that a body is tall at most."""

ONE_PLACE: Final = 0.3
"""Radii of the smaller body between the hips of two detections of one person."""

INSIDE: Final = 0.7
"""Of its radius by which a body's hips lie inside a larger one, above or below its hips, to be a
part of it: looks count two boxes as one person where they share less."""


class Glance(Closing):
    """Tells whether at most one person is in an image; not for several threads.

    Parameters
    ----------
    confidence
        Least score of a detection, 0 to 1.
    min_height
        Pixels: whoever is smaller does not count.

    Raises
    ------
    DependencyError
        If MediaPipe or a system library is missing.
    """

    def __init__(self, confidence: float, min_height: float) -> None:
        self._least = min_height / TALLEST
        with importing_mediapipe(), quiet_start():
            self._detector: Any = open_detector_graph(confidence)
            self._detector._graph.wait_until_idle()

    def alone(self, image: NDArray[np.uint8]) -> bool:
        """Whether all that is found in the image and its parts is in one place.

        Parameters
        ----------
        image
            Shape (H, W, 3), RGB.
        """
        first: NDArray[np.float64] | None = None
        for body in self._everywhere(image):
            if first is None:
                first = body
            if not _one_body(first, body):
                return False
        return True

    def bodies(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Return all that is found in the image and its parts, one person perhaps several times.

        Each is the middle of the hips (x, y) and the radius of the circle around the body, in
        pixels.
        """
        return list(self._everywhere(image))

    def _everywhere(self, image: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
        for left, top, part in [(0, 0, image), *parts(image)]:
            for body in self._bodies(part):
                yield body + np.array([left, top, 0.0])

    def _bodies(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Return what `bodies` does, of the image as a whole."""
        result = self._detector.process(np.ascontiguousarray(image))
        size = np.array([image.shape[1], image.shape[0]], np.float64)
        bodies = []
        for one in getattr(result, DETECTIONS_STREAM) or ():
            points = one.location_data.relative_keypoints
            hips, edge = (np.array([p.x, p.y]) * size for p in (points[0], points[1]))
            radius = float(np.hypot(*(edge - hips)))
            if radius >= self._least:
                bodies.append(np.array([*hips, radius]))
        return bodies

    def close(self) -> None:
        """Free the model."""
        detector, self._detector = self._detector, None
        if detector is not None:
            detector.close()


def _one_body(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two detections (hips x, y and radius) are of one person, or one hides the other."""
    aside, below = np.abs(second[:2] - first[:2])
    small, large = sorted((first[2], second[2]))
    near = np.hypot(aside, below) <= ONE_PLACE * small
    inside = aside <= ONE_PLACE * small and below + INSIDE * small <= large
    return bool(near or inside)

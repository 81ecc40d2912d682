"""Looking at single images for everybody in them, also for who is small in a large image.

The landmarker sees an image as 224 by 224 pixels and overlooks who is less than about a third of
its height: three walkers of four, 230 pixels tall beside and above each other in 1280 by 720. So
overlapping parts of the image are looked at as well.

BlazePose's person detector alone says at a fifth of that cost where people are. Where all that it
finds is in one place, so would be all that a look finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.pose.estimator import Detection
from gaitproof.pose.graph import DETECTIONS_STREAM, open_detector_graph
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start
from gaitproof.pose.tracking import TrackingSettings, body_place
from gaitproof.types import GAIT_LANDMARKS

Image = NDArray[np.uint8]

LEAST_SIDE: Final = 320
"""Pixels of an image's longer side from which parts of it are looked at: below, the landmarker sees
a person of 120 pixels as large as it needs."""

PART: Final = 0.6
"""Of the image's width and height, of each of four parts: they overlap by a fifth, so that one of
them holds somebody who walks across a border."""

EDGE: Final = 0.02
"""Of a part's sides: who comes nearer to an inner border than this is seen whole elsewhere."""

PART_VISIBILITY: Final = 0.8
"""Mean visibility of somebody who is found in a part; who is cut, or nobody, has less. Real people
reach 0.93 to 0.99."""

SURE: Final = 0.9
"""Mean visibility from which a detection goes before larger ones, which may be of two people."""

SHARED: Final = 0.3
"""Of the smaller of two boxes, from which both are of one person."""

_LANDMARKS: Final = list(GAIT_LANDMARKS)


def look(
    detect: Callable[[Image], list[Detection]], image: Image, limits: TrackingSettings
) -> list[Detection]:
    """Find everybody in an image, each once.

    Parameters
    ----------
    detect
        Finds people in an image.
    image
        Shape (H, W, 3), RGB.
    limits
        Its `min_height` and `min_visibility` tell people from phantoms.
    """
    detections = detect(image)
    for left, top, part in parts(image):
        for one in detect(part):
            whole = _whole(one, part.shape[:2], (left, top), image.shape[:2])
            if whole and visibility(one) >= PART_VISIBILITY:
                moved = one.image + np.array([left, top], np.float32)
                detections.append(replace(one, image=moved))
    return distinct(detections, limits)


def parts(image: Image) -> Iterator[tuple[int, int, Image]]:
    """Return left, top and pixels of four overlapping parts; none of a small image."""
    height, width = image.shape[:2]
    if max(height, width) < LEAST_SIDE:
        return
    high, wide = round(PART * height), round(PART * width)
    for top in (0, height - high):
        for left in (0, width - wide):
            yield left, top, image[top : top + high, left : left + wide]


def distinct(detections: Sequence[Detection], limits: TrackingSettings) -> list[Detection]:
    """Leave out phantoms, and who was found before.

    Parameters
    ----------
    detections
        Detections in one image; the landmarker may find one person twice.
    limits
        As in `look`.
    """
    people = [
        one
        for one in detections
        if body_place(one)[1] >= limits.min_height and visibility(one) >= limits.min_visibility
    ]
    people.sort(key=lambda one: (visibility(one) >= SURE, body_place(one)[1]), reverse=True)
    kept: list[Detection] = []
    for one in people:
        if all(_shared(one, other) < SHARED for other in kept):
            kept.append(one)
    return kept


def visibility(one: Detection) -> float:
    """Return the mean visibility of somebody's gait landmarks."""
    return float(one.visibility[_LANDMARKS].mean())


def _shared(one: Detection, other: Detection) -> float:
    """Return the area that two people's boxes share, of the smaller one."""
    (low, high), (left, right) = _box(one), _box(other)
    shared = np.maximum(np.minimum(high, right) - np.maximum(low, left), 0.0).prod()
    smaller = min((high - low).prod(), (right - left).prod())
    return float(shared / max(float(smaller), 1e-9))


def _box(one: Detection) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners around a person, who is a third as wide as tall at least."""
    low, high = one.image.min(axis=0), one.image.max(axis=0)
    lacking = max(0.0, float(high[1] - low[1]) / 3 - float(high[0] - low[0])) / 2
    wider = np.array([lacking, 0.0])
    return low - wider, high + wider


def _whole(
    one: Detection,
    size: tuple[int, ...],
    corner: tuple[int, int],
    whole: tuple[int, ...],
) -> bool:
    """Whether somebody in a part of an image is not cut by a border inside the image."""
    extent = np.array([size[1], size[0]])
    start = np.array(corner)
    room = EDGE * extent
    points = one.image[_LANDMARKS]
    low, high = points.min(axis=0), points.max(axis=0)
    at_start, at_end = start == 0, start + extent == np.array([whole[1], whole[0]])
    return bool(((low > room) | at_start).all() and ((high < extent - room) | at_end).all())


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

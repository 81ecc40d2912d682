"""What an estimator sees, frame by frame."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaitproof.config import MediaLimits
from gaitproof.media.decode import read_frames
from gaitproof.media.motion import Box, MotionMeter
from gaitproof.pose.estimator import Detection, PoseEstimator


@dataclass(frozen=True, eq=False)
class FramePoses:
    """What was found in one frame: `motion` of the background in frame widths per second."""

    time: float
    motion: float
    detections: list[Detection]


def estimate_frames(
    path: str | Path,
    estimator: PoseEstimator,
    limits: MediaLimits,
    start: float | None = None,
    stop: float | None = None,
) -> Generator[FramePoses, None, None]:
    """Decode, estimate and measure the background's motion, frame by frame."""
    meter = MotionMeter()
    boxes: list[Box] = []
    for frame in read_frames(path, limits, start, stop, lasting=False):
        found = estimator.estimate(frame.image, frame.time)
        boxes = [person_box(d) for d in found]
        motion = meter.measure(frame.image, frame.time, boxes)
        yield FramePoses(frame.time, motion, found)


def person_box(found: Detection) -> Box:
    """Return the landmarks' box, widened by a tenth of its height for hair, hands and feet."""
    points = found.image[np.isfinite(found.image).all(axis=1)]
    if len(points) == 0:
        return (0.0, 0.0, 0.0, 0.0)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    margin = 0.1 * (bottom - top)
    return (
        float(left - margin),
        float(top - margin),
        float(right + margin),
        float(bottom + margin),
    )

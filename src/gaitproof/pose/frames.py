"""What an estimator sees, frame by frame."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.media.decode import Frame, read_frames
from gaitproof.media.motion import Box, MotionMeter
from gaitproof.pose.estimator import Detection, PoseEstimator

_SLOT_TOLERANCE: Final = 0.05
"""Slots that a frame may come early: clocks count milliseconds."""


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
    rate: float | None = None,
) -> Generator[FramePoses, None, None]:
    """Decode, estimate and measure the background's motion, frame by frame.

    Parameters
    ----------
    path
        Local video file.
    estimator
        Sees the frames in order of time.
    limits
        Of decoding.
    start, stop
        Seconds, as in `read_frames`.
    rate
        Frames per second, see `thinned_rate`; None for all.
    """
    meter = MotionMeter()
    boxes: list[Box] = []
    # closed at once: what an estimator raises would keep the decoder as long as it is kept itself
    with closing(read_frames(path, limits, start, stop, lasting=False)) as frames:
        for frame in frames if rate is None else _thin(frames, rate, whole=start is None):
            poses = estimator.estimate(frame.image, frame.time)
            boxes = [person_box(d) for d in poses]
            motion = meter.measure(frame.image, frame.time, boxes)
            yield FramePoses(frame.time, motion, poses)


def thinned_rate(frame_rate: float, settings: PoseSettings) -> float | None:
    """Return the rate at which a clip is estimated; None if no frame is left out.

    Parameters
    ----------
    frame_rate
        Of the clip, frames per second.
    settings
        Its `enough_rate` is used.
    """
    if settings.enough_rate is None:
        return None
    # 59.94 frames per second are twice 30
    step = int(frame_rate / settings.enough_rate + 0.01)
    return frame_rate / step if step > 1 else None


def _thin(frames: Iterable[Frame], rate: float, *, whole: bool) -> Iterator[Frame]:
    """Pass on the first frame of every slot of time, the same wherever decoding begins."""
    # of a part, the first frame of the first slot may lie before its start
    slot = None if whole else -1
    for frame in frames:
        now = int(np.floor(frame.time * rate + _SLOT_TOLERANCE))
        if slot == -1:
            slot = now
        if now != slot:
            yield frame
            slot = now


def person_box(detection: Detection) -> Box:
    """Return the landmarks' box, widened by a tenth of its height for hair, hands and feet."""
    points = detection.image[np.isfinite(detection.image).all(axis=1)]
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


def create_estimator(settings: PoseSettings) -> PoseEstimator:
    """Make the estimator that the settings name.

    Raises
    ------
    ConfigError
        If the settings do not fit together.
    DependencyError
        If a package or a system library is missing.
    """
    if settings.backend == "tasks":
        from gaitproof.pose.tasks import TasksEstimator

        return TasksEstimator(settings)
    from gaitproof.pose.mediapipe import MediaPipeEstimator

    return MediaPipeEstimator(settings)

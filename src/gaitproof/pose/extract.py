"""From a video file to one raw pose track per person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaitproof.config import MediaLimits, VerifySettings
from gaitproof.media.decode import read_frames
from gaitproof.media.motion import Box, MotionMeter
from gaitproof.media.probe import VideoInfo, probe
from gaitproof.pose.estimator import Detection, PoseEstimator, create_estimator
from gaitproof.pose.tracking import Tracker, TrackingSettings
from gaitproof.types import PoseSequence


@dataclass(frozen=True, eq=False)
class Extraction:
    """The people of one video.

    Parameters
    ----------
    video
        What is known of the file.
    tracks
        Raw landmarks per person, the best candidate first; empty if nobody was seen.
    """

    video: VideoInfo
    tracks: tuple[PoseSequence, ...]


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
) -> Iterator[FramePoses]:
    """Decode, estimate and measure the background's motion, frame by frame."""
    meter = MotionMeter()
    boxes: list[Box] = []
    for frame in read_frames(path, limits, start, stop):
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


def extract(
    path: str | Path,
    settings: VerifySettings | None = None,
    *,
    cache: object | None = None,
    progress: Callable[[float], None] | None = None,
    estimator_factory: Callable[[], PoseEstimator] | None = None,
    tracking: TrackingSettings | None = None,
) -> Extraction:
    """Find the people of a video and follow them.

    Parameters
    ----------
    path
        Local video file.
    settings
        Media limits and pose settings are used; defaults if None.
    cache
        Where finished extractions are kept; None for nowhere.
    progress
        Called with the share that is done, 0 to 1.
    estimator_factory
        Makes the estimator instead of `create_estimator(settings.pose)`.
    tracking
        Limits of the tracker.

    Raises
    ------
    MediaError
        If the video cannot be used.
    DependencyError
        If the estimator cannot be loaded.
    """
    settings = settings or VerifySettings()
    video = probe(path, settings.media)
    tracker = Tracker(tracking)
    make = estimator_factory or (lambda: create_estimator(settings.pose))
    with make() as estimator:
        for found in estimate_frames(path, estimator, settings.media):
            tracker.add(found.time, found.detections, found.motion)
            if progress is not None:
                progress(min(1.0, found.time / video.duration))
        identifier = estimator.identifier
    if progress is not None:
        progress(1.0)
    tracks = tracker.finish((video.width, video.height), identifier, video.sha256)
    return Extraction(video, tracks)

"""How fast poses are estimated, and what sharing a clip among threads changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.errors import InputError
from gaitproof.gait.features import compute_windows
from gaitproof.media.decode import read_frames
from gaitproof.media.info import VideoInfo, inspect_video
from gaitproof.nets.encoder import Encoder
from gaitproof.pose.cleaning import clean
from gaitproof.pose.frames import FramePoses, create_estimator, estimate_frames
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start
from gaitproof.pose.parallel import available_processors, estimate_parallel
from gaitproof.pose.tracking import Tracker
from gaitproof.types import GaitWindows, PoseSequence

SAME_WINDOW: Final = 0.02
"""Seconds: windows that start closer are the same stretch of the clip."""


@dataclass(frozen=True)
class Difference:
    """Distances between the landmarks of two runs, in per cent of the body's height.

    Parameters
    ----------
    frames
        Frames in which both runs saw a person.
    one_sided
        Frames in which only one of them did.
    median, p95
        Over all landmarks of these frames.
    """

    frames: int
    one_sided: int
    median: float
    p95: float


@dataclass(frozen=True)
class PoseBenchmark:
    """Figures of one clip.

    Parameters
    ----------
    clip
        Size, rate and length in words.
    frames
        Frames of the clip.
    workers
        Threads of the shared run.
    plain_fps
        The plain loop: decode a frame, give it to MediaPipe, next frame.
    sequential_fps
        The same frames through `gaitproof` in one thread: plain loop plus camera motion.
    parallel_fps
        The same, the clip shared among threads.
    sharing
        Shared run against the sequential run.
    plain
        Sequential run against the plain loop. It is not zero where the clip's rate is not 30 per
        second, since the plain loop tells MediaPipe that it is.
    windows
        Feature windows that both runs have; 0 without an encoder.
    lowest_cosine
        Least cosine between the embeddings of the same window in both runs; None without any.
    """

    clip: str
    frames: int
    workers: int
    plain_fps: float
    sequential_fps: float
    parallel_fps: float
    sharing: Difference
    plain: Difference
    windows: int = 0
    lowest_cosine: float | None = None

    @property
    def speedup(self) -> float:
        """How many times the speed of the plain loop the shared run has."""
        return self.parallel_fps / self.plain_fps

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "speedup": self.speedup}


def measure_pose(
    path: Path,
    *,
    workers: int = 0,
    encoder: Encoder | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> PoseBenchmark:
    """Run a clip through the plain loop, one thread and several threads, one after another.

    Parameters
    ----------
    path
        Video with one person, best 20 s or longer.
    workers
        Threads of the shared run; 0 for one per processor, at least 2.
    encoder
        To compare embeddings; None leaves that out.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the clip cannot be read.
    InputError
        If no person is seen in it.
    """
    count = workers or max(2, available_processors())
    settings, limits = PoseSettings(workers=count), MediaLimits()
    video = inspect_video(path, limits)
    make = partial(create_estimator, settings)

    began = time.perf_counter()
    plain = list(_plain_loop(path, limits))
    plain_time = time.perf_counter() - began
    progress(0.4)

    began = time.perf_counter()
    with make() as estimator:
        sequential = list(estimate_frames(path, estimator, limits))
    sequential_time = time.perf_counter() - began
    progress(0.8)

    began = time.perf_counter()
    with closing(
        estimate_parallel(path, make, settings, limits, video.duration, count)
    ) as shared_frames:
        shared = list(shared_frames)
    shared_time = time.perf_counter() - began
    progress(1.0)

    first = [None if not f.detections else f.detections[0].image for f in sequential]
    second = [None if not f.detections else f.detections[0].image for f in shared]
    cosines = _cosines(video, sequential, shared, encoder) if encoder is not None else np.zeros(0)
    return PoseBenchmark(
        clip=f"{video.width}x{video.height}, {video.frame_rate:.0f} fps, {video.duration:.1f} s",
        frames=len(sequential),
        workers=count,
        plain_fps=len(plain) / plain_time,
        sequential_fps=len(sequential) / sequential_time,
        parallel_fps=len(shared) / shared_time,
        sharing=compute_difference(first, second),
        plain=compute_difference(plain, first),
        windows=len(cosines),
        lowest_cosine=float(cosines.min()) if len(cosines) else None,
    )


def _plain_loop(path: Path, limits: MediaLimits) -> Iterator[NDArray[np.float32] | None]:
    """Do what MediaPipe's own example does: frame after frame into ``Pose.process``."""
    with importing_mediapipe():
        from mediapipe.python.solutions.pose import Pose
    with quiet_start():
        pose = Pose(model_complexity=1)
        pose._graph.wait_until_idle()  # its notices come from threads of its own
    quiet = True
    try:
        for frame in read_frames(path, limits):
            with quiet_start(quiet):
                result = pose.process(frame.image)
            if not result.pose_landmarks:
                yield None
                continue
            quiet = False
            height, width = frame.image.shape[:2]
            yield np.array(
                [(p.x * width, p.y * height) for p in result.pose_landmarks.landmark], np.float32
            )
    finally:
        pose.close()


def compute_difference(
    first: list[NDArray[np.float32] | None], second: list[NDArray[np.float32] | None]
) -> Difference:
    """Compare the landmarks of two runs over the same frames.

    Parameters
    ----------
    first, second
        Per frame the landmarks (33, 2) in pixels, or None where nobody was seen.

    Raises
    ------
    InputError
        If no frame has a person in both runs, or the runs differ in length.
    """
    if len(first) != len(second):
        raise InputError(
            "Two runs over one clip differ in length.", actual=f"{len(first)} and {len(second)}"
        )
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        raise InputError("Nobody is seen in the clip.", hint="name a clip with a walking person")
    a, b = (np.stack(side).astype(np.float64) for side in zip(*pairs, strict=True))
    height = float(np.median(np.ptp(a[:, :, 1], axis=1)))
    distance = 100 * np.linalg.norm(a - b, axis=2) / height
    one_sided = sum((x is None) != (y is None) for x, y in zip(first, second, strict=True))
    return Difference(
        frames=len(pairs),
        one_sided=one_sided,
        median=float(np.median(distance)),
        p95=float(np.percentile(distance, 95)),
    )


def _cosines(
    video: VideoInfo, first: list[FramePoses], second: list[FramePoses], encoder: Encoder
) -> NDArray[np.float64]:
    """Return the cosine between the embeddings of every window that both runs have."""
    a, b = (_windows(video, frames) for frames in (first, second))
    rows = [
        (i, j)
        for i, start in enumerate(a.starts)
        for j in np.flatnonzero(np.abs(b.starts - start) < SAME_WINDOW)[:1]
    ]
    if not rows:
        return np.zeros(0)
    left, right = (np.array(side) for side in zip(*rows, strict=True))
    one, other = encoder.embed(a.select(left)), encoder.embed(b.select(right))
    cosines: NDArray[np.float64] = np.sum(one.astype(np.float64) * other, axis=1)
    return cosines


def _windows(video: VideoInfo, frames: list[FramePoses]) -> GaitWindows:
    tracker = Tracker()
    for frame in frames:
        tracker.add(frame.time, frame.detections, frame.motion)
    tracks: tuple[PoseSequence, ...] = tracker.finish((video.width, video.height), "bench")
    return compute_windows(clean(tracks[0]).sequence) if tracks else GaitWindows.empty()

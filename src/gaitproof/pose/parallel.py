"""One clip estimated by several threads, each a stretch of time.

Threads and not processes: decoder, pose model and optical flow leave Python's global lock while
they work, so that two threads are as fast as two processes, without a second interpreter's start
(0.7 s) and memory (300 MB).

The estimator follows a person from frame to frame and smooths the landmarks, so that each stretch
starts `overlap` seconds early to warm up, and these frames are thrown away. Where several people
are in the frame, a fresh estimator may choose another one than the estimator before it follows.
So a thread hands over to the next only when both see the same; until then it goes on beyond its
end. The outcome does not depend on which thread is faster.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.config import MediaLimits, PoseSettings, VerifySettings
from gaitproof.pose.estimator import Detection, PoseEstimator
from gaitproof.pose.frames import FramePoses, estimate_frames
from gaitproof.pose.tracking import body_place

MIN_STRETCH: Final = 2.0
"""Seconds of clip for which another thread is started: loading the model takes about 0.15 s."""

MAX_AUTOMATIC: Final = 8
"""Threads chosen at most when left to the program: each holds 150 MB for its model, and Python's
share of the work, about 1 ms a frame, is done by one of them at a time."""

SAME: Final = 0.1
"""Body heights: torsos that lie nearer belong to the same person. Two runs of the estimator over
one person differ by less than 0.02."""

COMPARED: Final = 0.25
"""Seconds before the end of a stretch from which on two workers are compared."""

AGREEING_FRAMES: Final = 3
"""Frames in a row that two workers have to agree on before one hands over to the other."""

UNKNOWN: Final = -1.0
"""End of a worker that is not known yet."""


@dataclass(frozen=True)
class Stretch:
    """A part of a clip: frames from `start` to before `stop`, in seconds; None is open."""

    start: float | None
    stop: float | None

    def seconds(self, duration: float) -> float:
        """Return how long it is, of a clip of so many seconds."""
        return (duration if self.stop is None else self.stop) - (self.start or 0.0)


WHOLE: Final = Stretch(None, None)


def choose_workers(duration: float, settings: PoseSettings) -> int:
    """Return how many threads share a clip.

    Parameters
    ----------
    duration
        Seconds.
    settings
        Its `workers` is taken unless it is 0. A stretch is never shorter than the warm-up.
    """
    fitting = max(1, int(duration / max(MIN_STRETCH, settings.overlap)))
    wanted = settings.workers or min(available_processors(), MAX_AUTOMATIC)
    return min(wanted, fitting)


def available_processors() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def with_threads(settings: VerifySettings, threads: int) -> VerifySettings:
    """Return settings by which a video has so many threads, unless they say how many."""
    pose = settings.pose.model_copy(update={"workers": settings.pose.workers or threads})
    return settings.model_copy(update={"pose": pose})


def split(duration: float, workers: int, overlap: float, begin: float = 0.0) -> list[Stretch]:
    """Divide a clip, or what follows `begin`, such that threads have as many frames to estimate.

    The first stretch has no warm-up, so it is longer by `overlap` than the others.
    """
    share = (duration + (workers - 1) * overlap) / workers
    edges = [begin + share + i * (share - overlap) for i in range(workers - 1)]
    return [Stretch(a, b) for a, b in pairwise([None, *edges, None])]


def estimate_parallel(
    path: str | Path,
    make_estimator: Callable[[], PoseEstimator],
    settings: PoseSettings,
    limits: MediaLimits,
    duration: float,
    workers: int,
    progress: Callable[[float], None] | None = None,
    *,
    rate: float | None = None,
    part: Stretch = WHOLE,
) -> Generator[FramePoses, None, None]:
    """Estimate a clip by several threads; same frames, same order as by one.

    Close the generator if it is not used up: that ends the threads.

    Parameters
    ----------
    path
        Local video file.
    make_estimator
        Makes one estimator per thread, in that thread.
    settings
        Its `overlap` is used.
    limits
        As for one thread.
    duration
        Seconds.
    workers
        Threads, this one included.
    progress
        Called in this thread with the share of all threads' work that is done, 0 to 1.
    rate
        Frames per second, as in `estimate_frames`.
    part
        Of the clip, that is estimated.

    Yields
    ------
    FramePoses
        In order of time.

    Raises
    ------
    MediaError
        If the video is damaged, whichever thread finds it.
    """
    staff: list[_Worker] = []
    for stretch in reversed(
        split(part.seconds(duration), workers, settings.overlap, part.start or 0)
    ):
        staff.insert(
            0, _Worker(path, limits, stretch, settings.overlap, duration, staff[:], rate, part)
        )
    first, *helpers = staff

    def report() -> None:
        if progress is not None:
            progress(sum(w.done for w in staff) / workers)

    with ThreadPoolExecutor(len(helpers), thread_name_prefix="gaitproof-pose") as pool:
        try:
            results = [pool.submit(deque, helper.run(make_estimator), 0) for helper in helpers]
            with closing(first.run(make_estimator)) as frames:
                for frame in frames:
                    yield frame
                    report()
                    _raise_failure(results)
            position = first.end
            for helper, result in zip(helpers, results, strict=True):
                while not result.done():
                    _wait(result, 0.2)
                    report()
                result.result()
                yield from (f for f in helper.frames if position <= f.time < helper.end)
                position = max(position, helper.end)
            report()
        finally:
            for worker in staff:
                worker.cancel()


def _raise_failure(results: list[Future[Any]]) -> None:
    """Fail at once when a helper has failed, not after one's own stretch."""
    for result in results:
        if result.done():
            result.result()


def _wait(result: Future[Any], seconds: float) -> None:
    try:
        result.exception(seconds)
    except TimeoutError:
        return


def same_people(first: list[Detection], second: list[Detection]) -> bool:
    """Whether two estimators see the same people in a frame, each at nearly the same place."""
    if len(first) != len(second):
        return False
    free = [body_place(d) for d in second]
    for detection in first:
        centre, height = body_place(detection)
        near = [i for i, (c, _) in enumerate(free) if np.linalg.norm(c - centre) < SAME * height]
        if not near:
            return False
        free.pop(near[0])
    return True


class _Worker:
    """Estimates one stretch; `later` are the workers of the stretches after it."""

    def __init__(
        self,
        path: str | Path,
        limits: MediaLimits,
        stretch: Stretch,
        overlap: float,
        duration: float,
        later: list[_Worker],
        rate: float | None,
        part: Stretch,
    ) -> None:
        self.done = 0.0
        self.frames: list[FramePoses] = []
        self.end = UNKNOWN
        self._times: dict[float, FramePoses] = {}
        self._path = path
        self._limits = limits
        self._stop = stretch.stop
        self._until = part.stop
        self._warm = part.start if stretch.start is None else max(0.0, stretch.start - overlap)
        self._length = Stretch(self._warm, stretch.stop or part.stop).seconds(duration)
        self._later = later
        self._rate = rate
        self._agreed = 0
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    def cancel(self) -> None:
        """Let the worker end after its present frame."""
        self._cancelled.set()

    def run(self, make_estimator: Callable[[], PoseEstimator]) -> Generator[FramePoses, None, None]:
        """Estimate the stretch, its warm-up first, until the next worker can take over."""
        begin = self._warm or 0.0
        try:
            with (
                make_estimator() as estimator,
                closing(
                    estimate_frames(
                        self._path,
                        estimator,
                        self._limits,
                        self._warm,
                        self._until,
                        self._rate,
                    )
                ) as frames,
            ):
                for frame in frames:
                    if self._cancelled.is_set():
                        return
                    if self._hands_over(frame):
                        self.end = frame.time
                        return
                    self._times[frame.time] = frame
                    self.frames.append(frame)
                    self.done = min(1.0, (frame.time - begin) / self._length)
                    yield frame
            self.end = math.inf
        finally:
            self.done = 1.0
            self._ended.set()

    def _hands_over(self, frame: FramePoses) -> bool:
        if self._stop is None or frame.time < self._stop - COMPARED:
            return False
        other = self._other(frame.time)
        agreed = other is not None and same_people(frame.detections, other.detections)
        self._agreed = self._agreed + 1 if agreed else 0
        return frame.time >= self._stop and self._agreed >= AGREEING_FRAMES

    def _other(self, time: float) -> FramePoses | None:
        """Return what the worker responsible for `time` saw then; None if there is nothing."""
        for worker in self._later:
            # it began at the same moment with just these frames, so that it rarely has to be
            # waited for
            while time not in worker._times:
                passed = bool(worker.frames) and worker.frames[-1].time > time
                if passed or self._cancelled.is_set() or worker._ended.wait(0.002):
                    break
            if time in worker._times:
                return worker._times[time]
            if not worker._ended.is_set():
                return None  # it began later than this frame
        return None

"""One clip estimated by several threads, each a stretch of time.

Threads and not processes: decoder, pose model and optical flow leave Python's global lock while
they work, so that two threads are as fast as two processes, without a second interpreter's start
(0.7 s) and memory (300 MB).

The estimator follows a person from frame to frame and smooths the landmarks, so that each stretch
starts `overlap` seconds early to warm up, and these frames are thrown away.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.pose.estimator import PoseEstimator
from gaitproof.pose.frames import FramePoses, estimate_frames

MIN_STRETCH: Final = 2.0
"""Seconds of clip for which another thread is started: loading the model takes about 0.15 s."""

MAX_AUTOMATIC: Final = 8
"""Threads chosen at most when left to the program: each holds 150 MB for its model, and Python's
share of the work, about 1 ms a frame, is done by one of them at a time."""


@dataclass(frozen=True)
class Stretch:
    """A part of a clip: frames from `start` to before `stop`, in seconds; None is open."""

    start: float | None
    stop: float | None


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


def split(duration: float, workers: int, overlap: float) -> list[Stretch]:
    """Divide a clip so that every thread has the same number of frames to estimate.

    The first stretch has no warm-up, so it is longer by `overlap` than the others.
    """
    share = (duration + (workers - 1) * overlap) / workers
    edges = [share + i * (share - overlap) for i in range(workers - 1)]
    return [Stretch(a, b) for a, b in pairwise([None, *edges, None])]


def estimate_parallel(
    path: str | Path,
    make_estimator: Callable[[], PoseEstimator],
    settings: PoseSettings,
    limits: MediaLimits,
    duration: float,
    workers: int,
    progress: Callable[[float], None] | None = None,
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

    Yields
    ------
    FramePoses
        In order of time.

    Raises
    ------
    MediaError
        If the video is damaged, whichever thread finds it.
    """
    stretches = split(duration, workers, settings.overlap)
    helpers = [
        _Helper(path, make_estimator, settings.overlap, limits, s, duration) for s in stretches[1:]
    ]

    def report(own: float) -> None:
        if progress is not None:
            progress((own + sum(h.done for h in helpers)) / workers)

    with ThreadPoolExecutor(len(helpers), thread_name_prefix="gaitproof-pose") as pool:
        try:
            results = [pool.submit(helper.run) for helper in helpers]
            own_end = stretches[0].stop or duration
            with make_estimator() as estimator:
                for found in estimate_frames(path, estimator, limits, stop=stretches[0].stop):
                    yield found
                    report(min(1.0, found.time / own_end))
                    _raise_failure(results)
            for result in results:
                while not result.done():
                    _wait(result, 0.2)
                    report(1.0)
                yield from result.result()
        finally:
            for helper in helpers:
                helper.cancel()


def _raise_failure(results: list[Future[list[FramePoses]]]) -> None:
    """Fail at once when a helper has failed, not after one's own stretch."""
    for result in results:
        if result.done():
            result.result()


def _wait(result: Future[list[FramePoses]], seconds: float) -> None:
    try:
        result.exception(seconds)
    except TimeoutError:
        return


class _Helper:
    """Estimates one stretch in a thread of its own."""

    def __init__(
        self,
        path: str | Path,
        make_estimator: Callable[[], PoseEstimator],
        overlap: float,
        limits: MediaLimits,
        stretch: Stretch,
        duration: float,
    ) -> None:
        assert stretch.start is not None
        self.done = 0.0
        self._path = path
        self._make = make_estimator
        self._limits = limits
        self._start = stretch.start
        self._stop = stretch.stop
        self._warm = max(0.0, stretch.start - overlap)
        self._end = duration if stretch.stop is None else stretch.stop
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Let the thread end after its present frame."""
        self._cancelled.set()

    def run(self) -> list[FramePoses]:
        """Estimate the stretch, its warm-up first, and return its frames."""
        kept = []
        with (
            self._make() as estimator,
            closing(
                estimate_frames(self._path, estimator, self._limits, self._warm, self._stop)
            ) as frames,
        ):
            for found in frames:
                if self._cancelled.is_set():
                    break
                if found.time >= self._start:
                    kept.append(found)
                self.done = min(1.0, (found.time - self._warm) / (self._end - self._warm))
        return kept

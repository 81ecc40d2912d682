"""One clip estimated by several processes, each a stretch of time.

The calling process takes the first stretch itself; every other one goes to a fresh interpreter
(``python -m gaitproof.pose.parallel``). Plain child processes are used instead of
`multiprocessing`: they need no ``if __name__ == "__main__"`` in the caller's script, exchange JSON
and arrays without pickle, and the caller does not import anything twice.

The estimator follows a person from frame to frame and smooths the landmarks, so that each stretch
starts `overlap` seconds early to warm up, and these frames are thrown away.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.errors import ConfigError, DependencyError, GaitproofError, MediaError
from gaitproof.pose.estimator import Detection, create_estimator
from gaitproof.pose.frames import FramePoses, estimate_frames

MIN_STRETCH: Final = 2.5
"""Seconds of clip below which another process does not pay for its start: importing and loading
take about 0.7 s, in which 25 frames could be estimated."""

MAX_AUTOMATIC: Final = 8
"""Processes chosen at most when left to the program: each takes 300 MB."""

_REPORT_EVERY: Final = 10
"""Frames between two progress lines of a child."""

_KINDS: Final = {kind.__name__: kind for kind in (MediaError, ConfigError, DependencyError)}


@dataclass(frozen=True)
class Stretch:
    """A part of a clip: frames from `start` to before `stop`, in seconds; None is open."""

    start: float | None
    stop: float | None


def choose_workers(duration: float, settings: PoseSettings) -> int:
    """Return how many processes share a clip.

    Parameters
    ----------
    duration
        Seconds.
    settings
        Its `workers` is taken unless it is 0; a clip is never cut into stretches that are shorter
        than the warm-up.
    """
    longest = max(1, int(duration / max(MIN_STRETCH, settings.overlap, 0.1)))
    if settings.workers:
        return min(settings.workers, max(1, int(duration / max(settings.overlap, 0.1))))
    return min(available_processors(), longest, MAX_AUTOMATIC)


def available_processors() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def split(duration: float, workers: int, overlap: float) -> list[Stretch]:
    """Divide a clip so that all processes have the same number of frames to estimate.

    The first stretch has no warm-up, so it is longer by `overlap` than the others.
    """
    share = (duration + (workers - 1) * overlap) / workers
    edges = [share + i * (share - overlap) for i in range(workers - 1)]
    bounds = [None, *edges, None]
    return [Stretch(a, b) for a, b in pairwise(bounds)]


def estimate_parallel(
    path: str | Path,
    settings: PoseSettings,
    limits: MediaLimits,
    duration: float,
    workers: int,
    progress: Callable[[float], None] | None = None,
) -> Generator[FramePoses, None, None]:
    """Estimate a clip by several processes; same frames, same order as by one.

    Parameters
    ----------
    path
        Local video file.
    settings, limits
        As for one process.
    duration
        Seconds.
    workers
        Processes, this one included.
    progress
        Called with the share of all processes' work that is done, 0 to 1.

    Yields
    ------
    FramePoses
        In order of time.

    Raises
    ------
    MediaError
        If the video is damaged, whichever process finds it.
    GaitproofError
        If a process dies.
    """
    stretches = split(duration, workers, settings.overlap)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gaitproof-")))
        children = [
            stack.enter_context(
                _Child(path, settings, limits, stretch, duration, folder / f"{i}.npz")
            )
            for i, stretch in enumerate(stretches[1:])
        ]

        def report(own: float) -> None:
            if progress is not None:
                progress((own + sum(c.done() for c in children)) / workers)

        own_end = stretches[0].stop or duration
        with create_estimator(settings) as estimator:
            for found in estimate_frames(path, estimator, limits, stop=stretches[0].stop):
                yield found
                report(min(1.0, found.time / own_end))
        for child in children:
            while not child.wait(0.2):
                report(1.0)
            yield from child.result()


class _Child:
    """A process that estimates one stretch."""

    def __init__(
        self,
        path: str | Path,
        settings: PoseSettings,
        limits: MediaLimits,
        stretch: Stretch,
        duration: float,
        out: Path,
    ) -> None:
        self._out = out
        self._lines: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._done = 0.0
        self._job = json.dumps(
            {
                "path": os.fspath(path),
                "settings": settings.model_dump(mode="json"),
                "limits": limits.model_dump(mode="json"),
                "start": stretch.start,
                "stop": stretch.stop,
                "end": duration if stretch.stop is None else stretch.stop,
                "out": str(out),
            }
        )

    def __enter__(self) -> _Child:
        package = str(Path(__file__).parents[2])
        paths = [package, os.environ.get("PYTHONPATH", "")]
        self._notes = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                # -P: a file of the current folder must not stand in for a module
                [sys.executable, "-P", "-m", "gaitproof.pose.parallel"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._notes,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)},
            )
        except OSError:
            self._notes.close()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(self._job.encode())
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it died at its start; result() says so
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout], daemon=True)
        self._reader.start()
        return self

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(float(line))

    def done(self) -> float:
        """Return the share that is done, 0 to 1."""
        while not self._lines.empty():
            self._done = self._lines.get()
        return self._done

    def wait(self, seconds: float) -> bool:
        """Wait so long for the process; return whether it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def result(self) -> list[FramePoses]:
        """Return the frames of a process that has ended."""
        status = self._process.wait()
        if status != 0 or not self._out.exists():
            self._notes.seek(0)
            text = self._notes.read().decode(errors="replace").strip()
            raise GaitproofError(
                "A pose estimation process ended unexpectedly.",
                actual=f"status {status}{': ' + text.splitlines()[-1] if text else ''}",
                hint="use one process (workers: 1), or free memory",
            )
        with np.load(self._out, allow_pickle=False) as stored:
            data = {name: stored[name] for name in stored.files}
        if "error" in data:
            error = json.loads(str(data["error"]))
            kind = _KINDS.get(error.pop("kind"), GaitproofError)
            raise kind(error.pop("message"), **error)
        return _unpack(data)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._notes.close()


def _pack(frames: list[FramePoses]) -> dict[str, Any]:
    found = [d for f in frames for d in f.detections]
    return {
        "time": np.array([f.time for f in frames], np.float64),
        "motion": np.array([f.motion for f in frames], np.float64),
        "count": np.array([len(f.detections) for f in frames], np.int64),
        "image": np.array([d.image for d in found], np.float32),
        "world": np.array([d.world for d in found], np.float32),
        "visibility": np.array([d.visibility for d in found], np.float32),
    }


def _unpack(data: dict[str, Any]) -> list[FramePoses]:
    people = iter(zip(data["image"], data["world"], data["visibility"], strict=True))
    return [
        FramePoses(float(time), float(motion), [Detection(*next(people)) for _ in range(count)])
        for time, motion, count in zip(data["time"], data["motion"], data["count"], strict=True)
    ]


def _work(job: dict[str, Any]) -> dict[str, Any]:
    settings = PoseSettings.model_validate(job["settings"])
    limits = MediaLimits.model_validate(job["limits"])
    start, stop, end = job["start"], job["stop"], job["end"]
    kept = []
    try:
        with create_estimator(settings) as estimator:
            warm = max(0.0, start - settings.overlap)
            frames = estimate_frames(job["path"], estimator, limits, warm, stop)
            for i, found in enumerate(frames):
                if found.time >= start:
                    kept.append(found)
                if i % _REPORT_EVERY == 0:
                    share = (found.time - warm) / (end - warm)
                    # also how a child learns that its parent was killed: the pipe is broken
                    sys.stdout.write(f"{min(1.0, share):.4f}\n")
                    sys.stdout.flush()
    except GaitproofError as error:
        note = {"kind": type(error).__name__, **vars(error)}
        return {"error": np.array(json.dumps(note))}
    return _pack(kept)


def main() -> None:
    """Do the job that standard input describes as JSON; entry point of a child."""
    job = json.load(sys.stdin)
    result = _work(job)
    with Path(job["out"]).open("wb") as file:
        np.savez(file, **result)


if __name__ == "__main__":
    main()

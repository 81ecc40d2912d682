"""A clip repeated for hours, and a thousand copies of it, through ``gaitproof extract``."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from gaitproof.bench.long_video import join
from gaitproof.errors import GaitproofError
from gaitproof.media.info import inspect_video

PARTS: Final = 10
"""The run is reported in so many equal parts."""


@dataclass(frozen=True)
class Sample:
    """The processes of a run at one moment.

    Parameters
    ----------
    seconds
        Since the start.
    mib
        Resident memory of all of them; what several share is counted once.
    largest
        Resident memory of the largest one.
    processes
        How many there are.
    """

    seconds: float
    mib: float
    largest: float
    processes: int


@dataclass(frozen=True)
class MemoryCurve:
    """Memory over one run.

    Parameters
    ----------
    what
        The run in words.
    frames
        Video frames that went through.
    samples
        In order of time.
    """

    what: str
    frames: int
    samples: tuple[Sample, ...]

    def parts(self) -> list[tuple[float, float, float]]:
        """Return median and highest memory of all processes, and of the largest, per part."""
        groups = np.array_split(np.array([[s.mib, s.largest] for s in self.samples]), PARTS)
        return [
            (float(np.median(g[:, 0])), float(g[:, 0].max()), float(g[:, 1].max()))
            for g in groups
            if len(g)
        ]

    @property
    def growth(self) -> float:
        """MiB from the second part of the run to the last but one."""
        parts = self.parts()
        return parts[-2][0] - parts[1][0] if len(parts) > 3 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "parts": self.parts(), "growth": self.growth}


def thin_out(clip: Path, out: Path, rate: int, seconds: float) -> None:
    """Write the first seconds of a clip again at a lower frame rate, without B-frames."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream("libx264", rate=rate, options={"bf": "0", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        count = 0
        for frame in source.decode(video):
            if frame.time >= seconds:
                break
            if frame.time + 1e-6 >= count / rate:
                shown = frame.reformat(format="yuv420p")
                shown.pts, shown.time_base = count, Fraction(1, rate)
                target.mux(stream.encode(shown))
                count += 1
        target.mux(stream.encode(None))


def repeat(clip: Path, out: Path, seconds: float) -> int:
    """Repeat a clip until it is so long, without coding it again; return the number of frames."""
    info = inspect_video(clip)
    # the length of a clip is a sum of rounded times
    count = math.ceil(seconds / info.duration - 1e-6)
    join([clip] * count, out)
    return count * info.frames


def watch(command: Sequence[str], interval: float, log: Path) -> list[Sample]:
    """Run a command and sample the memory of it and of all processes below it.

    Raises
    ------
    GaitproofError
        If it fails.
    """
    samples = []
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            sizes = [_resident(pid) for pid in _family(process.pid)]
            if sizes:
                shared, alone = zip(*sizes, strict=True)
                seconds = time.monotonic() - began
                samples.append(Sample(seconds, sum(shared), max(alone), len(sizes)))
            try:
                process.wait(interval)
            except subprocess.TimeoutExpired:
                continue
    if process.returncode:
        text = log.read_text(errors="replace").strip()
        raise GaitproofError("The run failed.", actual=text[-500:] or f"{process.returncode}")
    return samples


def _family(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        below = [int(p) for file in children for p in file.read_text().split()]
    except OSError:
        return []
    return [pid, *(member for child in below for member in _family(child))]


def _resident(pid: int) -> tuple[float, float]:
    """Return MiB with shared pages divided among those who share, and with them whole."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split(":")[0]: float(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes.get("Pss", 0.0), sizes.get("Rss", 0.0)


def run_long(clip: Path, folder: Path, *, hours: float, rate: int, interval: float) -> MemoryCurve:
    """Extract a clip that is repeated for hours."""
    thin_out(clip, folder / "round.mp4", rate, float("inf"))
    frames = repeat(folder / "round.mp4", folder / "long.mp4", 3600 * hours)
    what = f"one video of {hours:g} h, {rate} frames per second"
    return _extract(what, frames, [folder / "long.mp4"], folder, interval)


def run_many(
    clip: Path, folder: Path, *, count: int, rate: int, seconds: float, interval: float
) -> MemoryCurve:
    """Extract so many short clips in one process."""
    (folder / "clips").mkdir()
    thin_out(clip, folder / "short.mp4", rate, seconds)
    for number in range(count):
        shutil.copy(folder / "short.mp4", folder / "clips" / f"{number:04}.mp4")
    with av.open(str(folder / "short.mp4")) as video:
        frames = count * video.streams.video[0].frames
    what = f"{count} videos of {seconds:g} s, {rate} frames per second"
    return _extract(what, frames, [folder / "clips"], folder, interval)


def _extract(
    what: str, frames: int, videos: list[Path], folder: Path, interval: float
) -> MemoryCurve:
    command = [sys.executable, "-m", "gaitproof", "extract", *map(str, videos)]
    samples = watch([*command, "--out", str(folder / "out")], interval, folder / "log")
    return MemoryCurve(what, frames, tuple(samples))

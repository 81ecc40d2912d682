"""How a watch keeps up with 30 frames per second: frames passed over, delay, memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from rich.table import Table

from gaitproof.bench.verify_speed import CLAIM, benchmark_clip, describe_clip, enroll_random
from gaitproof.errors import GaitproofError
from gaitproof.media.info import inspect_video
from gaitproof.pose.parallel import available_processors
from gaitproof.text import make_table

SIZE: Final = (640, 480)
MAX_DELAY: Final = 1.0
"""Seconds between filming a frame and having everybody in it."""

MAX_GROWTH: Final = 32.0
"""MiB by which the second half of a watch may need more memory than its first."""

_LOOK: Final = 1.0
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class LiveCost:
    """One watch.

    Parameters
    ----------
    clip
        Size and rate in words.
    processors
        Available to this process.
    load
        Mean number of processes that wanted a processor in the last minute of it.
    seconds
        Length of the watch.
    frames, dropped
        Frames that came, and those of them passed over.
    verdicts
        Made on the way.
    delay_median, delay_p99, delay_max
        Seconds from filming a frame to having everybody in it.
    mib_first, mib_second
        Most memory in the first half, from when everything is loaded, and in the second.
    processors_used
        Processor time of all its processes, by its length.
    """

    clip: str
    processors: int
    load: float
    seconds: float
    frames: int
    dropped: int
    verdicts: int
    delay_median: float
    delay_p99: float
    delay_max: float
    mib_first: float
    mib_second: float
    processors_used: float


def run(
    clip: Path | None = None,
    *,
    seconds: float = 60.0,
    progress: Callable[[float], None] = lambda share: None,
) -> LiveCost:
    """Watch a clip, over and over, as if it were filmed now.

    Parameters
    ----------
    clip
        Video with a walker; None renders one of ten seconds in 640 x 480.
    seconds
        Length of the watch.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the clip cannot be read.
    DependencyError
        If a clip has to be made and the renderer is not installed.
    GaitproofError
        If the command fails.
    """
    with benchmark_clip(clip, SIZE) as (folder, once):
        info = inspect_video(once)
        path = folder / "again-and-again.mp4"
        _repeat(once, path, seconds)
        enroll_random(folder / "gallery.db")
        before = _processor_time()
        memory = _watch(path, folder, seconds, progress)
        used = _processor_time() - before
        lines = (folder / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    summary = events[-1]
    half = len(memory) // 2
    delays = {f"delay_{name}": summary[f"delay_{name}"] for name in ("median", "p99", "max")}
    return LiveCost(
        clip=describe_clip(info),
        processors=available_processors(),
        load=os.getloadavg()[0],
        seconds=summary["seconds"],
        frames=summary["frames"],
        dropped=summary["dropped"],
        verdicts=sum(event["event"] == "verdict" for event in events),
        mib_first=max(memory[half // 2 : half]),
        mib_second=max(memory[half:]),
        processors_used=used / summary["seconds"],
        **delays,
    )


def _repeat(once: Path, path: Path, seconds: float) -> None:
    """Write the packets of a video again and again, until it is long enough."""
    with av.open(str(once)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        base = stream.time_base or Fraction(1, 90_000)
        length = round(stream.duration or 0)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        for number in range(int(seconds / float(length * base)) + 1):
            for packet in packets:
                shifted = av.Packet(bytes(packet))
                shifted.pts = (packet.pts or 0) + number * length
                shifted.dts = (packet.dts or 0) + number * length
                shifted.time_base, shifted.stream = base, copy
                shifted.is_keyframe = packet.is_keyframe
                target.mux(shifted)


def _watch(
    path: Path, folder: Path, seconds: float, progress: Callable[[float], None]
) -> list[float]:
    """Run the command and return the memory it needed, MiB, second by second."""
    command = [sys.executable, "-m", "gaitproof", "watch", str(path), "--claim", CLAIM]
    command += ["--gallery", str(folder / "gallery.db"), "--seconds", str(seconds)]
    command += ["--events", str(folder / "events.jsonl")]
    memory = []
    with (folder / "output").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            begun = time.monotonic()
            while process.poll() is None:
                memory.append(_memory(process.pid))
                progress(min(1.0, (time.monotonic() - begun) / seconds))
                time.sleep(_LOOK)
        finally:
            process.kill()
            process.wait()
    if process.returncode not in (0, 1, 3) or len(memory) < 8:
        text = (folder / "output").read_text(errors="replace").strip()
        raise GaitproofError("gaitproof watch failed.", actual=text[-500:] or "it was too short")
    return memory


def _processor_time() -> float:
    """Return the seconds that processes took which this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory(process: int) -> float:
    """Return the resident memory of a process in MiB; 0 where it cannot be determined."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def live_table(result: LiveCost) -> Table:
    """Lay out the figures beside their limits."""
    title = (
        f"{result.seconds:.0f} s, {result.processors} processors, load {result.load:.1f}; "
        f"clip {result.clip}"
    )
    table = make_table(("what",), ("measured", "at most"), title=title)
    passed = f"{result.dropped} of {result.frames}"
    table.add_row("frames passed over", passed, "")
    table.add_row("verdicts", str(result.verdicts), "")
    table.add_row("processors used", f"{result.processors_used:.2f}", str(result.processors))
    for name in ("median", "p99", "max"):
        value = getattr(result, f"delay_{name}")
        table.add_row(f"delay, {name}, s", f"{value:.3f}", f"{MAX_DELAY:g}")
    grown = result.mib_second - result.mib_first
    table.add_row("memory, first half, MiB", f"{result.mib_first:.0f}", "")
    table.add_row("more in the second, MiB", f"{grown:+.0f}", f"{MAX_GROWTH:g}")
    return table

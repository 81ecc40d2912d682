"""What a long video costs in which somebody walks for a short time only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from gaitproof.bench.verify_speed import (
    Cost,
    benchmark_clip,
    describe_clip,
    enroll_random,
    verify_coldly,
)
from gaitproof.config import MediaLimits
from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import atomic_path
from gaitproof.media.info import VideoInfo, inspect_video
from gaitproof.media.sandbox import open_reader
from gaitproof.text import make_table

MAX_SHARE: Final = 0.1
"""Of its length that a long video may take."""

_PIECE: Final = 20.0
"""Seconds of film without a walk that are encoded, and then repeated."""

_NOISE: Final = 2.0
"""Grey levels by which the images of a still camera differ."""

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class LongVideo:
    """A long video beside the walk in it.

    Parameters
    ----------
    video
        Size, rate and length in words.
    length, walking
        Seconds of the video, and of the walk in it.
    whole, alone
        Verifications of the video, and of the walk alone, in turn.
    """

    video: str
    length: float
    walking: float
    whole: tuple[Cost, ...]
    alone: tuple[Cost, ...]

    @property
    def share(self) -> float:
        """Time by the clock over the length of the video, the median of the runs."""
        return median(cost.seconds for cost in self.whole) / self.length

    @property
    def pass_share(self) -> float:
        """Processor time of what is no walk over its length, the median of the pairs."""
        more = (a.cpu_seconds - b.cpu_seconds for a, b in zip(self.whole, self.alone, strict=True))
        return median(more) / (self.length - self.walking)


def run(
    clip: Path | None = None,
    *,
    minutes: float = 10.0,
    repeats: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> LongVideo:
    """Verify a walk alone, and with nobody before it and somebody who stands after it.

    Parameters
    ----------
    clip
        Video with a walker; None renders one.
    minutes
        Length of the long video.
    repeats
        Pairs of runs.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the clip cannot be read.
    InputError
        If the clip is too long for the video.
    GaitproofError
        If a command fails.
    """
    with benchmark_clip(clip) as (folder, path):
        long = folder / "long.mp4"
        walking = make_long(path, long, 60 * minutes)
        enroll_random(folder / "gallery.db")
        runs: dict[Path, list[Cost]] = {long: [], path: []}
        for number in range(repeats):
            for video, costs in runs.items():
                costs.append(verify_coldly(video, folder))
            progress((number + 1) / repeats)
        info = inspect_video(long)
    return LongVideo(
        video=describe_clip(info),
        length=info.duration,
        walking=walking,
        whole=tuple(runs[long]),
        alone=tuple(runs[path]),
    )


def make_long(clip: Path, out: Path, seconds: float) -> float:
    """Write a video of so many seconds with a clip in its middle, and return the clip's length.

    Before it the clip's last image is shown so blurred that nobody is in it, afterwards as it is.

    Raises
    ------
    InputError
        If the clip is longer.
    """
    info = inspect_video(clip)
    if info.duration > seconds:
        raise InputError(
            "The clip is too long to be a part of the video.",
            expected=f"at most {seconds:g} s",
            actual=f"{info.duration:.0f} s",
        )
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        empty, walk, still = (Path(name, f"{piece}.mp4") for piece in ("empty", "walk", "still"))
        image = _write_walk(info, walk)
        _write_still(_blurred(image), info, empty)
        _write_still(image, info, still)
        repeats = max(1, round((seconds - info.duration) / _PIECE / 2))
        join([empty] * repeats + [walk] + [still] * repeats, out)
    return info.duration


def _write_walk(info: VideoInfo, out: Path) -> Image:
    """Encode the clip as the rest is, and return its last image."""
    with VideoWriter(out, info.frame_rate, (info.width, info.height)) as writer:
        for frame in read_frames(info.path):
            writer.write(frame.image)
    return frame.image


def _write_still(image: Image, info: VideoInfo, out: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = [
        (image + rng.normal(0, _NOISE, image.shape)).clip(0, 255).astype(np.uint8) for _ in range(8)
    ]
    with VideoWriter(out, info.frame_rate, (info.width, info.height)) as writer:
        for number in range(round(_PIECE * info.frame_rate)):
            writer.write(noisy[number % len(noisy)])


def _blurred(image: Image) -> Image:
    import cv2

    side = image.shape[1] // 3
    return np.asarray(cv2.blur(image, (side, side)), np.uint8)


def join(pieces: Sequence[Path], out: Path) -> None:
    """Put videos of one encoder, size and rate, without B-frames, one after the other.

    Nothing is encoded again.
    """
    with (
        atomic_path(out) as temporary,
        av.open(str(temporary), mode="w", format="mp4") as container,
    ):
        stream, begin = None, 0
        for piece in pieces:
            with open_reader(piece, MediaLimits()) as reader:
                if stream is None:
                    stream = container.add_stream_from_template(reader.stream)
                count = 0
                for packet in reader.packets():
                    if packet.pts is None or packet.dts is None:
                        continue  # the mark of the end
                    packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
                    packet.stream = stream
                    container.mux(packet)
                    count += 1
                assert reader.stream.time_base is not None
                begin += round(count * reader.step / float(reader.stream.time_base))


def long_table(result: LongVideo) -> Table:
    """Lay out the figures."""
    title = f"{result.video}, of which somebody walks for {result.walking:.0f} s"
    table = make_table(("verify, cold",), ("by the clock, s", "processor, s"), title=title)
    for name, costs in (("the whole", result.whole), ("the walk alone", result.alone)):
        clock, processor = (
            median(getattr(cost, unit) for cost in costs) for unit in ("seconds", "cpu_seconds")
        )
        table.add_row(name, f"{clock:.1f}", f"{processor:.1f}")
    table.add_row("share of its length", f"{result.share:.3f} (at most {MAX_SHARE:g})", "")
    table.add_row("processor time per second without a walk", "", f"{result.pass_share:.3f}")
    return table

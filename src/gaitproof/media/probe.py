"""Checking that a video is readable, complete and within bounds before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media._container import (
    check_size,
    describe,
    open_video,
    start_seconds,
)
from gaitproof.media._picture import is_hdr, square_size, transform
from gaitproof.media.decode import INCOMPLETE, damaged, pictures, too_long
from gaitproof.media.files import compute_sha256

MISSING_SECONDS: Final = 0.5
MISSING_SHARE: Final = 0.01
"""A file may end this much (seconds plus share of the length) before the length that its header
declares: encoders round, and sound runs on a little. More is a cut-off file."""

NO_DECLARED_LENGTH: Final = frozenset({"h264", "hevc", "m4v", "mpegvideo", "obu", "mpegts", "mpeg"})
"""Formats without a header that states the length; FFmpeg's figure for them is a guess."""

MAX_FRAME_RATE: Final = 1000.0
"""Frames per second: above it time stamps are damaged."""


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video after reading it through once, without decoding it.

    Parameters
    ----------
    path
        Path as given.
    sha256
        SHA-256 of the file, 64 hexadecimal digits.
    width, height
        Upright picture with square pixels, pixels.
    frame_rate
        Average frames per second, from the time stamps.
    duration
        Seconds, from the time stamps of the pictures; the header is not believed.
    codec
        FFmpeg's name of the video codec.
    rotation
        Degrees counterclockwise by which the stored picture is turned for showing.
    frames
        Pictures in the file.
    hdr
        Whether the picture is coded as HLG or PQ and is mapped to standard range.
    """

    path: Path
    sha256: str
    width: int
    height: int
    frame_rate: float
    duration: float
    codec: str
    rotation: int
    frames: int
    hdr: bool = False


def probe(path: str | Path, limits: MediaLimits | None = None) -> VideoInfo:
    """Read a local video through once and check it.

    Parameters
    ----------
    path
        Local video file.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Raises
    ------
    MediaError
        If the file is missing, no video, cut off, a still picture, damaged at its start, or
        beyond `limits`. Damage inside a picture shows only in decoding.
    """
    limits = limits or MediaLimits()
    name = repr(str(path))
    with open_video(path, limits) as (container, stream):
        _, first = next(pictures(container, stream, name, strict=False), (0.0, None))
        if first is None:
            raise MediaError(f"The video {name} holds no picture.")
        aspect = stream.sample_aspect_ratio
        width, height = square_size(first.width, first.height, float(aspect) if aspect else None)
        if transform(first)[0] == 0:
            width, height = height, width
        check_size(width, height, name, limits)
        rotation, hdr = int(first.rotation), is_hdr(first)
        codec = stream.codec_context.name
    frames, begin, end = _scan(path, name, limits)
    interval = (end - begin) / (frames - 1)
    if interval < 1 / MAX_FRAME_RATE:
        raise MediaError(
            f"The time stamps of {name} are damaged.",
            actual=f"{frames} pictures in {end - begin:.3g} s",
        )
    duration = end - begin + interval
    if duration > limits.max_duration:
        raise too_long(name, limits)
    return VideoInfo(
        path=Path(path),
        sha256=compute_sha256(path),
        width=width,
        height=height,
        frame_rate=1 / interval,
        duration=duration,
        codec=codec,
        rotation=rotation,
        frames=frames,
        hdr=hdr,
    )


def bits_per_pixel(path: str | Path, limits: MediaLimits | None = None) -> float:
    """Return the size of the compressed pictures of a video, sound and headers left out.

    Parameters
    ----------
    path
        Local video file.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Returns
    -------
    float
        Bits per pixel and picture, above 0.

    Raises
    ------
    MediaError
        If the file is no readable video.
    """
    limits = limits or MediaLimits()
    name = repr(str(path))
    sizes = []
    with open_video(path, limits) as (container, stream):
        pixels = stream.width * stream.height
        try:
            sizes = [packet.size for packet in container.demux(stream) if packet.size]
        except av.FFmpegError as error:
            raise MediaError(f"The video {name} is damaged.", actual=describe(error)) from error
    if not sizes or pixels <= 0:
        raise MediaError(f"The video {name} holds no picture.")
    return 8 * sum(sizes) / len(sizes) / pixels


def _scan(path: str | Path, name: str, limits: MediaLimits) -> tuple[int, float, float]:
    """Count the pictures and return the times of the first and the last one."""
    frames, begin, end, last_end = 0, float("inf"), float("-inf"), 0.0
    broken = False
    with open_video(path, limits) as (container, stream):
        declared = (container.duration or 0) / av.time_base
        trusted = container.format.name not in NO_DECLARED_LENGTH
        offset = start_seconds(container)
        step = float(1 / (stream.average_rate or 30))
        try:
            for packet in container.demux():
                if packet.size == 0 or packet.time_base is None:
                    continue
                if packet.is_corrupt:
                    broken = True
                    break
                stamp = packet.pts if packet.pts is not None else packet.dts
                mine = packet.stream.index == stream.index
                if stamp is not None:
                    time = float(stamp * packet.time_base) - offset
                elif mine:
                    time = end + step if frames else 0.0
                else:
                    continue
                length = float((packet.duration or 0) * packet.time_base)
                last_end = max(last_end, time + length)
                if mine:
                    frames += 1
                    begin, end = min(begin, time), max(end, time)
                    if end - begin > limits.max_duration:
                        raise too_long(name, limits)
        except av.FFmpegError as error:
            raise damaged(name, max(end, 0.0), describe(error)) from error
    missing = declared - last_end
    if trusted and missing > MISSING_SECONDS + MISSING_SHARE * declared:
        raise MediaError(
            f"The video {name} is cut off.",
            expected=f"{declared:.2f} s, as its header says",
            actual=f"{max(last_end, 0):.2f} s, so {missing:.2f} s are missing",
            hint="copy or download the file again",
        )
    if broken:
        raise damaged(name, max(end, 0.0), INCOMPLETE)
    if frames < 2:
        raise MediaError(f"The file {name} is a single picture, not a video.")
    return frames, begin, end

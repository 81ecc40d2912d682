"""Decoding a video to upright RGB frames with true time stamps, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media._container import check_size, describe, open_video, start_seconds
from gaitproof.media._picture import to_rgb

MAX_BACKWARD_STEP: Final = 1.0
"""Seconds: a time stamp that runs back further means two recordings glued together; a smaller step
is a damaged stamp and its frame is left out."""

BARREN_PACKETS: Final = 1000
"""Packets without one picture after which a stream counts as undecodable."""

INCOMPLETE: Final = "a piece that is not complete"
"""What FFmpeg's flag on a packet means: the file ends inside it, or a part was lost."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Parameters
    ----------
    index
        Number of the frame, counted from 0 at the first frame that was asked for.
    time
        Seconds from the start of the video as a player counts them.
    image
        Shape (H, W, 3), uint8 RGB, upright, square pixels.
    """

    index: int
    time: float
    image: NDArray[np.uint8]


def read_frames(
    path: str | Path,
    limits: MediaLimits | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> Iterator[Frame]:
    """Decode a local video lazily; one picture is held at a time.

    Variable frame rates are kept as they are. Frames whose time stamp does not increase are left
    out, so that the times are strictly increasing.

    Parameters
    ----------
    path
        Local video file. The content decides the format, not the name.
    limits
        Bounds; the defaults of `MediaLimits` if None.
    start, stop
        Seconds: only frames with ``start <= time < stop``. Decoding begins at the key frame
        before `start`, so a late `start` costs little.

    Yields
    ------
    Frame
        In order of time.

    Raises
    ------
    MediaError
        If the file cannot be read, breaks a limit, is damaged (with the time of the damage), or
        changes its picture size.
    """
    limits = limits or MediaLimits()
    with open_video(path, limits) as (container, stream):
        yield from _decode(container, stream, repr(str(path)), limits, start, stop)


def _decode(
    container: InputContainer,
    stream: VideoStream,
    name: str,
    limits: MediaLimits,
    start: float | None,
    stop: float | None,
) -> Iterator[Frame]:
    index, last, size = 0, -np.inf, None
    for time, raw in _timed(container, stream, name, start):
        if time <= last:
            if time < last - MAX_BACKWARD_STEP:
                raise MediaError(
                    f"The time stamps of {name} jump back from {last:.2f} s to {time:.2f} s.",
                    hint="cut the recording where it was joined",
                )
            continue
        last = time
        if start is not None and time < start:
            continue
        if stop is not None and time >= stop:
            return
        if time > limits.max_duration:
            raise too_long(name, limits)
        if size != (raw.width, raw.height):
            if size is not None:
                raise MediaError(
                    f"The picture size of {name} changes at {time:.2f} s.",
                    expected=f"{size[0]}x{size[1]} throughout",
                    actual=f"{raw.width}x{raw.height}",
                    hint="cut the clip there",
                )
            size = (raw.width, raw.height)
            check_size(*size, name, limits)
        aspect = stream.sample_aspect_ratio
        yield Frame(index, float(time), to_rgb(raw, float(aspect) if aspect else None))
        index += 1


def _timed(
    container: InputContainer, stream: VideoStream, name: str, start: float | None
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield decoded pictures with their times, from a key frame at or before `start` on."""
    if start is None or start <= 0:
        yield from pictures(container, stream, name, strict=True)
        return
    offset = start_seconds(container)
    assert stream.time_base is not None
    first = None
    try:
        container.seek(int((start + offset) / stream.time_base), stream=stream)
        for time, raw in pictures(container, stream, name, strict=False):
            if first is None:
                first = time
                if time > start:
                    break
            yield time, raw
        else:
            if first is not None:
                return
    except av.FFmpegError:
        if first is not None:
            raise
    # containers without an index seek badly: landed too late, or nowhere
    container.seek(0, any_frame=True)
    yield from pictures(container, stream, name, strict=True)


def pictures(
    container: InputContainer, stream: VideoStream, name: str, *, strict: bool
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decode on from the present position, every picture with its time in seconds."""
    offset = start_seconds(container)
    step = float(1 / (stream.average_rate or 30))
    last: float | None = None
    barren = 0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise damaged(name, last, INCOMPLETE)
            barren += 1
            for raw in packet.decode():
                if raw.is_corrupt and last is None:
                    continue  # an open group of pictures refers to what lies before the cut
                if raw.is_corrupt and strict:
                    raise damaged(name, last, "a picture that could not be restored")
                if raw.pts is None:  # raw streams have no clock
                    time = 0.0 if last is None else last + step
                else:
                    time = raw.time - offset
                barren, last = 0, time
                yield time, raw
            if barren > BARREN_PACKETS:
                raise damaged(name, last, f"{BARREN_PACKETS} packets without a picture")
    except av.FFmpegError as error:
        raise damaged(name, last, describe(error)) from error


def damaged(name: str, last: float | None, reason: str) -> MediaError:
    """Return the error for damage after `last` seconds; None is the start."""
    where = "at its start" if last is None else f"after {last:.2f} s"
    return MediaError(
        f"The video {name} is damaged {where}.",
        actual=reason,
        hint="use the original file, or cut the clip before the damage",
    )


def too_long(name: str, limits: MediaLimits) -> MediaError:
    """Return the error for a clip beyond `limits.max_duration`."""
    return MediaError(
        f"The video {name} is too long.",
        expected=f"at most {limits.max_duration:g} s",
        hint="cut the part that shows the walk, or raise max_duration",
    )

"""Opening containers so that a file can neither name another file nor leave its limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Never

import av
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.files import open_regular

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,"
    "flv,asf,ogg,dv,mxf"
)
"""Containers of camera and web video. Playlists and concatenation scripts (hls, dash, concat),
which name other files, and still pictures are not among them."""

MAX_PIXEL_ASPECT: Final = 4.0
"""Sample aspect ratios above it, or below its inverse, are damage: no broadcast or camera format
exceeds 2.2 (anamorphic DV)."""


class _NamelessFile:
    """A file without its name, so that the format is told from the content alone."""

    name = ""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _refuse(url: str, flags: int, options: dict[str, str]) -> Never:
    raise PermissionError("a video may not open other files")


def describe(error: BaseException) -> str:
    """Return FFmpeg's reason without the errno and file name that PyAV adds."""
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def open_video(
    path: str | Path, limits: MediaLimits
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the container of a local video and its main video stream.

    Raises
    ------
    MediaError
        If the file is no readable video, has no moving picture, or breaks `limits`.
    """
    name = repr(str(path))
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size > limits.max_bytes:
            raise MediaError(
                f"The file {name} is too large.",
                expected=f"at most {limits.max_bytes} bytes",
                actual=f"{size} bytes",
                hint="cut the part that shows the walk, or raise max_bytes",
            )
        try:
            container = av.open(
                _NamelessFile(file),
                mode="r",
                options={"format_whitelist": FORMATS, "protocol_whitelist": ""},
                metadata_errors="replace",
                io_open=_refuse,
            )
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"The file {name} is not a video that can be read.",
                expected="a complete video file such as MP4, MOV, MKV, WebM or AVI",
                actual=describe(error),
                hint="check that it plays; a file whose copying was interrupted has to be "
                "copied again",
            ) from error
        with container:
            yield container, _main_stream(container, name, limits)


def _main_stream(container: InputContainer, name: str, limits: MediaLimits) -> VideoStream:
    picture: Any = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & picture]
    if not streams:
        found = sorted({s.type for s in container.streams})
        raise MediaError(
            f"The file {name} holds no video.", actual=f"only {', '.join(found) or 'nothing'}"
        )
    stream = next((s for s in streams if s.disposition & av.stream.Disposition.default), streams[0])
    if stream.codec_context is None:
        raise MediaError(f"The video in {name} has a codec that is not known.")
    check_size(stream.codec_context.width, stream.codec_context.height, name, limits)
    # one decoder thread: estimation takes ten times as long, and every further thread of a
    # frame-threaded decoder holds another picture in memory
    stream.codec_context.thread_count = 1
    return stream


def check_size(width: int, height: int, name: str, limits: MediaLimits) -> None:
    """Raise MediaError if a picture is too large or too small."""
    if width * height > limits.max_pixels:
        raise MediaError(
            f"The picture of {name} is too large.",
            expected=f"at most {limits.max_pixels} pixels",
            actual=f"{width}x{height}",
        )
    if min(width, height) < limits.min_side:
        raise MediaError(
            f"The picture of {name} is too small for a person to be seen.",
            expected=f"both sides at least {limits.min_side} pixels",
            actual=f"{width}x{height}",
        )


def start_seconds(container: InputContainer) -> float:
    """Return the container's time of its first packet, which players show as 0."""
    return (container.start_time or 0) / av.time_base

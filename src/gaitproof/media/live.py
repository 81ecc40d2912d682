"""What is filmed now: a camera, a network stream, or a file shown at its own pace."""

from __future__ import annotations

import platform
import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from gaitproof.config import MediaLimits
from gaitproof.errors import InputError
from gaitproof.media import sandbox
from gaitproof.media._image import to_image
from gaitproof.media.decode import Frame, read_frames

SCHEMES: Final = ("rtsp", "rtsps")
"""Of streams; anything else with a scheme is refused."""

_DEVICES: Final = {"Linux": "v4l2", "Darwin": "avfoundation"}
"""FFmpeg's names of cameras."""


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Parameters
    ----------
    kind
        ``camera``, ``stream`` or ``file``.
    address
        The camera's number, URL or path.
    """

    kind: Literal["camera", "stream", "file"]
    address: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a camera's number, a URL or a path.

        Raises
        ------
        InputError
            If it is a URL of another kind, or no file.
        """
        if re.fullmatch(r"[0-9]{1,3}", text):
            return cls("camera", text)
        scheme = text.partition("://")[0].lower() if "://" in text else ""
        if scheme in SCHEMES:
            return cls("stream", text)
        if scheme:
            raise InputError(
                f"Streams of the kind {scheme!r} are not read.",
                expected="a camera's number, a file, or rtsp:// or rtsps://",
                hint="let the camera or a server such as MediaMTX offer it as RTSP",
            )
        if not Path(text).is_file():
            raise InputError(
                f"There is no source {text!r}.",
                expected="a camera's number (0 is the first), a video file, or an rtsp:// address",
            )
        return cls("file", text)

    @property
    def name(self) -> str:
        """How messages call it: without the password."""
        if self.kind == "camera":
            return f"camera {self.address}"
        if self.kind == "file":
            return self.address
        parts = urlsplit(self.address)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def read_source(
    source: Source, limits: MediaLimits, start: float | None = None
) -> Generator[Frame, None, None]:
    """Read images as they come, for as long as they come.

    Parameters
    ----------
    source
        A file is read as fast as it is asked for.
    limits
        Those on length and size count for files only.
    start
        Of a file: seconds from its start; what lies before is not decoded in full.

    Yields
    ------
    Frame
        In order of time, which begins anywhere; of a camera or stream, those are left out that
        come faster than they are asked for.

    Raises
    ------
    MediaError
        If it cannot be opened, or breaks off.
    """
    if source.kind == "file":
        yield from read_frames(source.address, limits, start)
        return
    address, device = source.address, ""
    if source.kind == "camera":
        device = _DEVICES.get(platform.system(), "")
        if not device:
            raise InputError(
                "Cameras are read on Linux and macOS only.", hint="offer it as an RTSP stream"
            )
        address = f"/dev/video{source.address}" if device == "v4l2" else source.address
    name = f"The {source.kind} {source.name!r}" if source.kind == "stream" else f"The {source.name}"
    with closing(sandbox.stream(name, address, device, limits)) as frames:
        for raw in frames:
            yield Frame(raw.index, raw.time, to_image(raw))

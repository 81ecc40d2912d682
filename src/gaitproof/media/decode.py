"""Decoding videos to upright RGB frames with true time stamps, and still images."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media import sandbox
from gaitproof.media._image import to_image
from gaitproof.media._values import Skim as Skim
from gaitproof.reading import FileKind, decode_image, read_bytes
from gaitproof.reading.images import IMAGE_FORMATS


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a video.

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
    *,
    lasting: bool = True,
    skim: Skim | None = None,
) -> Generator[Frame, None, None]:
    """Decode a local video lazily; a few frames are held at a time.

    Variable frame rates are kept as they are. Frames whose time stamp does not increase are left
    out, so that the times are strictly increasing. A stream without time stamps is timed by the
    frame rate that it declares, or by 25 frames per second.

    Parameters
    ----------
    path
        Local video file. The content decides the format, not the name.
    limits
        Bounds; the defaults of `MediaLimits` if None.
    start, stop
        Seconds: only frames with ``start <= time < stop``. Decoding begins at the key frame
        before `start`, so a late `start` costs little.
    lasting
        False saves a copy: an image may then not be written to, and holds only until the next
        frame is asked for.
    skim
        Pass on one frame of each so many seconds, and decode no more than is needed for it. Damage
        of what is not decoded goes unnoticed.

    Yields
    ------
    Frame
        In order of time.

    Raises
    ------
    MediaError
        If the file cannot be read, breaks a limit, is damaged (with the time of the damage), or
        changes its image size.
    """
    with closing(sandbox.decode(path, limits or MediaLimits(), start, stop, skim)) as frames:
        for raw in frames:
            yield Frame(raw.index, raw.time, to_image(raw, lasting=lasting))


MAX_BYTES: Final = 2**28
"""Largest file that is read, whatever the limit for videos is."""


def read_still(path: str | Path, limits: MediaLimits | None = None) -> NDArray[np.uint8]:
    """Read an image upright, as its EXIF orientation says.

    Parameters
    ----------
    path
        Local file.
    limits
        Bounds on bytes and pixels; the defaults of `MediaLimits` if None.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3), RGB; transparency is dropped, grey and 16-bit images are converted.

    Raises
    ------
    MediaError
        If the file is missing, no image of `IMAGE_FORMATS`, damaged, or beyond `limits`.
    """
    limits = limits or MediaLimits()
    kind = FileKind(
        "image", MediaError, min(limits.max_bytes, MAX_BYTES), expected=" or ".join(IMAGE_FORMATS)
    )
    return decode_image(read_bytes(path, kind), path, kind, limits.max_pixels)

"""What passes between the process that decodes and the one that asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PQ: Final = 16
HLG: Final = 18
"""Transfer functions of HDR video (ITU-R BT.2100): numbers of ITU-T H.273, table 3."""

MAX_PIXEL_ASPECT: Final = 4.0
"""Sample aspect ratios above it, or below its inverse, are damage: no broadcast or camera format
exceeds 2.2 (anamorphic DV)."""

SOUND_RATE: Final = 16_000
"""Samples per second of decoded sound: speech below 8 kHz, as recognisers of speech take it."""

Matrix = tuple[int, int, int, int]


@dataclass(frozen=True)
class Bounds:
    """What a video may cost; the fields are those of `MediaLimits` of the same names."""

    max_duration: float
    max_pixels: int
    min_side: int
    max_memory: int


@dataclass(frozen=True)
class RawFrame:
    """A frame as it is stored: not yet turned, and HDR not yet mapped.

    Parameters
    ----------
    index
        Number of the frame, counted from 0.
    time
        Seconds.
    width, height
        With square pixels.
    stride
        Bytes from one row to the next.
    matrix
        As `transform` says.
    transfer
        Number of the HDR transfer function, whose image has 16 bits a channel; 0 for 8-bit RGB.
    data
        ``stride * height`` bytes; they hold only until the next frame is asked for.
    """

    index: int
    time: float
    width: int
    height: int
    stride: int
    matrix: Matrix
    transfer: int
    data: memoryview


@dataclass(frozen=True)
class Facts:
    """What reading a video through shows.

    Parameters
    ----------
    width, height
        Upright, with square pixels.
    rotation
        Degrees counterclockwise by which the stored image is turned for showing.
    hdr
        Whether it is coded as HLG or PQ.
    codec
        FFmpeg's name of the decoder.
    frames
        In the file.
    begin, end
        Times of the first and the last frame, seconds.
    timed
        Whether the file holds time stamps.
    key_interval
        Longest time between two key frames, seconds; None if it is not known.
    """

    width: int
    height: int
    rotation: int
    hdr: bool
    codec: str
    frames: int
    begin: float
    end: float
    timed: bool
    key_interval: float | None = None


@dataclass(frozen=True)
class Skim:
    """How a video is looked through instead of read.

    Parameters
    ----------
    every
        Seconds: of each slot of so long, one frame is wanted.
    keys
        Whether key frames alone will do, since they lie near enough to each other.
    """

    every: float
    keys: bool = False


@dataclass(frozen=True)
class SoundFacts:
    """What the header of a video says of its sound.

    Parameters
    ----------
    codec
        FFmpeg's name of the decoder.
    rate
        Samples per second in the file.
    channels
        Of the track that is read.
    tracks
        How many there are.
    """

    codec: str
    rate: int
    channels: int
    tracks: int


class Heard:
    """Sound as it comes: 16-bit samples from the video's start on, silence where there is none.

    Parameters
    ----------
    facts
        What the file says of it.
    seconds
        What comes later is left out.
    """

    def __init__(self, facts: SoundFacts, seconds: float) -> None:
        self.facts = facts
        self.samples = bytearray()
        self._most = 2 * round(seconds * SOUND_RATE)

    def add(self, time: float, samples: bytes) -> None:
        """Put a piece to its place."""
        first = 2 * round(time * SOUND_RATE)
        last = min(first + len(samples), self._most)
        if last > first:
            self.samples.extend(bytes(max(0, last - len(self.samples))))
            self.samples[first:last] = samples[: last - first]


def square_size(width: int, height: int, aspect: float | None) -> tuple[int, int]:
    """Return the size with square pixels, the longer side of a pixel being kept.

    Parameters
    ----------
    width, height
        Stored size in pixels.
    aspect
        Width of a pixel over its height; None, 0 or an implausible value counts as 1.
    """
    if not aspect or not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)

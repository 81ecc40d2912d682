"""Checking that a video is readable, complete and within bounds before it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media import sandbox
from gaitproof.media.files import compute_sha256

MAX_FRAME_RATE: Final = 1000.0
"""Frames per second: above it time stamps are damaged."""

LOOK_EVERY: Final = 0.8
"""Seconds between two looks of a first pass: a window of 2 s, the least that is compared, has two
of them; and who walks on the spot is seen in another phase of the stride, of 0.9 to 1.4 s."""

_MOST_NAMED: Final = 8
"""Stretches that a note names one by one."""


@dataclass(frozen=True)
class PassedOver:
    """A stretch of a video that was not examined frame by frame.

    Parameters
    ----------
    start, stop
        Seconds.
    why
        ``nobody`` was seen at a look every 0.8 s; somebody was, and is ``still``; or ``enough``
        walking was seen before.
    """

    start: float
    stop: float
    why: Literal["nobody", "still", "enough"] = "nobody"

    def describe(self) -> str:
        """Say when it is, in minutes and seconds."""
        return "–".join(f"{int(t) // 60}:{int(t) % 60:02}" for t in (self.start, self.stop))


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
        Upright frame with square pixels, pixels.
    frame_rate
        Average frames per second, from the time stamps.
    duration
        Seconds, from the time stamps of the frames; the header is not believed.
    codec
        FFmpeg's name of the video codec.
    rotation
        Degrees counterclockwise by which the stored frame is turned for showing.
    frames
        Frames in the file.
    hdr
        Whether the frame is coded as HLG or PQ and is mapped to standard range.
    timed
        Whether the file holds time stamps. A raw stream does not: its times follow from the frame
        rate that it declares, or from 25 frames per second.
    key_interval
        Longest time between two key frames, seconds; None if it is not known.
    passed_over
        What was not examined frame by frame, in order of time.
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
    timed: bool = True
    key_interval: float | None = None
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Plain-language remarks on what was assumed about the file, and what was passed over."""
        remarks = []
        if not self.timed:
            rate = f"{self.frame_rate:.4g} frames per second"
            remarks.append(f"The video holds no time stamps; {rate} are assumed.")
        remarks.extend(_passed_notes(self.passed_over))
        return tuple(remarks)


def _passed_notes(passed: Sequence[PassedOver]) -> Iterator[str]:
    looked = [one for one in passed if one.why != "enough"]
    still = [one for one in passed if one.why == "still"]
    if looked:
        note = (
            f"Looked at every {LOOK_EVERY:g} s only, for nobody was seen walking: {_times(looked)}."
        )
        if still:
            note += f" Somebody who does not walk was seen in {_times(still)}."
        yield f"{note} `pose: {{first_pass: null}}` in the settings examines every frame."
    rest = [one for one in passed if one.why == "enough"]
    if rest:
        yield f"Not looked at, for enough walking was seen before (budget): {_times(rest)}."


def _times(stretches: Sequence[PassedOver]) -> str:
    named = [one.describe() for one in stretches[:_MOST_NAMED]]
    more = len(stretches) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def inspect_video(path: str | Path, limits: MediaLimits | None = None) -> VideoInfo:
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
        If the file is missing, no video, cut off, a still image, damaged at its start, or
        beyond `limits`. Damage inside a frame shows only in decoding.
    """
    limits = limits or MediaLimits()
    facts = sandbox.examine(path, limits)
    interval = (facts.end - facts.begin) / (facts.frames - 1)
    if interval < 1 / MAX_FRAME_RATE:
        raise MediaError(
            f"The time stamps of {str(path)!r} are damaged.",
            actual=f"{facts.frames} frames in {facts.end - facts.begin:.3g} s",
        )
    duration = facts.end - facts.begin + interval
    if duration > limits.max_duration:
        raise MediaError(
            f"The video {str(path)!r} is too long.",
            expected=f"at most {limits.max_duration:g} s",
            hint="cut the part that shows the walk, or raise max_duration",
        )
    return VideoInfo(
        path=Path(path),
        sha256=compute_sha256(path),
        width=facts.width,
        height=facts.height,
        frame_rate=1 / interval,
        duration=duration,
        codec=facts.codec,
        rotation=facts.rotation,
        frames=facts.frames,
        hdr=facts.hdr,
        timed=facts.timed,
        key_interval=facts.key_interval,
    )


def bits_per_pixel(path: str | Path, limits: MediaLimits | None = None) -> float:
    """Return the size of the compressed frames of a video, sound and headers left out.

    Parameters
    ----------
    path
        Local video file.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Returns
    -------
    float
        Bits per pixel and frame, above 0.

    Raises
    ------
    MediaError
        If the file is no readable video.
    """
    return sandbox.measure(path, limits or MediaLimits())

"""How many frames of each face are judged, and how far apart they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gaitproof.errors import ConfigError
from gaitproof.face.model import FaceClipSettings

FRAMES: Final = 10
"""Of each face, for a model that judges one at a time."""

SEGMENTS: Final = 20
"""Of each face, for a model that judges so many frames per second together: about as much work
for any length of video."""

MOST_FRAMES: Final = 5000
"""Frames of one face that are scored at most, about 1 kB each in the answer: of more, every
second, fourth ... is left out."""


@dataclass(frozen=True)
class Pace:
    """How many frames of each face are judged, and how far apart they are.

    Parameters
    ----------
    count
        Frames of each face, at most.
    most
        Frames that are kept to choose from.
    every
        Seconds of the video of which one frame of each face is taken, 0 for every frame; None
        if frames are spread evenly over the time of a face.
    longest_step
        Seconds between the frames in which faces are looked for, at most.
    segment
        Frames that are judged together, at most; 1 if each is judged on its own.
    skip
        Of the segments of a face, one in so many is judged.
    """

    count: int
    most: int
    every: float | None = None
    longest_step: float = math.inf
    segment: int = 1
    skip: int = 1

    @property
    def segment_seconds(self) -> float:
        """Length of a segment, where frames are taken at a rate."""
        return self.segment * (self.every or 0.0)

    def step(self, wanted: float) -> float:
        """Return how many seconds lie between the frames in which faces are looked for."""
        if self.every is None:
            return min(wanted, self.longest_step)
        # so that a frame is looked at when the next one is due
        return self.every / max(1, math.ceil(self.every / wanted))

    def cell(self, time: float) -> int:
        """Return the part of the video of which one frame is taken; -1 if there are no parts."""
        return math.floor(time / self.every + 1e-6) if self.every else -1

    def is_pause(self, cells: int) -> bool:
        """Tell whether so many parts after a face was first seen its frames are passed over."""
        return self.skip > 1 and cells // self.segment % self.skip != 0


def set_pace(
    clip: FaceClipSettings | None,
    duration: float,
    *,
    frames: int | None = None,
    every: float | None = None,
) -> Pace:
    """Return the pace for a model and a video.

    A model that judges frames together gets them spaced as in its training: spread over the time
    of a face, or at its rate. Then of a long video evenly spaced segments are judged, `SEGMENTS`
    of each face by default.

    Parameters
    ----------
    clip
        Of the model's card.
    duration
        Of the video, seconds.
    frames
        Frames of each face; the model's default if None.
    every
        Instead: seconds between them.

    Raises
    ------
    ConfigError
        If `every` is given for a model that judges frames together.
    """
    if clip is None:
        if every is not None:
            return Pace(MOST_FRAMES, MOST_FRAMES, every)
        count = frames or FRAMES
        # twice as many as are scored, so that they can be evenly spaced in the end
        return Pace(count, 2 * count)
    if every is not None:
        raise ConfigError(
            "This model judges several frames together, spaced as in its training.",
            actual=f"one frame every {every:g} s",
            hint="leave out --every; --frames says how many frames of each face are judged",
        )
    if clip.rate is None:
        count = frames or clip.pictures
        # a short video is looked at as often as it takes to choose evenly
        return Pace(count, 2 * count, None, max(duration / (2 * count), 1e-3), clip.frames)
    wanted = frames or SEGMENTS * clip.frames
    skip = max(1, math.ceil(duration * clip.rate / wanted))
    return Pace(MOST_FRAMES, MOST_FRAMES, 1 / clip.rate, math.inf, clip.frames, skip)

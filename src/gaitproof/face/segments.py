"""Frames of a face that a temporal network judges together: its segments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

MIN_FRAMES: Final = 3
"""Usable frames of a face below which nothing is decided: one frame can be a slip of the
detector, and two cannot outvote each other."""

HOLE: Final = 2.5
"""A segment ends where the next frame comes this many times later than it should."""


class SegmentScore(NamedTuple):
    """What a temporal network says of one segment of T frames.

    Parameters
    ----------
    score
        0 (manipulated) to 1 (genuine).
    attention
        Shape (T,): what each frame counted, 0 or more, adding up to 1.
    members
        Scores of the networks whose mean it is; empty for a single network.
    """

    score: float
    attention: Float64
    members: tuple[float, ...] = ()


class ScoresSegments(Protocol):
    """What judges frames together."""

    def score_segment(self, crops: NDArray[np.uint8]) -> SegmentScore:
        """Judge aligned faces (T, S, S, 3) that follow each other."""


def least_frames(frames: int) -> int:
    """Return how many frames a segment needs where the network was trained on `frames` together.

    >>> least_frames(16), least_frames(4)
    (8, 3)
    """
    return max(MIN_FRAMES, -(-frames // 2))


def cut_segments(
    times: Sequence[float] | Float64, frames: int, hole: float = math.inf
) -> list[range]:
    """Cut frames in order of time into segments.

    Frames that come later change only the last segment.

    Parameters
    ----------
    times
        Shape (N,), seconds, increasing.
    frames
        Frames of a segment, at most.
    hole
        Seconds: frames further apart than this are not of one segment.

    Returns
    -------
    list of range
        The places of each segment's frames; together all of them, also where a segment is short.

    >>> cut_segments([0, 1, 2, 3, 9, 10], 3, hole=2)
    [range(0, 3), range(3, 4), range(4, 6)]
    """
    segments: list[range] = []
    first = 0
    for place in range(1, len(times) + 1):
        ended = place == len(times)
        if ended or place - first == frames or times[place] - times[place - 1] > hole:
            segments.append(range(first, place))
            first = place
    return segments


def long_enough(segments: Sequence[range], frames: int) -> list[range]:
    """Return the segments with as many frames as `least_frames` asks for."""
    return [segment for segment in segments if len(segment) >= least_frames(frames)]


def score_segments(
    model: ScoresSegments, crops: NDArray[np.uint8], frames: int
) -> list[tuple[range, SegmentScore]]:
    """Judge the frames of a prepared clip, segment after segment.

    Parameters
    ----------
    model
        Judges a segment.
    crops
        Shape (N, S, S, 3), in order of time.
    frames
        Frames of a segment, at most.

    Returns
    -------
    list
        Every segment that is long enough with its score; if none is, the first.
    """
    segments = cut_segments(np.arange(len(crops), dtype=np.float64), frames)
    chosen = long_enough(segments, frames) or segments[:1]
    return [
        (segment, model.score_segment(crops[segment.start : segment.stop])) for segment in chosen
    ]

"""What each frame of a face counted where a temporal network judged them together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.verdict import FrameScore, side_of
from gaitproof.report.face.evidence import palette
from gaitproof.report.style import COLOURS, GREY

Image = NDArray[np.uint8]

STRONG: Final = 3.0
"""Times a frame's even share from which on its colour is the lightest."""

HEIGHT: Final = 40
"""Pixels of a strip."""

_BAR: Final = 10
"""Pixels of them that say how each segment was answered."""

_GAP: Final = 6
"""Pixels of white between segments, at most."""


def segment_edges(frames: Sequence[FrameScore], width: int) -> list[tuple[int, int]]:
    """Return where each segment lies in a strip: first column, and the one after the last.

    Parameters
    ----------
    frames
        The judged frames, all of them in segments.
    width
        Of the strip, pixels.
    """
    counts = [len(list(group)) for _, group in groupby(frames, key=lambda frame: frame.turn)]
    gap = min(_GAP, width // (4 * max(1, len(counts))))
    ends = np.cumsum([0, *counts]) / max(1, len(frames)) * (width + gap)
    edges = [int(end) for end in ends.round()]
    return [(first, max(first + 1, last - gap)) for first, last in pairwise(edges)]


def draw_strip(frames: Sequence[FrameScore], width: int, threshold: float) -> Image:
    """Draw one cell per frame, the lighter the more it counted in its segment.

    A bar above each segment is orange where the segment supports a manipulated face, blue where it
    supports a genuine one and grey between.

    Parameters
    ----------
    frames
        The judged frames, all of them in segments.
    width
        Pixels.
    threshold
        Of the score, where nothing is calibrated.

    Returns
    -------
    Shape (`HEIGHT`, `width`, 3), RGB.
    """
    strip = np.full((HEIGHT, width, 3), 255, np.uint8)
    segments = [list(group) for _, group in groupby(frames, key=lambda frame: frame.turn)]
    for segment, (first, last) in zip(segments, segment_edges(frames, width), strict=True):
        weights = np.array([frame.weight or 0.0 for frame in segment])
        strengths = (weights * len(segment) / STRONG).clip(0, 1)
        of_column = np.arange(last - first) * len(segment) // (last - first)
        colours = palette()[(255 * strengths).round().astype(np.uint8)].round()
        strip[_BAR:, first:last] = colours[of_column]
        strip[: _BAR - 2, first:last] = side_colour(
            side_of(segment[0].score, segment[0].log10_lr, threshold)
        )
    return strip


def side_colour(side: int) -> tuple[int, int, int]:
    """Return RGB: orange for what supports a manipulated face, blue a genuine one, grey neither."""
    colour = (GREY, COLOURS[0], COLOURS[1])[side]
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue

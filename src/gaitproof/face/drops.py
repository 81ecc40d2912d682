"""A part of a video in which a face looks less genuine than in the rest of it.

The mean of all frames hides a short manipulation in a long video. Compared with the rest of that
video it shows: person, camera and light are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from gaitproof.face.card import log_odds

LONGEST: Final = 2.0
"""Seconds of the part that is compared with the rest."""

FEWEST: Final = 2
"""Frames in the part; the rest has at least twice as many."""


class FaceDrop(NamedTuple):
    """A part of a video and how much less genuine a face looks in it.

    Parameters
    ----------
    first, last
        Seconds.
    depth
        Median log odds of the rest less the mean log odds of the part.
    """

    first: float
    last: float
    depth: float


def find_drop(times: Sequence[float], scores: Sequence[float]) -> FaceDrop | None:
    """Return the part of at most `LONGEST` in which a face looks least genuine.

    Parameters
    ----------
    times
        Seconds, increasing.
    scores
        Of the frames at these times, 0 (manipulated) to 1 (genuine).

    Returns
    -------
    FaceDrop or None
        None where there are too few frames, or the video is too short for a rest.

    Examples
    --------
    >>> drop = find_drop(range(10), [0.9] * 4 + [0.1] * 2 + [0.9] * 4)
    >>> (drop.first, drop.last, round(drop.depth, 2))
    (4, 5, 4.39)
    """
    odds = np.array([log_odds(score) for score in scores])
    at = np.asarray(times, np.float64)
    drops = []
    for begin in range(len(odds)):
        end = int(np.searchsorted(at, at[begin] + LONGEST, side="right"))
        if end - begin < FEWEST or len(odds) - (end - begin) < 2 * (end - begin):
            continue
        rest = np.concatenate([odds[:begin], odds[end:]])
        depth = float(np.median(rest) - odds[begin:end].mean())
        drops.append(FaceDrop(times[begin], times[end - 1], depth))
    return max(drops, key=lambda drop: drop.depth, default=None)

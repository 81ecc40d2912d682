"""How much the scores and images of one face agree over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.card import log_odds

_TRACE: Final = 56
"""Pixels: flicker is the change of features, not of the noise of single pixels."""


@dataclass(frozen=True)
class Consistency:
    """How much the frames of one face agree, or its segments if they were judged together.

    Parameters
    ----------
    genuine, manipulated
        Shares of the scores that support either side, 0 to 1; the others support neither.
    longest_real, longest_fake
        Longest run of neighbouring scores that support a genuine face, and a manipulated one.
    switches
        How often the side changes from one score that supports a side to the next that does.
    variance
        Of the scores.
    flicker
        Median over neighbouring frames of the mean absolute difference of the aligned faces, grey
        levels of 255, brightness removed.
    """

    genuine: float
    manipulated: float
    longest_real: int
    longest_fake: int
    switches: int
    variance: float
    flicker: float

    @property
    def agreeing(self) -> float | None:
        """Share on the majority's side of the scores that support a side; None if none does."""
        both = self.genuine + self.manipulated
        return max(self.genuine, self.manipulated) / both if both else None

    @property
    def majority(self) -> str:
        """What most scores that support a side do: ``genuine``, ``manipulated`` or ``none``.

        A vote, beside the mean of the scores, which alone decides.
        """
        if self.genuine == self.manipulated:
            return "none"
        return "genuine" if self.genuine > self.manipulated else "manipulated"


def compute_consistency(
    scores: NDArray[np.float64], sides: Sequence[int], traces: NDArray[np.uint8]
) -> Consistency:
    """Return how much scores in order of time agree; at least one is needed.

    Parameters
    ----------
    scores
        Shape (N,): of frames, or of segments.
    sides
        What each supports, see `gaitproof.face.verdict.side_of`.
    traces
        Shape (M, 56, 56), of the frames, see `make_trace`.
    """
    longest = {1: 0, 0: 0, -1: 0}
    for side, run in groupby(sides):
        longest[side] = max(longest[side], len(list(run)))
    return Consistency(
        genuine=sides.count(1) / len(sides),
        manipulated=sides.count(-1) / len(sides),
        longest_real=longest[1],
        longest_fake=longest[-1],
        switches=sum(a != b for a, b in pairwise(side for side in sides if side)),
        variance=float(scores.var()),
        flicker=compute_flicker(traces),
    )


def make_trace(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a small grey copy of an aligned face, shape (56, 56), that flicker is measured on."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    size = (_TRACE, _TRACE)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def compute_flicker(traces: NDArray[np.uint8]) -> float:
    """Return how much aligned faces (N, 56, 56) change from one to the next, grey levels."""
    if len(traces) < 2:
        return 0.0
    changes = []
    for one, following in pairwise(traces):  # not all at once: there may be thousands
        change = following.astype(np.float64) - one
        changes.append(float(np.abs(change - change.mean()).mean()))
    return float(np.median(changes))


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

"""Pictures of a face that a network over time judges together: its turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

MIN_PICTURES: Final = 3
"""Usable pictures of a face below which nothing is decided: one picture can be a slip of the
detector, and two cannot outvote each other."""

HOLE: Final = 2.5
"""A turn ends where the next picture comes this many times later than it should."""


class TurnScore(NamedTuple):
    """What a network over time says of one turn of T pictures.

    Parameters
    ----------
    score
        0 (manipulated) to 1 (genuine).
    attention
        Shape (T,): what each picture counted, 0 or more, adding up to 1.
    members
        Scores of the networks whose mean it is; empty for a single network.
    """

    score: float
    attention: Float64
    members: tuple[float, ...] = ()


class ScoresTurns(Protocol):
    """What judges pictures together."""

    def score_turn(self, crops: NDArray[np.uint8]) -> TurnScore:
        """Judge aligned faces (T, S, S, 3) that follow each other."""


def least_pictures(frames: int) -> int:
    """Return how many pictures a turn needs where the network was trained on `frames` together.

    >>> least_pictures(16), least_pictures(4)
    (8, 3)
    """
    return max(MIN_PICTURES, -(-frames // 2))


def cut_turns(times: Sequence[float] | Float64, frames: int, hole: float = math.inf) -> list[range]:
    """Cut pictures in order of time into turns.

    Pictures that come later change only the last turn.

    Parameters
    ----------
    times
        Shape (N,), seconds, increasing.
    frames
        Pictures of a turn, at most.
    hole
        Seconds: pictures further apart than this are not of one turn.

    Returns
    -------
    list of range
        The places of each turn's pictures; together all of them, also where a turn is short.

    >>> cut_turns([0, 1, 2, 3, 9, 10], 3, hole=2)
    [range(0, 3), range(3, 4), range(4, 6)]
    """
    turns: list[range] = []
    first = 0
    for place in range(1, len(times) + 1):
        ended = place == len(times)
        if ended or place - first == frames or times[place] - times[place - 1] > hole:
            turns.append(range(first, place))
            first = place
    return turns


def long_enough(turns: Sequence[range], frames: int) -> list[range]:
    """Return the turns with as many pictures as `least_pictures` asks for."""
    return [turn for turn in turns if len(turn) >= least_pictures(frames)]


def score_in_turns(
    model: ScoresTurns, crops: NDArray[np.uint8], frames: int
) -> list[tuple[range, TurnScore]]:
    """Judge the pictures of a prepared clip, turn after turn.

    Parameters
    ----------
    model
        Judges a turn.
    crops
        Shape (N, S, S, 3), in order of time.
    frames
        Pictures of a turn, at most.

    Returns
    -------
    list
        Every turn that is long enough with its score; if none is, the first.
    """
    turns = cut_turns(np.arange(len(crops), dtype=np.float64), frames)
    chosen = long_enough(turns, frames) or turns[:1]
    return [(turn, model.score_turn(crops[turn.start : turn.stop])) for turn in chosen]

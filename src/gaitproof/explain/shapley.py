"""Shapley values of a game of three (A value for n-person games, 1953), over all coalitions."""

from __future__ import annotations

from itertools import product
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

PLAYERS: Final = 3

COALITIONS: Final = tuple(product((False, True), repeat=PLAYERS))
"""Who takes part, in the order of the players."""


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Shapley value of each of three players from the worth of every coalition.

    Parameters
    ----------
    worth
        Shape (2, 2, 2, ...): ``worth[1, 0, 0]`` is that of the first player alone. Further axes
        are further games.

    Returns
    -------
    ndarray of float64
        Shape (3, ...); sums over players to ``worth[1, 1, 1] - worth[0, 0, 0]``.
    """
    values = np.zeros((PLAYERS, *worth.shape[PLAYERS:]))
    for player in range(PLAYERS):
        for coalition in COALITIONS:
            if coalition[player]:
                continue
            size = sum(coalition)
            weight = factorial(size) * factorial(PLAYERS - size - 1) / factorial(PLAYERS)
            joined = tuple(int(own or i == player) for i, own in enumerate(coalition))
            alone = tuple(int(own) for own in coalition)
            values[player] += weight * (worth[joined] - worth[alone])
    return values

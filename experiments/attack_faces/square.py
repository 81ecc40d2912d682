"""An attack that asks a model for scores and knows nothing else of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Score = Callable[[Image], NDArray[np.float64]]
"""``score(crops)``: genuine-scores (N,) of crops (N, S, S, 3)."""

FIRST_SHARE: Final = 0.3
"""Of a crop's area that the first squares cover; halved at the shares of the queries below."""

_HALVED: Final = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6)


def attack_by_squares(
    score: Score,
    crops: Image,
    towards: NDArray[np.bool_],
    *,
    radius: float,
    queries: int,
    seed: int = 0,
) -> tuple[Image, NDArray[np.float64]]:
    """Move the scores of crops by squares of colour that are kept where they help.

    After Andriushchenko et al., Square Attack (ECCV 2020): vertical stripes first, then squares
    that become smaller, each colour at either end of the bound.

    Parameters
    ----------
    score
        The model.
    crops
        Shape (N, S, S, 3).
    towards
        Shape (N,): whether to raise the score, of a forged face, or to lower it.
    radius
        Most by which a colour may change, grey levels of 255.
    queries
        Calls of `score` for all crops together; 1 or more.
    seed
        Of the squares.

    Returns
    -------
    tuple of ndarray
        Changed crops, and their scores.
    """
    rng = np.random.default_rng(seed)
    own = crops.astype(np.int64)
    count, side = crops.shape[:2]
    sign = np.where(towards, 1.0, -1.0)
    reach = int(radius)

    def within(values: NDArray[np.int64]) -> Image:
        return values.clip(own - reach, own + reach).clip(0, 255).astype(np.uint8)

    best = within(own + reach * rng.choice((-1, 1), (count, 1, side, 3)))
    lowest = score(best)
    for query in range(1, queries):
        halvings = sum(query / queries >= share for share in _HALVED)
        length = max(1, round((FIRST_SHARE / 2**halvings) ** 0.5 * side))
        tried = best.astype(np.int64)
        for row in range(count):
            y, x = rng.integers(0, side - length + 1, 2)
            place = np.s_[row, y : y + length, x : x + length]
            tried[place] = own[place] + reach * rng.choice((-1, 1), 3)
        attacked = within(tried)
        scores = score(attacked)
        better = sign * (scores - lowest) > 0
        best[better], lowest[better] = attacked[better], scores[better]
    return best, lowest

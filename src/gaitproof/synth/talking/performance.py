"""What a talker's head does over a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Performance:
    """Movement, words and blinks at T moments.

    Parameters
    ----------
    waves
        Shape (T, 6), slow waves within -1 to 1 for whatever sways.
    mouth, lids
        Shape (T,), how far the mouth is open and the eyes are closed, 0 to 1.
    """

    waves: Float64
    mouth: Float64
    lids: Float64

    @classmethod
    def draw(cls, rng: np.random.Generator, times: Float64) -> Self:
        """Draw one for moments given in seconds, shape (T,)."""
        rates, phases = rng.uniform(0.15, 0.6, 6), rng.uniform(0, 2 * np.pi, 6)
        waves = np.sin(2 * np.pi * times[:, None] * rates + phases)
        # syllables come at about four a second, with pauses
        pace = rng.uniform(3.2, 4.6)
        syllables = 0.5 * (1 + np.sin(2 * np.pi * pace * times + rng.uniform(0, 6)))
        pauses = np.clip(0.7 + np.sin(2 * np.pi * rng.uniform(0.3, 0.6) * times + phases[0]), 0, 1)
        blink = (times + rng.uniform(0, 3)) % rng.uniform(2.2, 4.0)
        lids = np.clip(1 - np.abs(blink - 0.1) / 0.1, 0, 1)
        return cls(waves, syllables**1.5 * pauses, lids)

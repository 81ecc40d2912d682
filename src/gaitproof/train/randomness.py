"""Random generators of a run: pure functions of seed and step, so that any step can be repeated."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """Independent random streams of one run."""

    BATCH = 0
    WINDOWS = 1
    NORMALISER = 2
    VALIDATION = 3
    SUBJECTS = 4
    DROPOUT = 5
    WEIGHTS = 6


def random_source(
    seed: int, step: int = 0, rank: int = 0, stream: Stream = Stream.BATCH
) -> np.random.Generator:
    """Return the random generator of one step: the same arguments, the same numbers."""
    return np.random.default_rng((seed, step, rank, stream))


def torch_seed(seed: int, step: int = 0, rank: int = 0, stream: Stream = Stream.DROPOUT) -> int:
    """Return a seed for torch's generators, from 0 to 2**63 - 1."""
    return int(random_source(seed, step, rank, stream).integers(2**63 - 1))

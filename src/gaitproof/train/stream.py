"""Batches step by step, for one device of several and several processes that prepare them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info


class Stream(IntEnum):
    """Independent random streams of one run."""

    BATCH = 0
    WINDOWS = 1
    NORMALISER = 2
    VALIDATION = 3
    SUBJECTS = 4
    DROPOUT = 5
    WEIGHTS = 6
    CELLS = 7
    TARGETS = 8


def random_source(
    seed: int, step: int = 0, rank: int = 0, stream: Stream = Stream.BATCH
) -> np.random.Generator:
    """Return the random generator of one step: the same arguments, the same numbers."""
    return np.random.default_rng((seed, step, rank, stream))


def torch_seed(seed: int, step: int = 0, rank: int = 0, stream: Stream = Stream.DROPOUT) -> int:
    """Return a seed for torch's generators, from 0 to 2**63 - 1."""
    return int(random_source(seed, step, rank, stream).integers(2**63 - 1))


Batch_co = TypeVar("Batch_co", covariant=True)


class StepStream(IterableDataset[Batch_co]):
    """The batches of the steps from `start` to the last; any of them can be made by itself.

    Parameters
    ----------
    start, steps
        First step, and number of steps of the whole run.
    """

    def __init__(self, start: int, steps: int) -> None:
        self._start, self._steps = start, steps

    @abstractmethod
    def __getitem__(self, step: int) -> Batch_co:
        """Return the batch of a step."""

    def __iter__(self) -> Iterator[Batch_co]:
        worker: Any = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in range(self._start + first, self._steps, stride):
            yield self[step]

"""Batches step by step, for one device of several and several processes that prepare them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, TypeVar

from torch.utils.data import IterableDataset, get_worker_info

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

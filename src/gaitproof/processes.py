"""Worker processes that take one core each and never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Final

from gaitproof.errors import GaitproofError

_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",  # torch, OpenBLAS
    "LP_NUM_THREADS",  # llvmpipe, Mesa's software renderer
    "OPENCV_FOR_THREADS_NUM",
)


@contextmanager
def worker_pool(workers: int, crash: GaitproofError) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of fresh processes; if the block fails, what has not begun is dropped.

    Parameters
    ----------
    workers
        Number of processes.
    crash
        Raised in place of the pool's own error when a worker dies.
    """
    # spawn: a forked child would inherit the state of graphics and thread libraries
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise crash from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start() -> None:
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    # a pool's workers hold both ends of their queue, so a killed parent would leave them waiting
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

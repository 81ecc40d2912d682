"""Worker processes that take one core each and never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from gaitproof.cluster import ClusterPool, current_pool, limit_threads
from gaitproof.errors import DependencyError, GaitproofError

_AHEAD: Final = 2
"""Items that `run_apart` hands to each process at a time: one it works on, and the next."""

_GLANCE: Final = 1.0
"""Seconds for which the main thread waits without looking for Ctrl+C: a signal that reaches another
thread, or this one just before it falls asleep, does not wake it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def worker_pool(workers: int, crash: GaitproofError) -> Iterator[Executor]:
    """Open a pool of fresh processes; if the block fails, what has not begun is dropped.

    Inside `gaitproof.cluster.cluster` the processes are the cluster's, whatever their number.

    Parameters
    ----------
    workers
        Number of processes.
    crash
        Raised in place of the pool's own error when a worker dies.
    """
    try:
        shared = current_pool()
        if shared is not None:
            yield shared
            return
        with _own_pool(workers) as pool:
            yield pool
    except BrokenProcessPool as error:
        raise crash from error


@contextmanager
def _own_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # spawn: a forked child would inherit the state of graphics and thread libraries
    context = multiprocessing.get_context("spawn")
    with _Pool(workers, mp_context=context, initializer=_start) as pool:
        try:
            yield pool
        except BrokenProcessPool:
            raise
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class _Pool(ProcessPoolExecutor):
    """A pool whose processes leave Ctrl+C to their parent."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        # a process is started whenever there is work and none is idle
        with _deaf():
            return super().submit(fn, *args, **kwargs)


def as_finished(futures: Collection[Future[Result]]) -> Iterator[Future[Result]]:
    """Yield futures as they finish.

    `concurrent.futures.as_completed` and ``wait`` lock every future, and Ctrl+C amid that leaves
    some locked for good, so that the pool's own thread, which would end it, waits for ever. To take
    something out of a queue is one step, which cannot be left half done.
    """
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    with _deaf():
        for future in futures:
            future.add_done_callback(finished.put)
    for _ in range(len(futures)):
        yield _take(finished)


def _take(finished: SimpleQueue[Future[Result]]) -> Future[Result]:
    while True:
        with suppress(Empty):
            return finished.get(timeout=_GLANCE)


def run_all(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    workers: int,
    crash: GaitproofError,
    progress: Callable[[int], None],
) -> list[Result]:
    """Do work on every item in other processes, in any order.

    Parameters
    ----------
    items
        What to work on; sent to the processes.
    work
        Can be imported by them. What it raises is raised here, and ends everything.
    workers
        Number of processes; 0 takes one per processor. No more are started than there are items.
    crash
        As for `worker_pool`.
    progress
        Called with the number of finished items, first with 0.

    Returns
    -------
    list
        What became of each item, in their order.
    """
    progress(0)
    count = min(workers or os.cpu_count() or 1, max(len(items), 1))
    with worker_pool(count, crash) as pool:
        futures = [pool.submit(work, item) for item in items]
        for done, future in enumerate(as_finished(futures), start=1):
            future.result()
            progress(done)
        return [future.result() for future in futures]


def run_apart(
    items: Sequence[Item], work: Callable[[Item], Result], workers: int
) -> Generator[tuple[Item, Result | None], None, None]:
    """Do work on every item in other processes, such that a crash costs one item only.

    When a process dies, the items under way are tried again, each in a process of its own.

    Parameters
    ----------
    items
        What to work on; sent to the processes.
    work
        Can be imported by them. What it raises is raised here, and ends everything.
    workers
        Number of processes, at least 1.

    Yields
    ------
    tuple
        An item and what became of it, in the order of finishing; None if it crashed its process.

    Raises
    ------
    DependencyError
        If the processes cannot be started.
    """
    waiting = deque(items)
    shared = current_pool()
    if shared is not None:
        yield from _run_on_cluster(waiting, work, shared)
    while waiting:
        for suspect in (yield from _run_until_crash(waiting, work, workers)):
            for culprit in (yield from _run_until_crash(deque([suspect]), work, 1)):
                yield culprit, None


def _run_on_cluster(
    waiting: deque[Item], work: Callable[[Item], Result], pool: ClusterPool
) -> Generator[tuple[Item, Result | None], None, None]:
    """Do the same on a cluster, which tries again by itself what was under way in a crash."""
    flying: dict[Future[Result], Item] = {}
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    while waiting or flying:
        while waiting and len(flying) < _AHEAD * pool.processors:
            item = waiting.popleft()
            flying[_submit(pool, work, item, finished)] = item
        future = _take(finished)
        try:
            result = future.result()
        except BrokenProcessPool:
            yield flying.pop(future), None
        else:
            yield flying.pop(future), result


def _run_until_crash(
    waiting: deque[Item], work: Callable[[Item], Result], workers: int
) -> Generator[tuple[Item, Result], None, list[Item]]:
    """Take items from `waiting`; return those that were under way when a process died."""
    flying: dict[Future[Result], Item] = {}
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    try:
        with _own_pool(min(workers, len(waiting))) as pool, _stopped_at_once(pool):
            while waiting or flying:
                while waiting and len(flying) < _AHEAD * workers:
                    future = _submit(pool, work, waiting[0], finished)
                    flying[future] = waiting.popleft()
                future = _take(finished)
                result = future.result()
                yield flying.pop(future), result
    except BrokenProcessPool:
        pass
    return list(flying.values())


def _submit(
    pool: Executor,
    work: Callable[[Item], Result],
    item: Item,
    finished: SimpleQueue[Future[Result]],
) -> Future[Result]:
    """Hand work to a pool; its future goes into the queue when it has finished."""
    future = pool.submit(work, item)
    with _deaf():
        future.add_done_callback(finished.put)
    return future


@contextmanager
def _stopped_at_once(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Start a pool; if the block fails, its processes do not finish their work."""
    try:
        try:
            pool.submit(os.getpid).result()
        except BrokenProcessPool as error:
            raise DependencyError(
                "Worker processes cannot be started.",
                hint="in a script, begin with `if __name__ == '__main__':`",
            ) from error
        yield
    except BaseException:
        # `kill_workers` and `terminate_workers` are public from Python 3.14 on
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise


@contextmanager
def _deaf() -> Iterator[None]:
    """Hold Ctrl+C back in the block, and for good in the processes that it starts.

    The terminal sends it to them too, and each would print where it was. Nor is what the block
    begins left half done: a process that was started and not noted would never be stopped. The mask
    alone does not see to that, as another thread may take the signal.
    """
    held: list[int] = []
    # Python raises KeyboardInterrupt in the main thread only; None is the handler of a program in C
    # that Python is a part of, which could not be put back
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if held:
            signal.raise_signal(signal.SIGINT)


def _start() -> None:
    limit_threads()
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    # a pool's workers hold both ends of their queue, so a killed parent would leave them waiting
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

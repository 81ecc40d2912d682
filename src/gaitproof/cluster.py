"""Work on a Ray cluster, through the same calls as on this machine's processes.

Inside `cluster`, `gaitproof.processes.worker_pool` and `run_apart` hand their work to Ray (extra
`scale`) and nothing else changes: what is sent, what comes back, what is raised. Files are named by
paths, so every node must see them at the same place, or as URLs (`gaitproof.data.remote`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from gaitproof.errors import DependencyError

LOCAL: Final = "local"
"""Address of a cluster of this machine alone, started for one command and ended with it."""

TRIES_AGAIN: Final = 1
"""Times that a task is done again whose process or node died."""

_STORE_BYTES: Final = 2**28
"""Of shared memory on this machine: what is sent are names of files, and figures."""

_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else Ray reports to its makers
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",  # torch, OpenBLAS
    "LP_NUM_THREADS",  # llvmpipe, Mesa's software renderer
    "OPENCV_FOR_THREADS_NUM",
)

_POOL: ContextVar[ClusterPool | None] = ContextVar("gaitproof_cluster", default=None)


class ClusterPool(Executor):
    """An executor of `concurrent.futures` whose processes are a cluster's."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=TRIES_AGAIN)(_attempt)

    @property
    def processors(self) -> int:
        """Processors of all nodes together, at least 1."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over a call; its future raises what it raised, BrokenProcessPool if it died."""
        done: Future[Any] = Future()
        done.set_running_or_notify_cancel()
        reference = self._task.remote(fn, args, kwargs)
        reference.future().add_done_callback(
            partial(_settle, self._ray.exceptions.RayTaskError, done)
        )
        return done


@contextmanager
def cluster(address: str | None, workers: int = 0) -> Iterator[None]:
    """Let work of the block go to a cluster; nothing changes without an address.

    Parameters
    ----------
    address
        Of its head, as ``10.0.0.1:6379`` or ``auto``; `LOCAL` for one of this machine alone; None
        for no cluster.
    workers
        Processors of a local one; 0 for all.

    Raises
    ------
    DependencyError
        If Ray is not installed, or the cluster cannot be reached.
    """
    if not address:
        yield
        return
    os.environ.update(_QUIET)
    ray = _ray()
    folder = tempfile.mkdtemp(prefix="gp-", dir="/tmp")  # names of sockets must be short
    options: dict[str, Any] = {"address": address}
    if address == LOCAL:
        options |= {
            "num_cpus": workers or None,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": folder,
        }
    try:
        try:
            ray.init(logging_level="error", log_to_driver=False, **options)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise DependencyError(
                f"There is no Ray cluster at {address!r}.",
                actual=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
                hint="start one with 'ray start --head', or give --ray local",
            ) from error
        token = _POOL.set(ClusterPool(ray))
        try:
            yield
        finally:
            _POOL.reset(token)
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def limit_threads() -> None:
    """Let libraries that this process has not loaded yet take one thread each."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"


def current_pool() -> ClusterPool | None:
    """Return the cluster that work goes to; None for this machine's processes."""
    return _POOL.get()


def _attempt(work: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, BaseException | None]:
    """Do the work in a process of the cluster; what it raises comes back as it is."""
    limit_threads()
    try:
        return work(*args, **kwargs), None
    except Exception as error:
        return None, error


def _settle(broken: type[Exception], done: Future[Any], attempt: Future[Any]) -> None:
    try:
        result, error = attempt.result()
    except broken as unreadable:  # the work cannot be imported there
        done.set_exception(unreadable)
        return
    except Exception as died:  # of Ray: the process or the node, again and again
        done.set_exception(BrokenProcessPool(str(died)))
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise DependencyError(
            "A cluster needs a package that is not installed.",
            actual="ray missing",
            hint="pip install 'gaitproof[scale]', or leave --ray out",
        ) from error
    return ray

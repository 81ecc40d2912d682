"""Processes that examine videos: one job each at a time, and a crash costs that job's try only."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from gaitproof.server.tasks import Task

LOGGER: Final = logging.getLogger("gaitproof.server")

Progress = Callable[[float], Awaitable[None]]
"""Called with the share that is done, 0 to 1."""

COMMAND: Final = (sys.executable, "-m", "gaitproof.server.work")
"""Starts a process that works."""

_TRIES: Final = 2
"""How often a job is given to a process before it counts as one that crashes it."""

_JOBS_PER_PROCESS: Final = 50
"""After so many a fresh process takes over, whatever memory the libraries have lost."""

_MAX_LINE: Final = 2**20

_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class CrashError(Exception):
    """A process ended in the middle of a job."""


class _Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.jobs = 0

    @property
    def fit(self) -> bool:
        """Whether another job can be given to it."""
        return self._process.returncode is None and self.jobs < _JOBS_PER_PROCESS

    @classmethod
    async def start(cls, command: Sequence[str]) -> _Worker:
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=_MAX_LINE,
            # Ctrl+C is for the service, which ends its processes itself
            start_new_session=True,
        )
        return cls(process)

    async def run(self, task: Task, progress: Progress) -> dict[str, Any]:
        """Do a job; return the last line.

        Raises
        ------
        CrashError
            If the process ends first.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self.jobs += 1
        with suppress(ConnectionError):  # told by the end of the answers
            stdin.write(task.model_dump_json().encode() + b"\n")
            await stdin.drain()
        while line := await stdout.readline():
            message: dict[str, Any] = json.loads(line)
            if "progress" not in message:
                return message
            await progress(message["progress"])
        raise CrashError(f"status {await self._process.wait()}")

    async def stop(self) -> None:
        """End the process and what it started, at once."""
        with suppress(ProcessLookupError):
            # its decoders end by themselves when it does
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


class WorkerPool:
    """Processes that are started when they are needed and kept.

    Parameters
    ----------
    command
        Starts one.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def run(self, task: Task, progress: Progress) -> dict[str, Any]:
        """Give a job to a process; when it crashes, to a fresh one, once.

        If the caller is cancelled, the process is ended.

        Raises
        ------
        CrashError
            If it crashes every process it is given to.
        """
        for tried in range(1, _TRIES + 1):
            worker = await self._take()
            try:
                answer = await worker.run(task, progress)
            except CrashError as error:
                if self._closed:
                    # the job is not over: it begins again with the next service
                    raise asyncio.CancelledError from error
                LOGGER.warning("A process crashed (%s) in a %s.", error, task.kind)
                await self._stop(worker)
                if tried == _TRIES:
                    raise
            except BaseException:
                await self._stop(worker)
                raise
            else:
                if worker.fit and not self._closed:
                    self._idle.append(worker)
                else:
                    await self._stop(worker)
                return answer
        raise AssertionError

    def close(self) -> None:
        """End all processes; called from outside the loop they were started in."""
        self._closed = True
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._stop_all(), self._loop).result()

    async def _stop_all(self) -> None:
        for worker in list(self._all):
            await self._stop(worker)

    async def _stop(self, worker: _Worker) -> None:
        await worker.stop()
        self._all.discard(worker)

    async def _take(self) -> _Worker:
        self._loop = asyncio.get_running_loop()
        while self._idle:
            worker = self._idle.pop()
            if worker.fit:
                return worker
            await self._stop(worker)
        worker = await _Worker.start(self._command)
        self._all.add(worker)
        return worker

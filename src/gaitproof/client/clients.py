"""Two clients with the same methods: one waits for answers, one is awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import httpx

from gaitproof.client import calls
from gaitproof.client.calls import Call, Job, Problem, ServiceError, check, unreachable
from gaitproof.media.files import open_regular
from gaitproof.types.jobs import JobState

P = ParamSpec("P")
T = TypeVar("T")

Progress = Callable[[float], None]

_CHUNK: Final = 2**20

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks at a job."""


def _sync(function: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    @wraps(function)
    def method(self: Client, /, *args: P.args, **options: P.kwargs) -> T:
        return self.send(function(*args, **options))

    return method


def _async(
    function: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @wraps(function)
    async def method(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> T:
        return await self.send(function(*args, **options))

    return method


def _settings(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return {"base_url": url, "headers": headers, "timeout": timeout}


def _request(call: Call[Any]) -> dict[str, Any]:
    given = {"method": call.method, "url": call.path, "params": call.params}
    return {**given, "json": call.json, "headers": call.headers}


class _Watch:
    """How long a job may still take, and what is said of it."""

    def __init__(self, seconds: float | None, progress: Progress | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._progress = progress

    def over(self, job: Job) -> bool:
        """Say how a job goes, and whether there is nothing more to wait for.

        Raises
        ------
        ServiceError
            If it failed or was cancelled, or the time is over.
        """
        if self._progress is not None:
            self._progress(job.progress)
        if job.state is JobState.DONE:
            return True
        if job.state.final:
            detail = f"The job was {job.state.value}."
            raise ServiceError(job.problem or Problem(title=detail, detail=detail))
        if self._until is not None and time.monotonic() > self._until:
            raise ServiceError(
                Problem(detail="The job is not over yet.", actual=job.state.value, hint="wait on")
            )
        return False


class Client:
    """Asks a service and waits for each answer.

    Parameters
    ----------
    url
        Of the service, as ``http://127.0.0.1:8765``.
    key
        API key; None where none is needed.
    timeout
        Seconds to wait for an answer to one request.
    transport
        Another way to send requests, as in tests.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**_settings(url, key, timeout), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a request, and return what its answer says.

        Raises
        ------
        ServiceError
            If the service refuses it, fails at it, or cannot be reached.
        MediaError
            If the file that is to be uploaded cannot be opened.
        """
        try:
            if call.file is None:
                return call.read(check(self._http.request(**_request(call))))
            with open_regular(call.file) as file:
                return call.read(check(self._http.request(**_request(call), content=file)))
        except httpx.HTTPError as error:
            raise unreachable(error) from error

    def wait(
        self, job: Job | str, seconds: float | None = None, progress: Progress | None = None
    ) -> Job:
        """Wait until a job is done, and return it.

        Parameters
        ----------
        job
            To wait for.
        seconds
            At most; without an end if None.
        progress
            Called with the share that is done, 0 to 1.

        Raises
        ------
        ServiceError
            If it failed or was cancelled, or the time is over.
        """
        watch = _Watch(seconds, progress)
        while not watch.over(state := self.job(job)):
            time.sleep(_LOOK_EVERY)
        return state

    health = _sync(calls.health)
    upload = _sync(calls.upload)
    verify = _sync(calls.verify)
    explain = _sync(calls.explain)
    identify = _sync(calls.identify)
    enroll = _sync(calls.enroll)
    add_references = _sync(calls.add_references)
    preserve = _sync(calls.preserve)
    scan_faces = _sync(calls.scan_faces)
    job = _sync(calls.job)
    jobs = _sync(calls.jobs)
    cancel = _sync(calls.cancel)
    result = _sync(calls.result)
    seen = _sync(calls.seen)
    report = _sync(calls.report)
    people = _sync(calls.people)
    remove_person = _sync(calls.remove_person)


class AsyncClient:
    """Asks a service; every answer is awaited. Parameters and methods as of `Client`."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**_settings(url, key, timeout), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a request, as `Client.send` does."""
        content = None if call.file is None else _chunks(call)
        try:
            answer = await self._http.request(**_request(call), content=content)
        except httpx.HTTPError as error:
            raise unreachable(error) from error
        return call.read(check(answer))

    async def wait(
        self, job: Job | str, seconds: float | None = None, progress: Progress | None = None
    ) -> Job:
        """Wait until a job is done, as `Client.wait` does."""
        watch = _Watch(seconds, progress)
        while not watch.over(state := await self.job(job)):
            await asyncio.sleep(_LOOK_EVERY)
        return state

    health = _async(calls.health)
    upload = _async(calls.upload)
    verify = _async(calls.verify)
    explain = _async(calls.explain)
    identify = _async(calls.identify)
    enroll = _async(calls.enroll)
    add_references = _async(calls.add_references)
    preserve = _async(calls.preserve)
    scan_faces = _async(calls.scan_faces)
    job = _async(calls.job)
    jobs = _async(calls.jobs)
    cancel = _async(calls.cancel)
    result = _async(calls.result)
    seen = _async(calls.seen)
    report = _async(calls.report)
    people = _async(calls.people)
    remove_person = _async(calls.remove_person)


async def _chunks(call: Call[Any]) -> AsyncIterator[bytes]:
    assert call.file is not None
    with await asyncio.to_thread(open_regular, call.file) as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk

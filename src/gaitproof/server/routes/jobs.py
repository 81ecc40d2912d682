"""Jobs: how they go, what they answered, and their end."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from gaitproof.server.access import Principal
from gaitproof.server.guards import ServiceNow, Verifying
from gaitproof.server.models import JobAnswer, JobList
from gaitproof.server.problems import ProblemError
from gaitproof.server.state import Service
from gaitproof.server.work import EXPLANATION, PEOPLE, REPORT, RESULT
from gaitproof.types.jobs import JobState

router = APIRouter(prefix="/jobs", tags=["jobs"])

JobId = Annotated[UUID, Path(description="Identifier of the job.")]

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks at a job that somebody follows."""

_ALIVE_EVERY: Final = 15.0
"""Seconds after which a stream without news says that it is still there."""

_MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
}

_SANDBOX: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
"""For documents that were made of somebody's video: nothing in them runs or loads anything."""


def _find(job: UUID, principal: Principal, service: Service) -> JobAnswer:
    status = service.jobs.find(principal.tenant, str(job))
    if status is None:
        raise ProblemError(404, "unknown-job", f"There is no job {str(job)!r}.")
    return status


def _done(job: UUID, principal: Principal, service: Service) -> JobAnswer:
    ended = _find(job, principal, service)
    if ended.state is not JobState.DONE:
        raise ProblemError(
            409,
            "not-done",
            f"The job is {ended.state.value}.",
            hint=None if ended.state.final else "ask again later",
        )
    return ended


@router.get("")
def list_jobs(
    principal: Verifying,
    service: ServiceNow,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> JobList:
    """List the jobs of your tenant, newest first."""
    jobs = service.jobs.list(principal.tenant, limit=limit, offset=offset)
    return JobList(jobs=jobs)


@router.get("/{job}")
def read_job(job: JobId, principal: Verifying, service: ServiceNow) -> JobAnswer:
    """Say how a job goes."""
    return _find(job, principal, service)


@router.post("/{job}/cancel")
def cancel_job(job: JobId, principal: Verifying, service: ServiceNow) -> JobAnswer:
    """Stop a job. What it has stored already stays; a job that is over stays as it is."""
    _find(job, principal, service)
    status = service.jobs.cancel(principal.tenant, str(job))
    assert status is not None
    service.audit.note("cancel", principal, job=str(job))
    return status


@router.delete("/{job}", status_code=204)
def delete_job(job: JobId, principal: Verifying, service: ServiceNow) -> Response:
    """Delete a job that is over, with its answer and report."""
    status = _find(job, principal, service)
    if not service.jobs.remove(principal.tenant, status.id):
        raise ProblemError(409, "not-over", "The job is not over.", hint="cancel it first")
    service.audit.note("delete job", principal, job=status.id)
    return Response(status_code=204)


@router.get("/{job}/result")
def read_result(job: JobId, principal: Verifying, service: ServiceNow) -> dict[str, Any]:
    """Return the whole answer: what the command line prints with ``--json``."""
    ended = _done(job, principal, service)
    service.audit.note("result", principal, job=ended.id)
    answer: dict[str, Any] = service.jobs.files(ended.id).read_json(RESULT)
    return answer


@router.get("/{job}/people")
def list_seen(job: JobId, principal: Verifying, service: ServiceNow) -> list[dict[str, Any]]:
    """List who was seen, with images, where it must be said who is meant.

    The video is kept for a while, so that the same can be asked again with ``person``.
    """
    status = _find(job, principal, service)
    files = service.jobs.files(status.id)
    if not files.exists(PEOPLE):
        raise ProblemError(404, "no-choice", "Nobody must be chosen.")
    service.audit.note("people", principal, job=status.id)
    people: list[dict[str, Any]] = files.read_json(PEOPLE)
    return people


@router.get(
    "/{job}/report.{form}",
    response_class=Response,
    responses={200: {"content": {name: {} for name in _MEDIA_TYPES.values()}}},
)
def read_report(
    job: JobId,
    form: Annotated[str, Path(pattern="^(html|json|pdf)$")],
    principal: Verifying,
    service: ServiceNow,
) -> Response:
    """Return the sealed report: JSON, or the same as HTML or PDF."""
    from gaitproof.report.casefile import FORMATS, parse_report

    ended = _done(job, principal, service)
    files = service.jobs.files(ended.id)
    if not files.exists(REPORT):
        raise ProblemError(404, "no-report", "The job has no report.")
    service.audit.note("report", principal, job=ended.id, form=form)
    data = files.read(REPORT)
    if form != "json":
        data = FORMATS[f".{form}"](parse_report(data)[0])
    headers = {
        "Content-Disposition": f'attachment; filename="gaitproof-{ended.id}.{form}"',
        "Content-Security-Policy": _SANDBOX,
    }
    return Response(data, media_type=_MEDIA_TYPES[form], headers=headers)


@router.get("/{job}/files")
def list_files(job: JobId, principal: Verifying, service: ServiceNow) -> list[str]:
    """List the files of an explanation."""
    ended = _done(job, principal, service)
    return service.jobs.files(ended.id).list(EXPLANATION)


@router.get(
    "/{job}/files/{name}",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}}},
)
def read_file(
    job: JobId,
    name: Annotated[str, Path(max_length=200)],
    principal: Verifying,
    service: ServiceNow,
) -> Response:
    """Return a file of an explanation."""
    ended = _done(job, principal, service)
    files = service.jobs.files(ended.id)
    # looked up in what is there: a name is never made into a path
    if name not in files.list(EXPLANATION):
        raise ProblemError(404, "unknown-file", f"The job has no file {name!r}.")
    return Response(
        files.read(f"{EXPLANATION}/{name}"),
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        headers={"Content-Security-Policy": _SANDBOX},
    )


@router.get("/{job}/events", response_class=StreamingResponse)
async def follow_job(
    job: JobId, request: Request, principal: Verifying, service: ServiceNow
) -> StreamingResponse:
    """Follow a job: server-sent events ``job`` with its state, until it is over."""
    first = await run_in_threadpool(_find, job, principal, service)
    return StreamingResponse(
        _news(request, service, principal, first), media_type="text/event-stream"
    )


async def _news(
    request: Request, service: Service, principal: Principal, record: JobAnswer
) -> AsyncIterator[str]:
    sent, latest = "", 0.0
    current: JobAnswer | None = record
    while current is not None:
        text = current.model_dump_json()
        if text != sent:
            sent, latest = text, time.monotonic()
            yield f"event: job\ndata: {text}\n\n"
        elif time.monotonic() - latest > _ALIVE_EVERY:
            latest = time.monotonic()
            yield ": still there\n\n"
        if current.state.final or await request.is_disconnected():
            return
        await asyncio.sleep(_LOOK_EVERY)
        current = await run_in_threadpool(service.jobs.find, principal.tenant, record.id)

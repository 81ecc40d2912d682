"""Videos: uploaded first, then used by jobs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gaitproof.server.guards import ServiceNow, Verifying
from gaitproof.server.models import VideoAnswer, VideoId
from gaitproof.server.problems import ProblemError

router = APIRouter(tags=["videos"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/videos", status_code=201, openapi_extra=_BODY)
async def upload_video(
    request: Request,
    principal: Verifying,
    service: ServiceNow,
    name: Annotated[
        str, Query(max_length=200, description="What you call it; shown, and never used as a path.")
    ] = "video",
) -> VideoAnswer:
    """Upload a video: the file itself is the body of the request.

    It is deleted once the jobs that use it are over, unless the service was told otherwise.
    """
    length = request.headers.get("content-length", "")
    upload = await service.uploads.receive(
        principal.tenant, name, int(length) if length.isdecimal() else None, request.stream()
    )
    await run_in_threadpool(
        service.audit.note,
        "upload",
        principal,
        video=upload.id,
        sha256=upload.sha256,
        bytes=upload.bytes,
    )
    return upload


@router.get("/videos")
def list_videos(principal: Verifying, service: ServiceNow) -> list[VideoAnswer]:
    """List the videos that are kept now."""
    return service.uploads.list(principal.tenant)


@router.delete("/videos/{video}", status_code=204)
def delete_video(
    video: Annotated[VideoId, Path()], principal: Verifying, service: ServiceNow
) -> Response:
    """Delete a video now."""
    unknown = ProblemError(404, "unknown-video", f"There is no uploaded video {video!r}.")
    if not service.uploads.has(principal.tenant, video):
        raise unknown
    if video in service.jobs.videos_in_use():
        raise ProblemError(
            409, "in-use", "A job needs the video.", hint="wait for the job, or cancel it"
        )
    if not service.uploads.remove(principal.tenant, video):
        raise unknown
    service.audit.note("delete video", principal, video=video)
    return Response(status_code=204)

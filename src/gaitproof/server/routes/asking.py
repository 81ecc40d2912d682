"""What can be asked for; every answer takes a while, so each request makes a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel

from gaitproof.server.access import Principal
from gaitproof.server.guards import Enrolling, ServiceNow, Verifying
from gaitproof.server.models import (
    EnrollRequest,
    ExplainRequest,
    IdentifyRequest,
    JobAnswer,
    PreserveRequest,
    ReferenceRequest,
    ScanRequest,
    VerifyRequest,
)
from gaitproof.server.routes.gallery import resolve
from gaitproof.server.state import Service
from gaitproof.server.tasks import Kind

router = APIRouter(tags=["questions"])

Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key makes one job, however often it is sent.",
    ),
]


def _ask(
    kind: Kind,
    body: BaseModel,
    videos: Sequence[str],
    who: tuple[Principal, Service],
    once: str | None,
    response: Response,
) -> JobAnswer:
    principal, service = who
    request = body.model_dump(mode="json")
    known = service.jobs.repeated(principal.tenant, kind, request, once)
    if known is None:
        files = service.uploads.find(principal.tenant, list(videos))
        known, new = service.jobs.add(principal.tenant, kind, request, files, once)
        if new:
            service.audit.add(
                kind,
                tenant=principal.tenant,
                key=principal.key,
                job=known.id,
                request=request,
            )
    response.headers["Location"] = f"/v1/jobs/{known.id}"
    return JobAnswer.of(known)


@router.post("/verifications", status_code=202)
def verify(
    body: VerifyRequest,
    principal: Verifying,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Decide whether a video shows the person it claims to show."""
    resolve(service, principal.tenant, body.claim)
    return _ask("verification", body, [body.video], (principal, service), once, response)


@router.post("/explanations", status_code=202)
def explain(
    body: ExplainRequest,
    principal: Verifying,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Show which joints, moments and movements a verdict rests on."""
    resolve(service, principal.tenant, body.claim)
    return _ask("explanation", body, [body.video], (principal, service), once, response)


@router.post("/identifications", status_code=202)
def identify(
    body: IdentifyRequest,
    principal: Verifying,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """List who of the gallery walks most like the person in a video."""
    return _ask("identification", body, [body.video], (principal, service), once, response)


@router.post("/preservations", status_code=202)
def preserve(
    body: PreserveRequest,
    principal: Verifying,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Say whether a manipulated video carries the walk of its original."""
    videos = [body.original, body.swapped]
    return _ask("preservation", body, videos, (principal, service), once, response)


@router.post("/face-scans", status_code=202)
def scan(
    body: ScanRequest,
    principal: Verifying,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Say of every face in a video whether it is manipulated."""
    return _ask("face-scan", body, [body.video], (principal, service), once, response)


@router.post("/enrolments", status_code=202)
def enroll(
    body: EnrollRequest,
    principal: Enrolling,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Enrol a person from videos of them walking; all of them, or none if one cannot be used."""
    return _ask("enrolment", body, body.videos, (principal, service), once, response)


@router.post("/references", status_code=202)
def add_references(
    body: ReferenceRequest,
    principal: Enrolling,
    service: ServiceNow,
    response: Response,
    once: Once = None,
) -> JobAnswer:
    """Keep everybody in videos, who must not be enrolled, to compare relative to."""
    return _ask("reference", body, body.videos, (principal, service), once, response)

"""What can be asked for; every answer takes a while, so each request makes a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel

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


@dataclass(frozen=True)
class _Asker:
    """Somebody who asks, and what the answer needs: what every question shares."""

    principal: Verifying
    service: ServiceNow
    response: Response
    once: Once = None

    def ask(self, kind: Kind, body: BaseModel, videos: Sequence[str]) -> JobAnswer:
        """Make a job of a question, unless it was asked before."""
        principal, service = self.principal, self.service
        request = body.model_dump(mode="json")
        known = service.jobs.repeated(principal.tenant, kind, request, self.once)
        if known is None:
            files = service.uploads.find(principal.tenant, list(videos))
            known, new = service.jobs.add(
                principal.tenant, kind, request, files, self.once, share=service.share()
            )
            if new:
                service.audit.note(kind, principal, job=known.id, request=request)
        self.response.headers["Location"] = f"/v1/jobs/{known.id}"
        return known


@dataclass(frozen=True)
class _Enroller(_Asker):
    """The same, of those who may enroll."""

    principal: Enrolling


Verifier = Annotated[_Asker, Depends()]
Enroller = Annotated[_Enroller, Depends()]


@router.post("/verifications", status_code=202)
def verify(body: VerifyRequest, asker: Verifier) -> JobAnswer:
    """Decide whether a video shows the person it claims to show."""
    resolve(asker.service, asker.principal.tenant, body.claim)
    return asker.ask("verification", body, [body.video])


@router.post("/explanations", status_code=202)
def explain(body: ExplainRequest, asker: Verifier) -> JobAnswer:
    """Show which joints, moments and movements a verdict rests on."""
    resolve(asker.service, asker.principal.tenant, body.claim)
    return asker.ask("explanation", body, [body.video])


@router.post("/identifications", status_code=202)
def identify(body: IdentifyRequest, asker: Verifier) -> JobAnswer:
    """List who of the gallery walks most like the person in a video."""
    return asker.ask("identification", body, [body.video])


@router.post("/preservations", status_code=202)
def preserve(body: PreserveRequest, asker: Verifier) -> JobAnswer:
    """Say whether a manipulated video carries the walk of its original."""
    videos = [body.original, body.swapped]
    return asker.ask("preservation", body, videos)


@router.post("/face-scans", status_code=202)
def scan(body: ScanRequest, asker: Verifier) -> JobAnswer:
    """Say of every face in a video whether it is manipulated."""
    return asker.ask("face-scan", body, [body.video])


@router.post("/enrolments", status_code=202)
def enroll(body: EnrollRequest, asker: Enroller) -> JobAnswer:
    """Enrol a person from videos of them walking; all of them, or none if one cannot be used."""
    return asker.ask("enrolment", body, body.videos)


@router.post("/references", status_code=202)
def add_references(body: ReferenceRequest, asker: Enroller) -> JobAnswer:
    """Keep everybody in videos, who must not be enrolled, to compare relative to."""
    return asker.ask("reference", body, body.videos)

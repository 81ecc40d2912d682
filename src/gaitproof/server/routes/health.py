"""Whether the service works, and how busy it is."""

from __future__ import annotations

from fastapi import APIRouter

import gaitproof
from gaitproof.server.guards import ServiceNow
from gaitproof.server.models import Health

router = APIRouter(tags=["health"])


@router.get("/health")
def read_health(service: ServiceNow) -> Health:
    """Say that the service and its databases answer. Needs no key, and tells nothing secret."""
    counts = service.jobs.count()
    return Health(
        status="ok",
        version=gaitproof.__version__,
        queued=counts["queued"],
        running=counts["running"],
        keys=service.access.any_key(),
    )

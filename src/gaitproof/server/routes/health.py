"""Whether the service works, and how busy it is."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import gaitproof
from gaitproof.server.guards import Administering, ServiceNow
from gaitproof.server.models import Health
from gaitproof.server.problems import RESPONSES

router = APIRouter(prefix="/v1", tags=["health"], responses=RESPONSES)
metrics = APIRouter(tags=["health"], responses=RESPONSES)


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


@metrics.get(
    "/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE_LATEST: {}}}}
)
def read_metrics(principal: Administering, service: ServiceNow) -> Response:
    """Return what Prometheus reads: requests, jobs and the queue of all tenants together."""
    service.metrics.look(service.jobs.count())
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

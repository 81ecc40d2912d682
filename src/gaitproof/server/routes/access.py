"""Sessions of the page, and keys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from gaitproof.server.access import KeyAnswer
from gaitproof.server.guards import COOKIE, Administering, Known, ServiceNow, wrong_key
from gaitproof.server.models import (
    KeyRequest,
    LoginRequest,
    NewKeyAnswer,
    SessionAnswer,
)
from gaitproof.server.problems import ProblemError

router = APIRouter(tags=["access"])


@router.post("/session", status_code=201)
def open_session(
    body: LoginRequest, request: Request, response: Response, service: ServiceNow
) -> SessionAnswer:
    """Begin a session of the web page, kept in a cookie that no script can read."""
    opened = service.access.open_session(body.key, service.settings.session)
    if opened is None:
        raise wrong_key(request, service)
    principal, token = opened
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(service.settings.session),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    service.audit.note("login", principal)
    return SessionAnswer(**vars(principal))


@router.get("/session")
def read_session(principal: Known) -> SessionAnswer:
    """Say who asks, and return the token that changing requests of the page must bring along."""
    return SessionAnswer(**vars(principal))


@router.delete("/session", status_code=204)
def close_session(request: Request, principal: Known, service: ServiceNow) -> Response:
    """End the session."""
    token = request.cookies.get(COOKIE)
    if token is not None:
        service.access.close_session(token)
        service.audit.note("logout", principal)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


@router.get("/keys")
def list_keys(principal: Administering, service: ServiceNow) -> list[KeyAnswer]:
    """List the keys of your tenant."""
    return service.access.keys(principal.tenant)


@router.post("/keys", status_code=201)
def make_key(body: KeyRequest, principal: Administering, service: ServiceNow) -> NewKeyAnswer:
    """Make a key for your tenant. It is shown once."""
    info, secret = service.access.add_key(principal.tenant, body.role, body.label)
    service.audit.note("make key", principal, made=info.id, role=info.role.value)
    return NewKeyAnswer(**info.model_dump(), secret=secret)


@router.delete("/keys/{key}", status_code=204)
def revoke_key(
    key: Annotated[str, Path(pattern="^[0-9a-f]{12}$")],
    principal: Administering,
    service: ServiceNow,
) -> Response:
    """Revoke a key of your tenant; its sessions end at once."""
    if not service.access.revoke(key, principal.tenant):
        raise ProblemError(404, "unknown-key", f"There is no key {key!r} in force.")
    service.audit.note("revoke key", principal, revoked=key)
    return Response(status_code=204)


@router.get("/audit")
def read_audit(
    principal: Administering,
    service: ServiceNow,
    before: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """Return who asked what in your tenant, newest first."""
    return service.audit.read(principal.tenant, before=before, limit=limit)

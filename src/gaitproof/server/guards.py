"""What every request must pass: the key, its role, its rate; and who it is that asks."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from math import ceil
from typing import Annotated, Final, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gaitproof.server.access import NOBODY, Principal, Role
from gaitproof.server.problems import ProblemError
from gaitproof.server.state import Service

COOKIE: Final = "gaitproof_session"

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key.")
_SESSION: Final = APIKeyCookie(
    name=COOKIE, auto_error=False, description="A session of the web page."
)
_CSRF: Final = APIKeyHeader(
    name="X-CSRF-Token",
    auto_error=False,
    description="Of the session, with every request that changes something.",
)


def service_of(request: Request) -> Service:
    """Return what all requests share."""
    return cast(Service, request.app.state.service)


ServiceNow = Annotated[Service, Depends(service_of)]


def principal_of(
    request: Request,
    service: ServiceNow,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    session: Annotated[str | None, Security(_SESSION)],
    csrf: Annotated[str | None, Security(_CSRF)],
) -> Principal:
    """Return who asks.

    Raises
    ------
    ProblemError
        If it is nobody who may, or they ask too often.
    """
    principal = _identify(request, service, bearer, session, csrf)
    asker = principal.key or address_of(request)
    if wait := service.rates.take(asker):
        raise too_often(wait)
    return principal


Known = Annotated[Principal, Depends(principal_of)]


def role(needed: Role) -> Callable[[Principal, Request, Service], Principal]:
    """Return the dependency that lets only those through who have a role."""

    def check(principal: Known, request: Request, service: ServiceNow) -> Principal:
        if not principal.role.covers(needed):
            service.audit.note("refused", principal, path=request.url.path, needed=needed.value)
            raise ProblemError(
                403,
                "role",
                "Your key does not allow that.",
                expected=f"a key with the role {needed.value!r}",
                actual=f"one with the role {principal.role.value!r}",
            )
        return principal

    return check


Verifying = Annotated[Principal, Depends(role(Role.VERIFY))]
Enrolling = Annotated[Principal, Depends(role(Role.ENROLL))]
Administering = Annotated[Principal, Depends(role(Role.ADMIN))]


def address_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client is not None else "unknown"


def too_often(wait: float) -> ProblemError:
    """Return the answer to who asks too often."""
    return ProblemError(
        429,
        "rate",
        "Too many requests.",
        hint=f"wait {ceil(wait)} s",
        headers={"Retry-After": str(ceil(wait))},
    )


def wrong_key(request: Request, service: Service) -> ProblemError:
    """Write down that somebody came with a wrong key, and return the answer to them."""
    address = address_of(request)
    if wait := service.failures.take(address):
        return too_often(wait)
    service.audit.add("wrong key", tenant="", key="", path=request.url.path, address=address)
    return unauthorised()


def unauthorised() -> ProblemError:
    """Return the answer to who has no valid key."""
    return ProblemError(
        401,
        "key",
        "This needs a valid key.",
        hint="send it as 'Authorization: Bearer KEY'",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _identify(
    request: Request,
    service: Service,
    bearer: HTTPAuthorizationCredentials | None,
    session: str | None,
    csrf: str | None,
) -> Principal:
    if bearer is not None:
        principal = service.access.identify(bearer.credentials)
        if principal is None:
            raise wrong_key(request, service)
        return principal
    if session is not None:
        principal = service.access.resume_session(session)
        if principal is not None:
            right = hmac.compare_digest(principal.csrf.encode(), (csrf or "").encode())
            if request.method not in SAFE_METHODS and not right:
                raise ProblemError(
                    403,
                    "csrf",
                    "The request does not come from the page.",
                    hint="send the session's token as the header X-CSRF-Token",
                )
            return principal
    if not service.access.any_key():
        return NOBODY
    raise unauthorised() if session is None else wrong_key(request, service)

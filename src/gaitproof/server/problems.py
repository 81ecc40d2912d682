"""Errors over HTTP: problem details of RFC 9457, made from the package's own errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from gaitproof.errors import (
    DependencyError,
    GaitproofError,
    GalleryError,
    InputError,
    ModelError,
)
from gaitproof.server.tasks import without_places

PROBLEM_TYPE: Final = "application/problem+json"

_STATUS: Final[tuple[tuple[type[GaitproofError], int], ...]] = (
    (GalleryError, 409),
    (InputError, 422),
    (ModelError, 503),
    (DependencyError, 503),
)

_TITLES: Final = {
    400: "The request cannot be understood",
    401: "No valid key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    411: "Length required",
    413: "Too large",
    415: "Unsupported media type",
    422: "The input cannot be used",
    429: "Too many requests",
    500: "Unexpected error",
    503: "Not available",
}


class Problem(BaseModel):
    """A problem, as RFC 9457 describes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:gaitproof:problem:media-error",
                    "title": "The input cannot be used",
                    "status": 422,
                    "detail": "'clip.mp4' cannot be read as a video.",
                    "expected": "a video file",
                    "actual": "a text file",
                    "hint": "upload the original file",
                }
            ]
        }
    )

    type: str = "about:blank"
    """Kind of problem, for programs: a URN that does not change."""
    title: str
    """The same for people."""
    status: int = Field(ge=400, le=599)
    """HTTP status."""
    detail: str = ""
    """What went wrong here."""
    expected: str | None = None
    """What would have been right."""
    actual: str | None = None
    """What was found."""
    hint: str | None = None
    """What to do next."""
    errors: list[dict[str, Any]] | None = None
    """Every field that is not valid, where it is the request that is wrong."""


def make_problem(status: int, kind: str, detail: str, **members: Any) -> Problem:
    """Return a problem of this service; its title goes with the status unless it is given."""
    members = {"title": _TITLES.get(status, "Error"), **members}
    return Problem(type=f"urn:gaitproof:problem:{kind}", status=status, detail=detail, **members)


class ProblemError(Exception):
    """A request that is answered with a problem.

    Parameters
    ----------
    status
        HTTP status.
    kind
        Last part of the problem's URN.
    detail
        What went wrong.
    headers
        Of the answer.
    members
        Other members of the problem.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.problem = make_problem(status, kind, detail, **members)
        self.headers = dict(headers or {})


def describe(error: GaitproofError, *places: str) -> Problem:
    """Return the problem that an error of the package is, without places of this machine."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()

    def cleaned(text: str | None) -> str | None:
        return None if text is None else without_places(text, *places)

    detail = without_places(error.message, *places)
    rest = {part: cleaned(getattr(error, part)) for part in ("expected", "actual", "hint")}
    return make_problem(status, name, detail, **rest)


def unexpected() -> Problem:
    """Return the problem of an error that nobody foresaw; it tells nothing of the inside."""
    text = "This should not happen; the service's log says where it did."
    return make_problem(500, "unexpected", text)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer that tells a problem."""
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        headers=dict(headers or {}),
        media_type=PROBLEM_TYPE,
    )


def install(app: FastAPI) -> None:
    """Have every error of an application answered with a problem."""

    @app.exception_handler(ProblemError)
    def on_problem(request: Request, error: ProblemError) -> JSONResponse:
        return respond(error.problem, error.headers)

    @app.exception_handler(GaitproofError)
    def on_own_error(request: Request, error: GaitproofError) -> JSONResponse:
        folder = request.app.state.service.settings.folder
        return respond(describe(error, str(folder)))

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"where": list(e["loc"]), "what": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{'.'.join(map(str, e['where']))}: {e['what']}" for e in errors)
        problem = make_problem(
            422,
            "invalid-request",
            detail,
            title="The request is not valid",
            errors=jsonable_encoder(errors),
        )
        return respond(problem)

    @app.exception_handler(HTTPException)
    def on_http(request: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(
            title=_TITLES.get(error.status_code, "Error"),
            status=error.status_code,
            detail=str(error.detail),
        )
        return respond(problem, error.headers)

    @app.exception_handler(Exception)
    def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        return respond(unexpected())


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": _TITLES[status],
        "model": Problem,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 503)
}
"""What any request may be answered with, for OpenAPI."""

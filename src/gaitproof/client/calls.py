"""What can be asked of a service: one function per request, which says how it is sent and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gaitproof.errors import GaitproofError
from gaitproof.types.jobs import JobState


class _Value(BaseModel):
    """Immutable; members of a later version of the service are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(_Value):
    """Why something was refused, or failed: RFC 9457."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


class Video(_Value):
    """A video that was uploaded; `expires` in seconds since 1970, unless a job needs it."""

    id: str
    name: str
    bytes: int
    sha256: str
    expires: float


class Job(_Value):
    """A job as it stood; `brief` is a few words on the answer, once it is done."""

    id: str
    kind: str
    state: JobState
    progress: float
    created: float
    updated: float
    request: dict[str, Any]
    videos: tuple[str, ...]
    brief: dict[str, Any] | None = None
    problem: Problem | None = None


class Person(_Value):
    """Somebody who is enrolled."""

    name: str
    recordings: int
    windows: int
    models: tuple[str, ...]
    created: str


T = TypeVar("T")

Which: TypeAlias = Literal["auto", "all"] | int
"""Which person of a video is meant."""


class ServiceError(GaitproofError):
    """A service refused a request, failed at it, or could not be reached.

    Parameters
    ----------
    problem
        What it answered.
    retry_after
        Seconds after which the same may be asked again; None if that would change nothing.
    """

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(
            problem.detail or problem.title or f"The service answered {problem.status}.",
            expected=problem.expected,
            actual=problem.actual,
            hint=problem.hint,
        )
        self.problem = problem
        self.retry_after = retry_after


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    json: dict[str, Any] | None = None
    params: dict[str, str | int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    file: Path | None = None


def check(response: httpx.Response) -> httpx.Response:
    """Return an answer that is no refusal.

    Raises
    ------
    ServiceError
        If it is one.
    """
    if response.is_success:
        return response
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(status=response.status_code, title=response.reason_phrase)
    wait = response.headers.get("Retry-After", "")
    raise ServiceError(problem, float(wait) if wait.isdecimal() else None)


def unreachable(error: httpx.HTTPError) -> ServiceError:
    """Return what is raised where no answer came."""
    return ServiceError(
        Problem(
            type="urn:gaitproof:problem:unreachable",
            detail="The service cannot be reached.",
            actual=str(error) or type(error).__name__,
            hint="check its address, and that it runs",
        )
    )


def _reader(kind: Any) -> Callable[[httpx.Response], Any]:
    adapter = TypeAdapter(kind)

    def read(response: httpx.Response) -> Any:
        try:
            return adapter.validate_json(response.content)
        except ValidationError as error:
            raise ServiceError(
                Problem(
                    detail="This is no answer of a gaitproof service.",
                    actual=error.errors()[0]["msg"],
                    hint="check the address",
                )
            ) from error

    return read


_JOB: Callable[[httpx.Response], Job] = _reader(Job)
_JOBS: Callable[[httpx.Response], dict[str, list[Job]]] = _reader(dict[str, list[Job]])
_VIDEO: Callable[[httpx.Response], Video] = _reader(Video)
_PEOPLE: Callable[[httpx.Response], list[Person]] = _reader(list[Person])
_ANSWER: Callable[[httpx.Response], dict[str, Any]] = _reader(dict[str, Any])
_SEEN: Callable[[httpx.Response], list[dict[str, Any]]] = _reader(list[dict[str, Any]])


def _id(value: Video | Job | str) -> str:
    return value if isinstance(value, str) else value.id


def _ask(path: str, once: str | None, **body: Any) -> Call[Job]:
    headers = {} if once is None else {"Idempotency-Key": once}
    return Call("POST", f"/v1/{path}", _JOB, json=body, headers=headers)


def health() -> Call[dict[str, Any]]:
    """Say whether the service works, and how many jobs wait and run."""
    return Call("GET", "/v1/health", _ANSWER)


def upload(path: str | Path, *, name: str | None = None) -> Call[Video]:
    """Upload a video; `name` is what the service calls it, its file's name if None."""
    file = Path(path)
    return Call("POST", "/v1/videos", _VIDEO, params={"name": name or file.name}, file=file)


def verify(
    video: Video | str,
    claim: str,
    *,
    person: Which = "auto",
    face: bool = False,
    report: bool = True,
    site: str = "",
    once: str | None = None,
) -> Call[Job]:
    """Ask whether a video shows the person it claims to show.

    Parameters
    ----------
    video
        That was uploaded.
    claim
        Name of an enrolled person.
    person
        Which person of the video.
    face
        Whether manipulation of the face is looked for too.
    report
        Whether a report is written.
    site
        Where it was filmed.
    once
        An idempotency key: however often the call is made, there is one job.
    """
    body = {"claim": claim, "person": person, "face": face, "report": report, "site": site}
    return _ask("verifications", once, video=_id(video), **body)


def explain(
    video: Video | str,
    claim: str,
    *,
    person: Which = "auto",
    method: Literal["occlusion", "shapley"] = "occlusion",
    once: str | None = None,
) -> Call[Job]:
    """Ask what a verdict rests on."""
    body = {"claim": claim, "person": person, "method": method}
    return _ask("explanations", once, video=_id(video), **body)


def identify(
    video: Video | str,
    *,
    top: int = 5,
    person: Which = "auto",
    site: str = "",
    once: str | None = None,
) -> Call[Job]:
    """Ask who of the gallery walks most like the person in a video."""
    return _ask("identifications", once, video=_id(video), top=top, person=person, site=site)


def enroll(
    name: str,
    videos: Sequence[Video | str],
    *,
    person: Which = "auto",
    site: str = "",
    face: bool = False,
    once: str | None = None,
) -> Call[Job]:
    """Enrol a person from videos of them walking; with `face` scores of their face are kept too."""
    ids = [_id(video) for video in videos]
    return _ask("enrolments", once, name=name, videos=ids, person=person, site=site, face=face)


def add_references(
    name: str, videos: Sequence[Video | str], *, site: str = "", once: str | None = None
) -> Call[Job]:
    """Keep people in videos, who must not be enrolled, to compare relative to."""
    return _ask("references", once, name=name, videos=[_id(video) for video in videos], site=site)


def preserve(
    original: Video | str,
    swapped: Video | str,
    *,
    person: Which = "auto",
    floor: bool = True,
    once: str | None = None,
) -> Call[Job]:
    """Ask whether a manipulated video carries the walk of its original."""
    body = {"original": _id(original), "swapped": _id(swapped), "person": person, "floor": floor}
    return _ask("preservations", once, **body)


def scan_faces(video: Video | str, *, once: str | None = None) -> Call[Job]:
    """Ask of every face in a video whether it is manipulated."""
    return _ask("face-scans", once, video=_id(video))


def job(name: Job | str) -> Call[Job]:
    """Say how a job goes."""
    return Call("GET", f"/v1/jobs/{quote(_id(name))}", _JOB)


def jobs(*, limit: int = 20, offset: int = 0) -> Call[list[Job]]:
    """List jobs, newest first."""
    params: dict[str, str | int] = {"limit": limit, "offset": offset}
    return Call("GET", "/v1/jobs", lambda r: _JOBS(r)["jobs"], params=params)


def cancel(name: Job | str) -> Call[Job]:
    """Stop a job; one that is over stays as it is."""
    return Call("POST", f"/v1/jobs/{quote(_id(name))}/cancel", _JOB)


def result(name: Job | str) -> Call[dict[str, Any]]:
    """Return the whole answer of a job that is done."""
    return Call("GET", f"/v1/jobs/{quote(_id(name))}/result", _ANSWER)


def seen(name: Job | str) -> Call[list[dict[str, Any]]]:
    """List who was seen, with images, where it must be said who is meant."""
    return Call("GET", f"/v1/jobs/{quote(_id(name))}/people", _SEEN)


def report(name: Job | str, form: Literal["html", "json", "pdf"] = "html") -> Call[bytes]:
    """Return the report of a verification."""
    return Call("GET", f"/v1/jobs/{quote(_id(name))}/report.{form}", lambda r: r.content)


def people() -> Call[list[Person]]:
    """List who is enrolled."""
    return Call("GET", "/v1/gallery", _PEOPLE)


def remove_person(name: str) -> Call[dict[str, Any]]:
    """Delete a person with all recordings, templates and history."""
    return Call("DELETE", f"/v1/gallery/{quote(name, safe='')}", _ANSWER)

"""What requests and answers look like, for OpenAPI and for whoever sends something else."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from gaitproof.errors import GaitproofError
from gaitproof.server.access import KeyAnswer, Role
from gaitproof.server.problems import Problem
from gaitproof.server.tasks import Kind
from gaitproof.types.jobs import JobState
from gaitproof.verify.names import MAX_NAME_LENGTH, check_name

_VIDEO: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

VideoId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""Identifier of an uploaded video."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH)]
"""Name of a person, of footage or of a place."""

Which = Literal["auto", "all"] | Annotated[int, Field(ge=0, le=999)]
"""Which person of a video is meant."""


class Body(BaseModel):
    """Base of requests: what is not known is an error."""

    model_config = ConfigDict(extra="forbid")


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


def _checked(name: str) -> str:
    try:
        return check_name(name)
    except GaitproofError as error:
        raise ValueError(str(error)) from error


class VerifyRequest(Body):
    """Ask whether a video shows whom it claims to show."""

    model_config = _example(video=_VIDEO, claim="Ann")

    video: VideoId
    claim: Name
    """Name of an enrolled person."""
    person: Which = "auto"
    """Which person of the video."""
    face: bool = False
    """Whether manipulation of the face is looked for too."""
    report: bool = True
    """Whether a report is written, and what the page draws over the video is kept."""
    site: str = Field(default="", max_length=MAX_NAME_LENGTH)
    """Where it was filmed; people enrolled from one place are references for each other."""
    case_number: str = Field(default="", max_length=200)
    exhibit: str = Field(default="", max_length=200)
    """What the video is called in the case."""
    examiner: str = Field(default="", max_length=200)
    """Who examines it. The three are stated in the report as they are given."""

    _name = field_validator("claim")(_checked)


class ExplainRequest(Body):
    """Ask what a verdict rests on."""

    model_config = _example(video=_VIDEO, claim="Ann", method="occlusion")

    video: VideoId
    claim: Name
    person: Which = "auto"
    method: Literal["occlusion", "shapley"] = "occlusion"
    """How contributions are computed."""

    _name = field_validator("claim")(_checked)


class IdentifyRequest(Body):
    """Ask who of the gallery walks most like the person in a video."""

    model_config = _example(video=_VIDEO, top=5)

    video: VideoId
    top: int = Field(default=5, ge=1, le=100)
    """How many candidates."""
    person: Which = "auto"
    site: str = Field(default="", max_length=MAX_NAME_LENGTH)


class EnrollRequest(Body):
    """Enrol a person from videos of them walking."""

    model_config = _example(name="Ann", videos=[_VIDEO])

    name: Name
    videos: list[VideoId] = Field(min_length=1, max_length=20)
    person: Which = "auto"
    site: str = Field(default="", max_length=MAX_NAME_LENGTH)
    face: bool = False
    """Whether scores of the person's face are kept too, which verifications with ``face`` take the
    probe's face relative to; no image is."""

    _name = field_validator("name")(_checked)


class PreserveRequest(Body):
    """Ask whether a manipulated video carries the walk of its original."""

    model_config = _example(original=_VIDEO, swapped=_VIDEO[::-1])

    original: VideoId
    swapped: VideoId
    person: Which = "auto"
    floor: bool = True
    """Whether the original is also encoded anew to measure the estimator's noise."""


class ScanRequest(Body):
    """Ask whether a face in a video is manipulated."""

    model_config = _example(video=_VIDEO)

    video: VideoId


class ReferenceRequest(Body):
    """Keep people filmed as probes are, to compare relative to."""

    model_config = _example(name="lobby", videos=[_VIDEO])

    name: Name
    videos: list[VideoId] = Field(min_length=1, max_length=20)
    site: str = Field(default="", max_length=MAX_NAME_LENGTH)

    _name = field_validator("name")(_checked)


class VideoAnswer(BaseModel, frozen=True):
    """A video that was uploaded."""

    id: VideoId
    name: str
    bytes: int
    sha256: str
    expires: float
    """When it is deleted, seconds since 1970, unless a job needs it."""


class JobAnswer(BaseModel):
    """A job as it stands."""

    id: str
    kind: Kind
    state: JobState
    progress: float = Field(ge=0, le=1)
    created: float
    """Seconds since 1970."""
    updated: float
    request: dict[str, Any]
    videos: list[str]
    brief: dict[str, Any] | None = None
    """A few words on the answer, once it is done."""
    problem: Problem | None = None
    """Why it failed."""


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]


class PersonAnswer(BaseModel):
    """Somebody who is enrolled."""

    name: str
    recordings: int
    windows: int
    models: list[str]
    created: str


class LoginRequest(Body):
    """Begin a session of the web page."""

    model_config = _example(key="gp_0123456789ab_" + "x" * 43)

    key: str = Field(max_length=200)


class SessionAnswer(BaseModel):
    """Who is logged in."""

    tenant: str
    role: Role
    csrf: str
    """To be sent as the header ``X-CSRF-Token`` with every request that changes something."""
    key: str
    """Identifier of the key; empty where none is needed."""


class KeyRequest(Body):
    """Make a key."""

    model_config = _example(role="verify", label="the front desk")

    role: Role
    label: str = Field(default="", max_length=100)


class NewKeyAnswer(KeyAnswer, frozen=True):
    """A key that was just made."""

    secret: str
    """The key. It is shown once and kept nowhere."""


class FootageAnswer(BaseModel):
    """Reference footage."""

    footage: str
    files: int
    people: int
    models: list[str]
    created: str


class Health(BaseModel):
    """Whether the service works."""

    status: Literal["ok"]
    version: str
    queued: int
    running: int
    keys: bool
    """Whether requests need a key."""

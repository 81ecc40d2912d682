"""What a service tells."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

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

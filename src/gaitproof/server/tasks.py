"""What the service hands to a process that works: one job, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from gaitproof.config import Settings, VerifySettings

Kind = Literal[
    "verification",
    "identification",
    "enrolment",
    "preservation",
    "face-scan",
    "explanation",
    "reference",
]
"""What can be asked for."""


class TaskVideo(Settings):
    """An uploaded video.

    A client's name for it is shown and stored, and is never part of a path.
    """

    name: str
    path: Path


class Task(Settings):
    """One job.

    Everything a process must know; it sees neither the database nor other tenants.
    """

    kind: Kind
    folder: Path
    """Where results go."""
    gallery: str
    videos: tuple[TaskVideo, ...]
    request: dict[str, Any] = Field(default_factory=dict)
    """As the client sent it, without the videos."""
    settings: VerifySettings = VerifySettings()

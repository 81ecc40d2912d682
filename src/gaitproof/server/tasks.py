"""What the service hands to a process that works: one job, as JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

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


_DATABASE: Final = r"postgres(?:ql)?(?:\+\w+)?://"


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
    scratch: Path | None = None
    """Where plain copies are while the job is done, if the service has a key."""
    gallery: str
    videos: tuple[TaskVideo, ...]
    request: dict[str, Any] = Field(default_factory=dict)
    """As the client sent it, without the videos."""
    settings: VerifySettings = VerifySettings()


def without_places(text: str, *places: str) -> str:
    """Leave out where the service keeps its data: no client needs to know.

    Parameters
    ----------
    text
        Of an error, or of an answer.
    places
        Files and folders, named with whatever lies below them. Databases are left out anyway.
    """
    begun = "|".join([*(re.escape(place) for place in places), _DATABASE])
    pattern = rf"(?P<noun>\b[Gg]allery )?(?:'(?:{begun})[^']*'|\"(?:{begun})[^\"]*\")"
    named = re.sub(pattern, lambda match: (match["noun"] or "the gallery ").strip(), text)
    plain = re.sub(rf"(?:{begun})[^\s'\",;)]*", "the gallery", named)
    return plain if plain == text else plain[:1].upper() + plain[1:]

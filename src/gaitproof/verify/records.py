"""What a gallery tells: its identities, their history, and what a change did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Added:
    """What an enrolment changed.

    Parameters
    ----------
    name
        The identity, spelled as it was first enrolled.
    template_id
        The template now in force, or None if nothing was added.
    added
        Recordings stored.
    known
        SHA-256 of the files left out because they are enrolled already.
    also_enrolled_as
        Other identities that were enrolled from one of the same files.
    """

    name: str
    template_id: str | None
    added: int
    known: tuple[str, ...]
    also_enrolled_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removed:
    """What a removal changed.

    `erased` is False if another process was still reading an older state, or a database server
    decides itself: then the deleted vectors are overwritten later, see `Gallery.erase_deleted`.
    """

    name: str
    recordings: int
    templates: int
    erased: bool


@dataclass(frozen=True)
class IdentitySummary:
    """One line of the list of identities."""

    name: str
    recordings: int
    windows: int
    templates: int
    models: tuple[str, ...]
    created: str
    updated: str


@dataclass(frozen=True)
class RecordingSummary:
    """A recording without its vectors; `views` are its windows' walking directions, degrees."""

    sha256: str
    path: str
    model_id: str
    estimator: str
    windows: int
    quality: dict[str, float]
    created: str
    views: tuple[float, ...] = ()


@dataclass(frozen=True)
class TemplateSummary:
    """A template without its vector; `superseded` is the time a later one replaced it, or None."""

    template_id: str
    model_id: str
    estimator: str
    recordings: int
    windows: int
    created: str
    superseded: str | None


@dataclass(frozen=True)
class IdentityHistory:
    """Everything recorded about one identity, oldest first."""

    name: str
    created: str
    recordings: tuple[RecordingSummary, ...]
    templates: tuple[TemplateSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

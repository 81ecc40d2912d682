"""Where the service keeps its data, and what it allows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field
from sqlalchemy import make_url

from gaitproof.config import Settings, VerifySettings

DEFAULT_TENANT: Final = "default"
"""Whose gallery it is where nobody said otherwise."""

TENANT: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"
"""Names of tenants: they are parts of file names."""


def schema_of(tenant: str) -> str:
    """Return the schema of PostgreSQL that holds a tenant's gallery."""
    return f"gaitproof_{tenant.replace('-', '_')}"


class ServiceSettings(Settings):
    """Everything `gaitproof serve` can be told."""

    folder: Path
    """Uploads and results lie here, and galleries, keys, jobs and the audit log if no database is
    named."""
    url: str | None = None
    """Of a PostgreSQL database for all but uploads and results, as SQLAlchemy writes it; without a
    tenant's name."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that examine videos, one job each at a time."""
    max_queued: int = Field(default=16, ge=1)
    """Jobs that may wait; more are refused with status 429."""
    max_queued_per_tenant: int | None = Field(default=None, ge=1)
    """Jobs of one tenant that may wait; None for half of `max_queued`, or all of it as long as only
    one tenant has keys."""
    time_limit: float = Field(default=1800.0, gt=0)
    """Seconds after which a job is stopped."""
    max_upload: int = Field(default=2 * 2**30, gt=0)
    """Bytes of one uploaded video."""
    requests_per_minute: int = Field(default=600, ge=1)
    """Of one key; more are refused with status 429."""
    keep_uploads: float = Field(default=0.0, ge=0)
    """Seconds that a video is kept after the last job that used it."""
    forget_uploads: float = Field(default=3600.0, gt=0)
    """Seconds that a video is kept which no job uses, or in which a person is to be chosen."""
    keep_results: float | None = Field(default=None, gt=0)
    """Seconds that a job is kept with its answer and report after its end; None until somebody
    deletes it."""
    session: float = Field(default=12 * 3600.0, gt=0)
    """Seconds after which a session of the page ends."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """Names under which the service may be addressed: others are a trick of a web page."""
    verify: VerifySettings = VerifySettings()

    def gallery(self, tenant: str) -> str:
        """Return where the gallery of a tenant is: a file, or a schema of the database."""
        if self.url is None:
            return str(self.folder / "galleries" / f"{tenant}.db")
        options = {"options": f"-csearch_path={schema_of(tenant)}"}
        url = make_url(self.url).update_query_dict(options)
        return url.render_as_string(hide_password=False)

    @property
    def uploads(self) -> Path:
        """Folder of videos."""
        return self.folder / "uploads"

    @property
    def jobs(self) -> Path:
        """Folder of results, one folder per job."""
        return self.folder / "jobs"

    @property
    def database(self) -> str:
        """URL of the database of keys, uploads and the audit log."""
        return self.url or f"sqlite:///{self.folder / 'service.db'}"

    @property
    def queue(self) -> str:
        """URL of the database of jobs."""
        return self.url or f"sqlite:///{self.folder / 'jobs.db'}"

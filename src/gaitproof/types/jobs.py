"""States of a job of the service, which the service tells and its client reads."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """What becomes of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it stays so."""
        return self not in (JobState.QUEUED, JobState.RUNNING)

"""A job as it stands, read from the queue's table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from dbos import WorkflowStatus

from gaitproof.server.models import JobAnswer
from gaitproof.server.problems import Problem, unexpected
from gaitproof.types.jobs import JobState

STATES: Final = {
    "ENQUEUED": JobState.QUEUED,
    "DELAYED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
    "CANCELLED": JobState.CANCELLED,
}
"""Of DBOS's states; any other is a failure."""


def entry_of(row: WorkflowStatus) -> dict[str, Any]:
    """Return what was put into the queue."""
    assert row.input is not None
    entry: dict[str, Any] = row.input["args"][0]
    return entry


def record_of(row: WorkflowStatus) -> JobAnswer:
    """Return the job that a row describes."""
    entry, outcome = entry_of(row), row.output or {}
    state = STATES.get(row.status, JobState.FAILED)
    problem = outcome.get("problem")
    if problem is not None:
        state = JobState.FAILED
    elif state is JobState.FAILED:
        problem = unexpected().model_dump()
    share = 1.0 if state is JobState.DONE else (row.attributes or {}).get("progress", 0.0)
    return JobAnswer(
        id=row.workflow_id,
        kind=entry["kind"],
        state=state,
        progress=share,
        created=(row.created_at or 0) / 1000,
        updated=(row.updated_at or 0) / 1000,
        request=entry["request"],
        videos=[Path(video["path"]).name for video in entry["videos"]],
        brief=outcome.get("done"),
        problem=None if problem is None else Problem.model_validate(problem),
    )

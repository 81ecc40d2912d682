"""Long work: a queue on disk, jobs that survive a crash of anything, and what becomes of them.

The queue is DBOS's (see docs/guide/service.md for why): a job is one of its workflows with one
step, which a process of its own does. What DBOS keeps of a job is its request and a few words on
its outcome; the answer itself lies in the job's folder.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, DBOSPortableJSONSerializer, StepOptions, error

from gaitproof.errors import InputError
from gaitproof.server.database import ErasingConnection
from gaitproof.server.files import JobFiles
from gaitproof.server.metrics import Metrics
from gaitproof.server.models import JobAnswer
from gaitproof.server.problems import Problem, ProblemError, make_problem, unexpected
from gaitproof.server.records import STATES, record_of
from gaitproof.server.settings import ServiceSettings
from gaitproof.server.tasks import Kind, Task, TaskVideo
from gaitproof.server.uploads import Uploads
from gaitproof.server.work import PEOPLE
from gaitproof.server.workers import LOGGER, CrashError, WorkerPool
from gaitproof.types.jobs import JobState
from gaitproof.verify.encryption import Key

_QUEUE: Final = "jobs"
_WORKFLOW: Final = "job"
_POLL: Final = 0.2
"""Seconds between two looks at the queue."""

_VERSION: Final = "1"
"""Of what a job in the queue looks like. DBOS finishes jobs of the same version only; that of the
package would leave those stuck which were queued before an upgrade."""

_NAMESPACE: Final = uuid.UUID("8a0e4f56-6f0c-4f5e-9d2e-5f2a3a1b7c11")
"""Of the names of jobs that have an idempotency key."""

_RETRY: Final = 30
"""Seconds after which a client may ask again when the queue is full and no job was timed yet."""


class Jobs:
    """The jobs of all tenants. One at a time in a process, since DBOS is one.

    Parameters
    ----------
    settings
        Where and how many.
    pool
        Does them.
    uploads
        Whose videos are let go when a job is over.
    metrics
        Counts them.
    key
        Encrypts their files.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        pool: WorkerPool,
        uploads: Uploads,
        metrics: Metrics,
        key: Key | None = None,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._uploads = uploads
        self._metrics = metrics
        self._key = key
        self._scratch: Path | None = None
        self._adding = threading.Lock()
        self._seconds: list[float] = []

    def open(self, scratch: Path | None = None) -> None:
        """Start the queue; what a killed service left unfinished is begun again.

        Parameters
        ----------
        scratch
            Where plain copies are while a job is done, if there is a key.

        Raises
        ------
        InputError
            If this process serves already.
        """
        global _jobs
        if _jobs is not None:
            raise InputError("This process serves already.", hint="start another one")
        _jobs = self
        self._scratch = scratch
        # what is deleted from a file is overwritten
        file = self._settings.queue.startswith("sqlite")
        engine = {"connect_args": {"factory": ErasingConnection}} if file else {}
        DBOS(
            config={
                "name": "gaitproof",
                "system_database_url": self._settings.queue,
                "application_version": _VERSION,
                "executor_id": "service",
                "serializer": DBOSPortableJSONSerializer(),
                "db_engine_kwargs": engine,
                "log_level": "ERROR",
                "enable_otlp": False,
            }
        )
        DBOS.launch()
        DBOS.register_queue(
            _QUEUE,
            worker_concurrency=self._settings.workers,
            polling_interval_sec=_POLL,
            on_conflict="always_update",
        )

    def close(self) -> None:
        """Stop everything; jobs that are running begin again at the next start."""
        global _jobs
        self._pool.close()
        DBOS.destroy()
        _jobs = None

    def add(
        self,
        tenant: str,
        kind: Kind,
        request: dict[str, Any],
        videos: Sequence[TaskVideo],
        idempotency_key: str | None = None,
        *,
        share: int,
    ) -> tuple[JobAnswer, bool]:
        """Queue a job; return it, and whether it is a new one.

        Parameters
        ----------
        tenant
            Who may see it.
        kind, request, videos
            What is asked for.
        idempotency_key
            The same key of the same tenant is the same job.
        share
            How many jobs of the tenant may wait.

        Raises
        ------
        ProblemError
            If too many jobs wait, or the key was used for another request.
        """
        name = _name(tenant, idempotency_key)
        entry = {
            "kind": kind,
            "tenant": tenant,
            "request": request,
            "videos": [video.model_dump(mode="json") for video in videos],
        }
        with self._adding:
            known = self.repeated(tenant, kind, request, idempotency_key)
            if known is not None:
                return known, False
            self._check_room(tenant, share)
            DBOS.enqueue_workflow_with_options(
                {
                    "workflow_name": _WORKFLOW,
                    "queue_name": _QUEUE,
                    "workflow_id": name,
                    "authenticated_user": tenant,
                    "app_version": _VERSION,
                },
                entry,
            )
        job = self.find(tenant, name)
        assert job is not None
        return job, True

    def repeated(
        self, tenant: str, kind: Kind, request: dict[str, Any], idempotency_key: str | None
    ) -> JobAnswer | None:
        """Return the job that the same request made before; None if it is new.

        Raises
        ------
        ProblemError
            If the key was used for another request.
        """
        if idempotency_key is None:
            return None
        known = self.find(tenant, _name(tenant, idempotency_key))
        if known is not None and (known.kind, known.request) != (kind, request):
            raise ProblemError(
                422,
                "idempotency-key-reused",
                "The idempotency key was used for another request.",
                hint="use a new key for every new request",
            )
        return known

    def find(self, tenant: str, name: str) -> JobAnswer | None:
        """Return a job of a tenant; None if it has none of that name."""
        rows = DBOS.list_workflows(workflow_ids=[name], user=tenant, name=_WORKFLOW)
        return record_of(rows[0]) if rows else None

    def list(self, tenant: str, *, limit: int, offset: int = 0) -> list[JobAnswer]:
        """List the jobs of a tenant, newest first."""
        rows = DBOS.list_workflows(
            user=tenant, name=_WORKFLOW, limit=limit, offset=offset, sort_desc=True
        )
        return [record_of(row) for row in rows]

    def cancel(self, tenant: str, name: str) -> JobAnswer | None:
        """Stop a job, or take it out of the queue; one that is over stays as it is."""
        job = self.find(tenant, name)
        if job is not None and not job.state.final:
            DBOS.cancel_workflow(name)
            self.let_go(job.videos)
        return self.find(tenant, name)

    def remove(self, tenant: str, name: str) -> bool:
        """Delete a job that is over, with its answer; False if there is no such job."""
        job = self.find(tenant, name)
        if job is None or not job.state.final:
            return False
        shutil.rmtree(self.files(name).folder, ignore_errors=True)
        DBOS.delete_workflow(name)
        return True

    def sweep(self) -> Sequence[tuple[str, str]]:
        """Delete jobs whose time is over; return them, each with its tenant."""
        if self._settings.keep_results is None:
            return []
        end = time.time() - self._settings.keep_results
        rows = DBOS.list_workflows(
            end_time=datetime.fromtimestamp(end, UTC).isoformat(),
            name=_WORKFLOW,
            load_input=False,
            load_output=False,
        )
        over = [
            (row.authenticated_user or "", row.workflow_id)
            for row in rows
            if STATES.get(row.status, JobState.FAILED).final and (row.updated_at or 0) < end * 1000
        ]
        return [(tenant, name) for tenant, name in over if self.remove(tenant, name)]

    def files(self, name: str) -> JobFiles:
        """Return the files of a job."""
        return JobFiles(self._settings.jobs / str(uuid.UUID(name)), self._key)

    def videos_in_use(self) -> set[str]:
        """Return the files of videos that jobs which are not over need."""
        rows = DBOS.list_workflows(status=["ENQUEUED", "PENDING"], name=_WORKFLOW)
        return {name for row in rows for name in record_of(row).videos}

    def count(self) -> dict[str, int]:
        """Return how many jobs wait and run."""
        rows = DBOS.list_workflows(
            status=["ENQUEUED", "PENDING"], name=_WORKFLOW, load_input=False, load_output=False
        )
        states = [STATES[row.status] for row in rows]
        return {s.value: states.count(s) for s in (JobState.QUEUED, JobState.RUNNING)}

    def _check_room(self, tenant: str, share: int) -> None:
        rows = DBOS.list_workflows(
            status="ENQUEUED", name=_WORKFLOW, load_input=False, load_output=False
        )
        own = sum(row.authenticated_user == tenant for row in rows)
        limit = self._settings.max_queued
        if len(rows) < limit and own < share:
            return
        known = self._seconds[-20:]
        each = sum(known) / len(known) if known else _RETRY
        full = len(rows) >= limit
        raise ProblemError(
            429,
            "queue-full" if full else "share-full",
            "Too many jobs wait already." if full else "Too many of your jobs wait already.",
            actual=f"{len(rows) if full else own} jobs",
            expected=f"fewer than {limit if full else share}",
            hint="try again later",
            headers={"Retry-After": str(max(1, round(each / self._settings.workers)))},
        )

    async def work(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Have a process do a job; return what is kept of its outcome."""
        task = Task(
            kind=entry["kind"],
            folder=self.files(name).folder,
            scratch=None if self._scratch is None else self._scratch / name,
            gallery=self._settings.gallery(entry["tenant"]),
            videos=tuple(TaskVideo.model_validate(video) for video in entry["videos"]),
            request=entry["request"],
            settings=self._settings.verify,
        )

        async def progress(share: float) -> None:
            await DBOS.update_workflow_attributes_async(name, {"progress": share})

        begun = time.monotonic()
        try:
            answer = await self._pool.run(task, progress)
        except CrashError:
            answer = {"problem": _crashed().model_dump()}
        finally:
            if task.scratch is not None:
                shutil.rmtree(task.scratch, ignore_errors=True)
        if "unexpected" in answer:
            LOGGER.error("Job %s: %s", name, answer["unexpected"])
            answer = {"problem": unexpected().model_dump()}
        seconds = time.monotonic() - begun
        self._seconds = [*self._seconds[-19:], seconds]
        outcome = answer["problem"]["type"].rpartition(":")[2] if "problem" in answer else "done"
        self._metrics.job(task.kind, outcome, seconds)
        return answer

    def let_go(self, videos: Sequence[str], *, choice_needed: bool = False) -> None:
        """Keep videos no longer than was agreed on; longer where a person is to be chosen first."""
        keep, choose = self._settings.keep_uploads, self._settings.forget_uploads
        self._uploads.keep(videos, max(keep, choose) if choice_needed else keep)

    def choice_needed(self, name: str) -> bool:
        """Whether it must be said who is meant before the job can be done."""
        return self.files(name).exists(PEOPLE)

    def over_time(self) -> dict[str, Any]:
        """Return the outcome of a job that took too long."""
        problem = make_problem(
            422,
            "time-limit",
            "The job was stopped at its time limit.",
            title="The job took too long",
            expected=f"at most {self._settings.time_limit:.0f} s",
            hint="send a shorter part of the video",
        )
        return {"problem": problem.model_dump()}

    @property
    def time_limit(self) -> float:
        """Seconds of one job."""
        return self._settings.time_limit


_jobs: Jobs | None = None
"""Those of this process. DBOS finds its functions by name, and knows nothing of instances."""


@DBOS.workflow(name=_WORKFLOW)
async def _job(entry: dict[str, Any]) -> dict[str, Any]:
    assert _jobs is not None
    assert DBOS.workflow_id is not None
    options: StepOptions = {
        "name": "work",
        "preemptible": True,
        "timeout_seconds": _jobs.time_limit,
    }
    try:
        answer = await DBOS.run_step_async(options, _jobs.work, DBOS.workflow_id, entry)
    except error.DBOSStepTimeoutError:
        answer = _jobs.over_time()
    choice = _jobs.choice_needed(DBOS.workflow_id)
    videos = [Path(video["path"]).name for video in entry["videos"]]
    await asyncio.to_thread(_jobs.let_go, videos, choice_needed=choice)
    return answer


def _name(tenant: str, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_NAMESPACE, json.dumps([tenant, idempotency_key])))


def _crashed() -> Problem:
    return make_problem(
        500,
        "crash",
        "The process that did the job crashed, and so did the one that tried it again.",
        title="The process crashed",
        hint="the service's log says more",
    )

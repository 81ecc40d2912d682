"""What all requests share: one per running service."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, Self

from sqlalchemy import Engine

from gaitproof.media.drafts import hold_folder
from gaitproof.media.files import make_folder
from gaitproof.server.access import Access
from gaitproof.server.audit import AuditLog
from gaitproof.server.database import make_room, open_database
from gaitproof.server.files import plain_copies
from gaitproof.server.jobs import Jobs
from gaitproof.server.metrics import Metrics
from gaitproof.server.settings import DEFAULT_TENANT, ServiceSettings
from gaitproof.server.uploads import Uploads
from gaitproof.server.workers import COMMAND, WorkerPool
from gaitproof.verify.encryption import find_key
from gaitproof.verify.gallery import Gallery

_MOST: Final = 10_000
"""Askers that are remembered; the one that was silent longest is forgotten first."""


class RateLimit:
    """A bucket of tokens per asker that fills evenly.

    Parameters
    ----------
    per_minute
        Tokens that come in a minute, and that a full bucket holds.
    clock
        Seconds; another one in tests.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, asker: str) -> float:
        """Take a token; return 0, or the seconds after which there is one."""
        now, each = self._clock(), 60 / self._most
        with self._lock:
            tokens, then = self._buckets.pop(asker, (self._most, now))
            tokens = min(self._most, tokens + (now - then) / each)
            wait = 0.0 if tokens >= 1 else (1 - tokens) * each
            self._buckets[asker] = (tokens if wait else tokens - 1, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        return wait


_FAILURES_PER_MINUTE: Final = 20
"""Wrong keys of one address, after which it has to wait."""


class Service:
    """Everything behind the routes.

    Parameters
    ----------
    settings
        Where and how much.
    command
        Starts a process that works.
    """

    def __init__(self, settings: ServiceSettings, command: Sequence[str] = COMMAND) -> None:
        self.settings = settings
        self._open = ExitStack()
        make_folder(settings.folder)
        settings.folder.chmod(0o700)
        self.engine: Engine = open_database(settings.database)
        make_room(self.engine, DEFAULT_TENANT)
        self.access = Access(self.engine)
        self.audit = AuditLog(self.engine)
        self._key = find_key()
        self.uploads = Uploads(
            self.engine, settings.uploads, settings.max_upload, settings.forget_uploads, self._key
        )
        self.pool = WorkerPool(command)
        self.metrics = Metrics()
        self.jobs = Jobs(settings, self.pool, self.uploads, self.metrics, self._key)
        self.rates = RateLimit(settings.requests_per_minute)
        self.failures = RateLimit(_FAILURES_PER_MINUTE)

    def open(self) -> Self:
        """Take the data folder and begin to work.

        Raises
        ------
        InputError
            If another service holds the folder.
        """
        folder = self.settings.folder
        self._open.enter_context(hold_folder(folder, f"Another service runs in {str(folder)!r}."))
        scratch = None
        if self._key is not None:
            scratch = self._open.enter_context(plain_copies(folder))
        self.jobs.open(scratch)
        return self

    def close(self) -> None:
        """Stop working and let go of everything."""
        self.jobs.close()
        self.engine.dispose()
        self._open.close()

    def gallery(self, tenant: str) -> Gallery:
        """Open the gallery of a tenant; nothing is made."""
        return Gallery.open(self.settings.gallery(tenant), make_folder=True)

    def share(self) -> int:
        """Return how many jobs of one tenant may wait, so that others find room."""
        given = self.settings.max_queued_per_tenant
        if given is None:
            alone = len(self.access.tenants()) < 2
            given = self.settings.max_queued if alone else (self.settings.max_queued + 1) // 2
        return given

    def sweep(self) -> None:
        """Delete what is over: uploads that no job uses, and jobs that were kept long enough."""
        self.uploads.sweep(self.jobs.videos_in_use())
        for tenant, job in self.jobs.sweep():
            self.audit.add("expire job", tenant=tenant, key="", job=job)

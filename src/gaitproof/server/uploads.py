"""Videos on their way in: streamed to disk, bounded, kept no longer than needed."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine, delete, insert, select, update
from starlette.concurrency import run_in_threadpool

from gaitproof.media.files import make_folder
from gaitproof.server.database import UPLOADS
from gaitproof.server.files import upload_place
from gaitproof.server.models import VideoAnswer
from gaitproof.server.problems import ProblemError
from gaitproof.server.tasks import TaskVideo
from gaitproof.text import one_line
from gaitproof.verify.encryption import EncryptedWriter, Key

_MAX_NAME = 200


class Uploads:
    """Videos of all tenants in one folder, under names that no client chose.

    With a key they are encrypted as they come.
    """

    def __init__(
        self, engine: Engine, folder: Path, limit: int, patience: float, key: Key | None = None
    ) -> None:
        self._key = key
        self._engine = engine
        self._folder = make_folder(folder)
        self._limit = limit
        self._patience = patience

    async def receive(
        self, tenant: str, name: str, announced: int | None, chunks: AsyncIterator[bytes]
    ) -> VideoAnswer:
        """Write a video to disk as it comes; nothing of it is decoded.

        Raises
        ------
        ProblemError
            If it is empty, or larger than allowed; what was written is gone then.
        """
        if announced is not None and announced > self._limit:
            raise self._too_large(announced)
        identifier = secrets.token_hex(16)
        path = self._path(identifier)
        digest, size = hashlib.sha256(), 0
        try:
            with open(path, "xb", opener=partial(os.open, mode=0o600)) as stored:
                file = stored if self._key is None else self._encrypting(stored, identifier)
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._limit:
                        raise self._too_large(size)
                    digest.update(chunk)
                    await run_in_threadpool(file.write, chunk)
                if isinstance(file, EncryptedWriter):
                    file.finish()
            if not size:
                raise ProblemError(
                    422, "empty-upload", "The upload is empty.", hint="send the file as the body"
                )
            now = time.time()
            shown = one_line(name, _MAX_NAME).strip() or "video"
            upload = VideoAnswer(
                id=identifier,
                name=shown,
                bytes=size,
                sha256=digest.hexdigest(),
                expires=now + self._patience,
            )
            await run_in_threadpool(self._remember, tenant, upload, now)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return upload

    def find(self, tenant: str, ids: Sequence[str]) -> list[TaskVideo]:
        """Return the files of uploads, in order, and keep them while a job may wait.

        Raises
        ------
        ProblemError
            If the tenant has no such upload.
        """
        rows = {upload.id: upload for upload in self.list(tenant)}
        missing = [name for name in ids if name not in rows]
        if missing:
            raise ProblemError(
                422,
                "unknown-video",
                f"There is no uploaded video {missing[0]!r}.",
                hint="POST it to /v1/videos first; it is deleted after the job that used it",
            )
        self.keep(ids, self._patience)
        return [TaskVideo(name=rows[name].name, path=self._path(name)) for name in ids]

    def list(self, tenant: str) -> list[VideoAnswer]:
        """List the videos of a tenant, oldest first."""
        query = (
            select(UPLOADS)
            .where(UPLOADS.c.tenant == tenant, UPLOADS.c.expires > time.time())
            .order_by(UPLOADS.c.created)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [VideoAnswer(**row) for row in rows]

    def has(self, tenant: str, name: str) -> bool:
        """Whether a tenant has a video of that name."""
        return any(upload.id == name for upload in self.list(tenant))

    def keep(self, ids: Iterable[str], seconds: float) -> None:
        """Have videos deleted after so many seconds from now."""
        with self._engine.begin() as connection:
            connection.execute(
                update(UPLOADS)
                .where(UPLOADS.c.id.in_(list(ids)))
                .values(expires=time.time() + seconds)
            )

    def remove(self, tenant: str, name: str) -> bool:
        """Delete a video now; False if the tenant has none of that name."""
        matches = (UPLOADS.c.id == name) & (UPLOADS.c.tenant == tenant)
        with self._engine.begin() as connection:
            removed = connection.execute(delete(UPLOADS).where(matches)).rowcount
        if removed:
            self._path(name).unlink(missing_ok=True)
        return bool(removed)

    def sweep(self, used: Iterable[str]) -> int:
        """Delete videos whose time is over and that no job uses, and files nobody knows."""
        now, busy = time.time(), set(used)
        with self._engine.begin() as connection:
            rows = connection.execute(select(UPLOADS.c.id, UPLOADS.c.expires)).all()
            over = [name for name, expires in rows if expires < now and name not in busy]
            if over:
                connection.execute(delete(UPLOADS).where(UPLOADS.c.id.in_(over)))
        known = {name for name, _ in rows} - set(over)
        for path in self._folder.iterdir():
            # a file that is being received is in no row yet
            if path.name in over or (
                path.name not in known and path.stat().st_mtime < now - self._patience
            ):
                path.unlink(missing_ok=True)
        return len(over)

    def _encrypting(self, stored: BinaryIO, name: str) -> EncryptedWriter:
        assert self._key is not None
        return EncryptedWriter(stored, self._key, *upload_place(name))

    def _remember(self, tenant: str, upload: VideoAnswer, now: float) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                insert(UPLOADS).values(tenant=tenant, created=now, **upload.model_dump())
            )

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _too_large(self, size: int) -> ProblemError:
        return ProblemError(
            413,
            "too-large",
            "The video is too large.",
            expected=f"at most {self._limit} bytes",
            actual=f"{size} bytes or more",
            hint="send a shorter part of it",
        )

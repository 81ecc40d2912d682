"""Where a gallery's rows live: safe transactions on one SQLite file, or on PostgreSQL by URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, StaticPool, create_engine, event

from gaitproof.errors import GalleryError
from gaitproof.verify import changes, schema, sealing
from gaitproof.verify.encryption import Key
from gaitproof.verify.postgres import PostgresStorage, parse_url
from gaitproof.verify.sqlite import SQLiteStorage
from gaitproof.verify.templates import Recording

T = TypeVar("T")


class MemoryStorage:
    """Rows in a SQLite database of this process; for one thread.

    Parameters
    ----------
    location
        What messages call it: the gallery whose people these are.
    software
        Stamped on it.
    people
        Recordings by name.
    """

    key: Key | None = None
    beside: Path | None = None
    erasure_note = "Nothing is left of it when its process ends."

    def __init__(
        self, location: str, software: str, people: Mapping[str, Iterable[Recording]]
    ) -> None:
        self.location = location
        self._engine = create_engine("sqlite://", poolclass=StaticPool)

        # as in a file: who is removed goes with all rows
        @event.listens_for(self._engine, "connect")
        def _(connection: object, record: object) -> None:
            connection.execute("PRAGMA foreign_keys = ON")  # type: ignore[attr-defined]

        with self._engine.begin() as connection:
            schema.create(connection, software)
            sealing.start(connection, None)
            for name, recordings in people.items():
                changes.add(connection, name, tuple(recordings))

    def exists(self) -> bool:
        """Return True."""
        return True

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the present state."""
        return self.write(work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""
        with self._engine.begin() as connection:
            sealing.use_key(connection, None, repr(self.location))
            return work(connection)

    def check_writable(self) -> None:
        """Do nothing: it always is."""

    def erase_deleted(self) -> bool:
        """Return True: nothing is on a disk."""
        return True


_URL: Final = re.compile(r"^[a-z][a-z0-9+_]*://")


Storage = SQLiteStorage | PostgresStorage | MemoryStorage
"""Transactions on the tables of `gaitproof.verify.schema`, decrypted with a `key`: `read` runs work
on one consistent state, `write` in one transaction that happens as a whole or not at all. Files
derived from it may lie `beside` it, and `erase_deleted` overwrites what was deleted.
"""


def open_storage(
    where: str | Path, software: str, *, make_folder: bool = False, key: Key | None = None
) -> Storage:
    """Choose the storage for a path or URL.

    Raises
    ------
    GalleryError
        If the URL is malformed.
    DependencyError
        If the database driver of the URL is not installed.
    """
    text = str(where)
    if not _URL.match(text):
        return SQLiteStorage(Path(where), software, make_folder=make_folder, key=key)
    url = parse_url(text)
    backend = url.get_backend_name()
    if backend == "postgresql":
        return PostgresStorage(url, software, key)
    if backend != "sqlite":
        raise GalleryError(
            f"There are no galleries on {backend!r}.", expected="a file, or a postgresql:// URL"
        )
    if not url.database or url.database == ":memory:":
        raise GalleryError("A gallery needs a file.", expected="sqlite:///path/to/gallery.db")
    return SQLiteStorage(Path(url.database), software, make_folder=make_folder, key=key)

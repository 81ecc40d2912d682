"""A gallery that exists in memory only: some people of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, StaticPool, create_engine, event

from gaitproof.verify import changes, schema, sealing
from gaitproof.verify.encryption import Key
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

"""Where a gallery's rows live: safe transactions on one SQLite file, or on a database by URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gaitproof.errors import DependencyError, GalleryError
from gaitproof.verify import schema
from gaitproof.verify.database_errors import translated, wrong_version
from gaitproof.verify.sqlite import SQLiteStorage

T = TypeVar("T")

_URL: Final = re.compile(r"^[a-z][a-z0-9+_]*://")


class Storage(Protocol):
    """Transactions on the tables of `gaitproof.verify.schema`."""

    @property
    def location(self) -> str:
        """The path or URL for people, without a password."""
        ...

    def exists(self) -> bool:
        """Whether the gallery has been created; raises if it is not a usable gallery."""
        ...

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent state."""
        ...

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction that happens as a whole or not at all."""
        ...

    def check_writable(self) -> None:
        """Raise GalleryError if nothing could be written; changes nothing."""
        ...

    def erase_deleted(self) -> bool:
        """Overwrite what was deleted; False if another process keeps it alive for now."""
        ...


def open_storage(where: str | Path, software: str, *, make_folder: bool = False) -> Storage:
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
        return SQLiteStorage(Path(where), software, make_folder=make_folder)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise GalleryError("The gallery URL is malformed.", actual=str(error)) from error
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise GalleryError("A gallery needs a file.", expected="sqlite:///path/to/gallery.db")
        return SQLiteStorage(Path(url.database), software, make_folder=make_folder)
    try:
        engine = create_engine(url, poolclass=NullPool, isolation_level="SERIALIZABLE")
    except (ImportError, NoSuchModuleError) as error:
        raise DependencyError(
            f"The driver for {url.drivername!r} galleries is not installed.",
            actual=str(error),
            hint="pip install 'psycopg[binary]' and a postgresql+psycopg:// URL",
        ) from error
    return ServerStorage(engine, url.render_as_string(hide_password=True), software)


class ServerStorage:
    """A database server reached by URL, with serialisable transactions."""

    def __init__(self, engine: Engine, location: str, software: str) -> None:
        self._engine = engine
        self._location = location
        self._software = software

    @property
    def location(self) -> str:
        """The URL without its password."""
        return self._location

    def exists(self) -> bool:
        """Whether the tables are there; raises GalleryError if they are of another version."""
        with translated(self._location), self._engine.connect() as connection:
            if not inspect(connection).has_table(schema.meta.name):
                return False
            version = schema.read_version(connection)
        if version not in {str(known) for known in schema.READABLE_VERSIONS}:
            raise wrong_version(self._location, str(version))
        return True

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""
        if not self.exists():
            raise GalleryError(f"There is no gallery at {self._location}.")
        with translated(self._location), self._engine.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; creates the tables, or upgrades older ones."""
        fresh = not self.exists()
        with translated(self._location), self._engine.begin() as connection:
            if fresh:
                schema.create(connection, self._software)
            else:
                schema.upgrade(connection)
            return work(connection)

    def check_writable(self) -> None:
        """Do nothing: the server decides when it is written to."""
        self.exists()

    def erase_deleted(self) -> bool:
        """Report False: the server's own vacuum decides when deleted rows are overwritten."""
        return False

"""Where a gallery's rows live: safe transactions on one SQLite file, or on a database by URL."""

from __future__ import annotations

import os
import re
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gaitproof.errors import DependencyError, GalleryError
from gaitproof.verify import schema

T = TypeVar("T")

BUSY_SECONDS: Final = 30.0
"""How long a writer waits for other writers before it gives up."""

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER: Final = 100
"""Bytes of the SQLite file header; user version at 60, application id at 68, both big-endian
(sqlite.org/fileformat2.html, section 1.3)."""

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


class SQLiteStorage:
    """One SQLite file in WAL mode.

    Every call opens its own connection and closes it again, so that an instance can be shared by
    threads and survives a fork. The file comes into being as a whole with its first rows: it is
    written under a temporary name and linked into place, so no half-made gallery is ever seen.
    """

    def __init__(self, path: Path, software: str, *, make_folder: bool = False) -> None:
        self.path = path
        self._software = software
        self._make_folder = make_folder

    @property
    def location(self) -> str:
        """The path as given."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file is there; raises GalleryError if it is not a gallery of this version."""
        name = repr(str(self.path))
        try:
            if self.path.is_dir():
                raise GalleryError(f"{name} is a folder.", expected="a gallery file")
            if not self.path.exists():
                return False
            if not self.path.is_file():
                raise GalleryError(f"{name} is not a regular file.", expected="a gallery file")
            with self.path.open("rb") as file:
                header = file.read(_HEADER)
        except (OSError, ValueError) as error:
            raise GalleryError(f"The gallery {name} cannot be read.", actual=str(error)) from error
        if len(header) < _HEADER or not header.startswith(_MAGIC):
            raise GalleryError(
                f"{name} is not a gallery.",
                expected="a SQLite file made by 'gaitproof enroll'",
                actual="an empty file" if not header else "another kind of file",
            )
        # read from the bytes: even opening somebody else's database could leave files beside it
        (version,) = struct.unpack_from(">I", header, 60)
        (application,) = struct.unpack_from(">I", header, 68)
        if application != schema.APPLICATION_ID:
            raise GalleryError(
                f"{name} is not a gallery.",
                expected="a SQLite file made by 'gaitproof enroll'",
                actual="a SQLite database of another program",
            )
        if version not in schema.READABLE_VERSIONS:
            raise _wrong_version(name, str(version))
        return True

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent state; the file may be read-only."""
        name = repr(self.location)
        if not self.exists():
            raise GalleryError(
                f"There is no gallery {name}.", hint="make one with 'gaitproof enroll NAME VIDEO'"
            )
        writable = os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        mode = "mode=rw" if writable else self._read_only_mode()
        with _translated(name), _connected(_sqlite_engine(self.path, mode, "BEGIN")) as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one immediate transaction; creates the file, or upgrades an older one."""
        name = repr(self.location)
        if not self.exists():
            made = self._create(work)
            if made is not None:
                return made[0]
            # another process was first: its file must be a gallery as well
        self.check_writable()
        with (
            _translated(name),
            _connected(_sqlite_engine(self.path, "mode=rw", "BEGIN IMMEDIATE")) as connection,
        ):
            schema.upgrade(connection)
            return work(connection)

    def check_writable(self) -> None:
        """Raise GalleryError if the file, or the folder it would be made in, is read-only."""
        folder = self.path.parent
        while self._make_folder and not folder.exists():
            folder = folder.parent
        if self.exists():
            for place in (self.path, folder):
                if not os.access(place, os.W_OK):
                    raise _read_only(repr(self.location), str(place))
        elif not folder.is_dir():
            raise GalleryError(
                f"The folder {str(folder)!r} of the gallery does not exist.",
                hint="create it first",
            )
        elif not os.access(folder, os.W_OK):
            raise _read_only(repr(self.location), str(folder))

    def erase_deleted(self) -> bool:
        """Rebuild the file without its free pages and empty the write-ahead log.

        Returns
        -------
        bool
            False if another process is reading an older state for longer than `BUSY_SECONDS`, or
            the disk has no room for the rebuilt file. The freed pages are overwritten all the
            same when the last process closes the gallery, since SQLite empties the log then.
        """
        name = repr(self.location)
        with _translated(name):
            connection = _sqlite_connection(self.path, "mode=rw")
            try:
                connection.execute("VACUUM")
                deadline = time.monotonic() + BUSY_SECONDS
                while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(0.05)
                return True
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_FULL")):
                    return False
                raise
            finally:
                connection.close()

    def _read_only_mode(self) -> str:
        log = self.path.with_name(self.path.name + "-wal")
        if log.exists() and log.stat().st_size:
            return "mode=ro"
        # without a log there is nothing to recover, and SQLite needs no files beside this one
        return "mode=ro&immutable=1"

    def _create(self, work: Callable[[Connection], T]) -> tuple[T] | None:
        """Make the file with its first rows; None if another process was first."""
        self.check_writable()
        name = repr(self.location)
        try:
            if self._make_folder:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(
                prefix=".gallery-", suffix=".tmp", dir=self.path.parent
            )
        except OSError as error:
            raise GalleryError(
                f"The gallery {name} cannot be made.", actual=error.strerror or str(error)
            ) from error
        os.close(handle)
        draft = Path(temporary)
        try:
            with _translated(name):
                engine = _sqlite_engine(draft, "mode=rw", "BEGIN IMMEDIATE")
                with _connected(engine) as connection:
                    schema.create(connection, self._software)
                    result = work(connection)
                switch = _sqlite_connection(draft, "mode=rw")
                try:
                    switch.execute("PRAGMA journal_mode = WAL")
                finally:
                    switch.close()
            try:
                os.link(draft, self.path)
            except FileExistsError:
                return None
            except OSError:  # a file system without hard links
                if self.path.exists():
                    return None
                draft.replace(self.path)
            _sync_folder(self.path.parent)
            return (result,)
        except OSError as error:
            raise GalleryError(
                f"The gallery {name} cannot be made.", actual=error.strerror or str(error)
            ) from error
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):
                with suppress(OSError):
                    Path(temporary + suffix).unlink(missing_ok=True)


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
        with _translated(self._location), self._engine.connect() as connection:
            if not inspect(connection).has_table(schema.meta.name):
                return False
            version = schema.read_version(connection)
        if version not in {str(known) for known in schema.READABLE_VERSIONS}:
            raise _wrong_version(self._location, str(version))
        return True

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""
        if not self.exists():
            raise GalleryError(f"There is no gallery at {self._location}.")
        with _translated(self._location), self._engine.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; creates the tables, or upgrades older ones."""
        fresh = not self.exists()
        with _translated(self._location), self._engine.begin() as connection:
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


def _sqlite_connection(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # a committed template must survive a power cut, a removed one must not survive anywhere
        for pragma in (
            "foreign_keys = ON",
            "synchronous = FULL",
            "secure_delete = ON",
            "temp_store = MEMORY",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _sqlite_engine(path: Path, mode: str, begin: str) -> Engine:
    engine = create_engine(
        "sqlite://", creator=lambda: _sqlite_connection(path, mode), poolclass=NullPool
    )

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "begin", start)
    return engine


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn every database error into one clear GalleryError."""
    try:
        yield
    except DBAPIError as error:
        raise _explain(name, error.orig) from error
    except sqlite3.Error as error:
        raise _explain(name, error) from error


def _explain(name: str, error: Any) -> GalleryError:
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_READONLY"):
        return _read_only(name, "the file")
    if code.startswith("SQLITE_BUSY"):
        return GalleryError(
            f"The gallery {name} is busy.",
            actual=f"another process has been writing for {BUSY_SECONDS:g} s",
            hint="again when it has finished",
        )
    if code == "SQLITE_FULL" or code.startswith("SQLITE_IOERR"):
        return GalleryError(
            f"The gallery {name} could not be written or read; it is unchanged.",
            actual=f"the disk is full or failing ({error})",
            hint="free disk space",
        )
    if code.startswith("SQLITE_CANTOPEN"):
        return GalleryError(
            f"The gallery {name} cannot be opened.",
            actual=str(error),
            hint="check that the file and its folder may be read and written; a gallery with "
            "unfinished writes must be opened once where it can be written",
        )
    if code.startswith("SQLITE_CORRUPT") or code == "SQLITE_NOTADB":
        return GalleryError(
            f"The gallery {name} is damaged.", actual=str(error), hint="restore it from a backup"
        )
    return GalleryError(f"The gallery {name} cannot be used.", actual=str(error))


def _read_only(name: str, place: str) -> GalleryError:
    return GalleryError(
        f"The gallery {name} is read-only.",
        actual=f"{place} cannot be written",
        hint="a gallery in a folder of your own; a read-only one can still be verified against",
    )


def _wrong_version(name: str, found: str) -> GalleryError:
    return GalleryError(
        f"{name} is a gallery of another version.",
        expected="version " + " or ".join(map(str, schema.READABLE_VERSIONS)),
        actual=f"version {found}",
        hint="the gaitproof release that made it, and its 'gallery export'",
    )


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

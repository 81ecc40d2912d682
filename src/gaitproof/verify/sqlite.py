"""A gallery in one SQLite file, which may come from anybody."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection

from gaitproof.errors import GalleryError
from gaitproof.media.drafts import draft_folder, sweep, sync_folder
from gaitproof.verify import connections, schema, sealing
from gaitproof.verify.connections import connect, connect_copy, file_uri, transaction
from gaitproof.verify.database_errors import (
    damaged,
    lacks_room,
    read_only,
    translated,
    wrong_version,
)
from gaitproof.verify.directions import remove_directions
from gaitproof.verify.encryption import Key

T = TypeVar("T")

_NAMES_ANOTHER: Final = bytes.fromhex("d9d505f920a163d7")
"""At the end of a rollback journal that names another file, which SQLite would delete
(sqlite.org/src, `readSuperJournal`)."""


class SQLiteStorage:
    """One SQLite file in WAL mode.

    Every call opens its own connection and closes it again, so that an instance can be shared by
    threads and survives a fork. The file comes into being as a whole with its first rows: it is
    written as a draft and linked into place, so no half-made gallery is ever seen. Drafts that
    killed processes left are removed when the next storage is made for the same folder.
    """

    def __init__(
        self, path: Path, software: str, *, make_folder: bool = False, key: Key | None = None
    ) -> None:
        self.path = path
        self.key = key
        self._software = software
        self._make_folder = make_folder
        self._known: tuple[int, ...] = ()
        """Of the file whose header was last found to be that of a gallery."""
        sweep(path.parent)

    @property
    def location(self) -> str:
        """The path as given."""
        return str(self.path)

    @property
    def beside(self) -> Path | None:
        """The gallery; None if it is encrypted: nothing that is derived may be plain."""
        return self.path if self.key is None else None

    @property
    def erasure_note(self) -> str:
        """Why deleted bytes may still be there."""
        return (
            "The old bytes could not be overwritten yet: another process is reading the gallery, "
            "or the disk is full. They go when the last process closes it."
        )

    def exists(self) -> bool:
        """Whether the file is there; raises GalleryError if it is not a gallery of this version."""
        name = repr(self.location)
        try:
            if self.path.is_dir():
                raise GalleryError(f"{name} is a folder.", expected="a gallery file")
            if not self.path.exists():
                return False
            if not self.path.is_file():
                raise GalleryError(f"{name} is not a regular file.", expected="a gallery file")
            status = self.path.stat()
            _check_journal(self.path)
        except (OSError, ValueError) as error:
            raise GalleryError(f"The gallery {name} cannot be read.", actual=str(error)) from error
        size = status.st_size
        state = (status.st_dev, status.st_ino, size, status.st_mtime_ns, status.st_ctime_ns)
        if state == self._known:
            return True
        application, version = self._marks() if size else (None, 0)
        if application != schema.APPLICATION_ID:
            raise GalleryError(
                f"{name} is not a gallery.",
                expected="a SQLite file made by 'gaitproof enroll'",
                actual="an empty file"
                if not size
                else "another kind of file"
                if application is None
                else "a SQLite database of another program",
            )
        if version not in schema.READABLE_VERSIONS:
            raise wrong_version(name, str(version))
        self._known = state
        return True

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent state; the file or its folder may be read-only or full."""
        name = repr(self.location)
        if not self.exists():
            raise GalleryError(
                f"There is no gallery {name}.", hint="make one with 'gaitproof enroll NAME VIDEO'"
            )
        ways = self._ways_to_read()
        for way in ways:
            try:
                with translated(name), transaction(way, "BEGIN") as connection:
                    schema.check_layout(connection, name)
                    sealing.use_key(connection, self.key, name)
                    return work(connection)
            except GalleryError as error:
                if way is ways[-1] or not lacks_room(error):
                    raise
        raise AssertionError("there is no way to read")

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one immediate transaction; creates the file, or upgrades an older one."""
        name = repr(self.location)
        if not self.exists():
            created = self._create(work)
            if created is not None:
                return created[0]
            # another process was first: its file must be a gallery as well
        self.check_writable()
        with translated(name), _writing(self.path) as connection:
            schema.check_layout(connection, name)
            sealing.use_key(connection, self.key, name)
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
                    raise read_only(repr(self.location), str(place))
        elif not folder.is_dir():
            raise GalleryError(
                f"The folder {str(folder)!r} of the gallery does not exist.",
                hint="create it first",
            )
        elif not os.access(folder, os.W_OK):
            raise read_only(repr(self.location), str(folder))

    def erase_deleted(self) -> bool:
        """Rebuild the file without its free pages and empty the write-ahead log.

        Returns
        -------
        bool
            False if another process is reading an older state for longer than a writer waits, or
            the disk has no room for the rebuilt file. The freed pages are overwritten all the
            same when the last process closes the gallery, since SQLite empties the log then.

        Raises
        ------
        GalleryError
            If the file is damaged: rebuilding could then take any amount of memory.
        """
        name = repr(self.location)
        remove_directions(self.path)
        with translated(name), closing(connect(self.path, "mode=rw")) as connection:
            try:
                (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if state != "ok":
                    raise damaged(name, state)
                connection.execute("VACUUM")
                deadline = time.monotonic() + connections.BUSY_SECONDS
                while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(0.05)
                return True
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_FULL")):
                    return False
                raise

    def _marks(self) -> tuple[int | None, int]:
        """Return application and version from the header; no application if it is no database.

        Read by SQLite, since to open and close the file here would end the locks that other
        threads hold on it; as immutable, so that nothing comes to lie beside a foreign database.
        """
        with translated(repr(self.location)):
            connection = sqlite3.connect(file_uri(self.path, "mode=ro&immutable=1"), uri=True)
            with closing(connection):
                # then a file that is shorter than its header says will do, as on a full disk: its
                # end is still in the log
                connection.execute("PRAGMA writable_schema = ON")
                try:
                    (application,) = connection.execute("PRAGMA application_id").fetchone()
                    (version,) = connection.execute("PRAGMA user_version").fetchone()
                except sqlite3.DatabaseError as error:
                    if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
                        return None, 0
                    raise
        return application, version

    def _ways_to_read(self) -> list[Callable[[], sqlite3.Connection]]:
        """Return the ways in the order in which they are tried."""

        def way(mode: str, *pragmas: str) -> Callable[[], sqlite3.Connection]:
            return lambda: connect(self.path, mode, (*pragmas, "query_only = ON"))

        log = self.path.with_name(self.path.name + "-wal")
        unfinished = log.exists() and log.stat().st_size > 0
        # without a log there is nothing to recover, and SQLite needs no files beside this one
        last = (lambda: connect_copy(self.path)) if unfinished else way("mode=ro&immutable=1")
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            # first with the files of a process that is writing, if there is one
            return [way("mode=ro"), last]
        # with the file to itself, SQLite keeps the index of the log in memory: a full disk has no
        # room for it
        return [way("mode=rw"), way("mode=rw", "locking_mode = EXCLUSIVE"), last]

    def _create(self, work: Callable[[Connection], T]) -> tuple[T] | None:
        """Make the file with its first rows; None if another process was first."""
        self.check_writable()
        name = repr(self.location)
        try:
            if self._make_folder:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with draft_folder(self.path.parent) as folder:
                path = folder / self.path.name
                path.touch(0o600)  # for its owner only
                with translated(name):
                    with _writing(path) as connection:
                        schema.create(connection, self._software)
                        sealing.start(connection, self.key)
                        result = work(connection)
                    with closing(connect(path, "mode=rw")) as switch:
                        switch.execute("PRAGMA journal_mode = WAL")
                if not _move_into_place(path, self.path):
                    return None
            sync_folder(self.path.parent)
            return (result,)
        except OSError as error:
            raise GalleryError(
                f"The gallery {name} cannot be made.", actual=error.strerror or str(error)
            ) from error


def _writing(path: Path) -> AbstractContextManager[Connection]:
    return transaction(lambda: connect(path, "mode=rw"), "BEGIN IMMEDIATE")


def _move_into_place(path: Path, target: Path) -> bool:
    """Give a finished file its name; False if another process was first."""
    try:
        os.link(path, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if target.exists():
            return False
        path.replace(target)
    return True


def _check_journal(path: Path) -> None:
    """Refuse a rollback journal that would make SQLite delete a file of its author's choice."""
    journal = path.with_name(path.name + "-journal")
    if not journal.exists():
        return
    end = b""
    if journal.is_file():
        with journal.open("rb") as file:
            file.seek(-min(len(_NAMES_ANOTHER), journal.stat().st_size), os.SEEK_END)
            end = file.read(len(_NAMES_ANOTHER))
    if not journal.is_file() or end == _NAMES_ANOTHER:
        raise GalleryError(
            f"{str(journal)!r} is no journal of a gallery.",
            hint="restore the gallery from a backup, without this file",
        )

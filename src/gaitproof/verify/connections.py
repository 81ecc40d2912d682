"""Connections to SQLite files that may come from anybody.

What is done against a hostile file follows sqlite.org/security.html: nothing that the schema
declares is trusted, reading cannot write, sizes and times are bounded.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine, event

from gaitproof.errors import GalleryError
from gaitproof.reading import FileKind, guarded, read_bytes
from gaitproof.verify.database_errors import BACKUP
from gaitproof.verify.wal import apply_log

BUSY_SECONDS: Final = 30.0
"""How long a writer waits for other writers before it gives up."""

STATEMENT_SECONDS: Final = 20.0
"""Processor time of one statement; pages that point at each other can make a search endless."""

_STEPS_BETWEEN_LOOKS: Final = 10_000
"""Instructions of SQLite's machine between two looks at the clock, about 0.1 ms."""

MAX_ROW_BYTES: Final = 128 * 2**20
"""Of one row: a recording of 14 hours has 100 MB."""

LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_ROW_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 10,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 3,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 25_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 8,
    sqlite3.SQLITE_LIMIT_ATTACHED: 1,  # VACUUM attaches its copy
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 50,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
}
"""As sqlite.org/security.html recommends, but for long rows and a table's columns as variables."""

PRAGMAS: Final = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "automatic_index = OFF",  # it would be built in memory from rows that need not end
    # a committed template must survive a power cut, a removed one must not survive anywhere
    "foreign_keys = ON",
    "synchronous = FULL",
    "secure_delete = ON",
    "temp_store = MEMORY",
)

MAX_COPY_BYTES: Final = 2**28
"""Of a gallery that is copied to memory, since its log cannot be read where it lies."""

_LOG: Final = FileKind("write-ahead log of a gallery", GalleryError, 2**26, hint=BACKUP)


class _Guarded(sqlite3.Connection):
    """A connection that interrupts a statement which takes too long."""

    _begun = 0.0

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Start the clock again: every statement has a cursor of its own."""
        # processor time, so that neither a busy machine nor a suspended process counts
        self._begun = time.thread_time()
        return super().cursor(*arguments, **options)

    def harden(self, pragmas: tuple[str, ...], content: bytes | bytearray | None = None) -> Self:
        """Take in what is given, and set limits and pragmas; closed if that fails."""
        try:
            if content is not None:
                self.deserialize(content)
            for category, limit in LIMITS.items():
                self.setlimit(category, limit)
            self.set_progress_handler(self._overdue, _STEPS_BETWEEN_LOOKS)
            # text that is not UTF-8 becomes lone surrogates, which the validation of rows refuses
            self.text_factory = _decode
            for pragma in (*PRAGMAS, *pragmas):
                self.execute(f"PRAGMA {pragma}")
        except BaseException:
            self.close()
            raise
        return self

    def _overdue(self) -> bool:
        return time.thread_time() - self._begun > STATEMENT_SECONDS


def connect(path: Path, mode: str, pragmas: tuple[str, ...] = ()) -> sqlite3.Connection:
    """Open a file.

    Parameters
    ----------
    path
        The file; it exists.
    mode
        Query of its URI (sqlite.org/uri.html), as ``mode=rw``.
    pragmas
        In addition to `PRAGMAS`.
    """
    connection = sqlite3.connect(
        file_uri(path, mode), uri=True, timeout=BUSY_SECONDS, isolation_level=None, factory=_Guarded
    )
    return connection.harden(pragmas)


def connect_copy(path: Path) -> sqlite3.Connection:
    """Open a copy in memory of a file with its write-ahead log, where nothing may be written.

    Raises
    ------
    GalleryError
        If file or log are too large for that, or the log is damaged.
    """
    if path.stat().st_size > MAX_COPY_BYTES:
        raise GalleryError(
            f"The gallery {str(path)!r} has unfinished writes and is too large for a copy.",
            expected=f"at most {MAX_COPY_BYTES} bytes",
            hint="open it once where it can be written",
        )
    log = read_bytes(path.with_name(path.name + "-wal"), _LOG)
    with closing(sqlite3.connect(file_uri(path, "mode=ro&immutable=1"), uri=True)) as file:
        file.execute("PRAGMA writable_schema = ON")  # its end may be in the log
        database = file.serialize()
    with guarded(path, _LOG):
        merged = apply_log(database, log)
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=_Guarded)
    return connection.harden(("query_only = ON",), merged)


def file_uri(path: Path, mode: str) -> str:
    """Return the URI of a file for SQLite, whatever characters its name has."""
    return f"file:{quote(os.fsencode(path.absolute()))}?{mode}"


@contextmanager
def transaction(connect: Callable[[], sqlite3.Connection], begin: str) -> Iterator[Connection]:
    """Yield a transaction; it is committed at the end, or undone by an exception.

    Parameters
    ----------
    connect
        Opens the connection, which is closed at the end.
    begin
        The statement, as ``BEGIN IMMEDIATE``.
    """
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")

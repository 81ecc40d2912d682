"""A gallery on a PostgreSQL server.

The server is trusted, unlike a SQLite file: who may write there is its administrator's decision.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    QueuePool,
    create_engine,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gaitproof.errors import DependencyError, GalleryError
from gaitproof.verify import connections, schema, sealing
from gaitproof.verify.database_errors import read_only, translated, wrong_version
from gaitproof.verify.encryption import Key
from gaitproof.verify.pgvector import list_tables

T = TypeVar("T")

CONNECT_SECONDS: Final = "10"
"""How long a server is waited for, unless the URL says otherwise with ``connect_timeout``."""

_ENGINES: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()
"""Their connections belong to this process; a child leaves them alone."""

_META_TABLE: Final = text(
    "SELECT 1 FROM pg_catalog.pg_tables "
    f"WHERE schemaname = current_schema() AND tablename = '{schema.meta.name}'"
)
"""Asked of the catalogue's rows: ``to_regclass`` answers from a cache, which a wait for the lock
does not renew."""

_SECRET_OPTIONS: Final = ("password", "sslpassword")

_LOCK_CLASS: Final = schema.APPLICATION_ID
"""First half of the advisory lock that writers of one gallery take; the second is its schema."""


def parse_url(where: str) -> URL:
    """Read the URL of a database.

    Raises
    ------
    GalleryError
        If it is malformed.
    """
    try:
        return make_url(where)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise GalleryError("The gallery URL is malformed.", actual=str(error)) from error


class PostgresStorage:
    """Tables in the current schema of one database.

    One connection is kept for the next call, since to open one takes longer than most questions;
    threads at the same time have their own, and so has the child of a fork. Readers see one
    snapshot; writers follow one another, as on a SQLite file, so that no transaction fails because
    of another one.
    """

    def __init__(self, url: URL, software: str, key: Key | None = None) -> None:
        self.key = key
        shown = {k: v for k, v in url.query.items() if k not in _SECRET_OPTIONS}
        self._location = url.set(query=shown).render_as_string(hide_password=True)
        if url.drivername == "postgresql":  # whatever this release of SQLAlchemy takes it for
            url = url.set(drivername="postgresql+psycopg")
        url = url.update_query_dict({"connect_timeout": CONNECT_SECONDS} | dict(url.query))
        try:
            self._engine = create_engine(
                url,
                poolclass=QueuePool,
                pool_size=1,
                max_overflow=-1,
                pool_pre_ping=True,  # the server may have been restarted meanwhile
                use_native_hstore=False,  # one question less for every new connection
            )
        except (ImportError, NoSuchModuleError) as error:
            raise DependencyError(
                f"The driver for {url.drivername!r} galleries is not installed.",
                actual=str(error),
                hint="pip install 'gaitproof[postgres]' and a postgresql:// URL",
            ) from error
        self._software = software
        self._seen = False
        weakref.finalize(self, self._engine.dispose)
        _ENGINES.add(self._engine)

    @property
    def location(self) -> str:
        """The URL without its password."""
        return self._location

    @property
    def beside(self) -> None:
        """None: there is no file."""
        return None

    @property
    def erasure_note(self) -> str:
        """Why deleted bytes may still be there."""
        return (
            "The tables were rewritten without them if nobody was reading; the server's "
            "write-ahead log and its backups keep copies until they are overwritten."
        )

    def exists(self) -> bool:
        """Whether the tables are there; raises GalleryError if they are of another version."""
        if not self._seen:
            with translated(self._location), self._engine.connect() as connection:
                self._seen = self._is_gallery(connection)
        return self._seen

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot, which it cannot change."""
        with translated(self._location), self._engine.connect() as connection:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            if not self._is_gallery(connection):
                raise GalleryError(f"There is no gallery at {self._location}.")
            sealing.use_key(connection, self.key, repr(self._location))
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; creates the tables, or upgrades older ones."""
        with translated(self._location), self._engine.begin() as connection:
            _lock(connection)
            if self._is_gallery(connection):
                sealing.use_key(connection, self.key, repr(self._location))
                schema.upgrade(connection)
            else:
                schema.create(connection, self._software)
                sealing.start(connection, self.key)
            return work(connection)

    def check_writable(self) -> None:
        """Raise GalleryError if this user cannot write here, or the server is a standby."""
        with translated(self._location), self._engine.connect() as connection:
            if self._is_gallery(connection):
                allowed = func.has_table_privilege(schema.recordings.name, "INSERT, DELETE")
            else:
                allowed = func.has_schema_privilege(func.current_schema(), "CREATE")
            standby = func.pg_is_in_recovery()
            if connection.scalar(select(standby)) or not connection.scalar(select(allowed)):
                raise read_only(repr(self._location), "the database")

    def erase_deleted(self) -> bool:
        """Rewrite the tables without deleted rows; False, since the server's log keeps them.

        Gives up when other transactions use a table for longer than a writer waits.
        """
        with translated(self._location), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                _limit(connection, "SESSION")
                ours = [table.name for table in schema.metadata.sorted_tables]
                for name in (*ours, *list_tables(connection)):
                    connection.exec_driver_sql(f'VACUUM (FULL) "{name}"')
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != "55P03":
                    raise
            finally:
                connection.exec_driver_sql("RESET lock_timeout")  # the connection is kept
        return False

    def _is_gallery(self, connection: Connection) -> bool:
        if connection.scalar(_META_TABLE) is None:
            return False
        version = schema.read_version(connection)
        if version not in {str(known) for known in schema.READABLE_VERSIONS}:
            raise wrong_version(self._location, str(version))
        return True


def _forget_connections() -> None:
    for engine in _ENGINES:
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_connections)


def _lock(connection: Connection) -> None:
    """Let one writer in after another, the one who creates the tables included.

    The statements of such a transaction see what the writer before it has committed, since it
    reads committed rows and not a snapshot from before the lock.
    """
    _limit(connection, "LOCAL")
    here = func.hashtext(func.current_schema())
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK_CLASS, here)))


def _limit(connection: Connection, scope: str) -> None:
    milliseconds = round(connections.BUSY_SECONDS * 1000)
    connection.execute(text(f"SET {scope} lock_timeout = {milliseconds}"))

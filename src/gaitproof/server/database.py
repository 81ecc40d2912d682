"""Tables of the service: keys, sessions, uploads, the audit log."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.schema import CreateSchema

from gaitproof.server.settings import schema_of

METADATA: Final = MetaData()

KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(32), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("label", String(100), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("revoked", Float),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("key", String(16), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("expires", Float, nullable=False),
)

UPLOADS: Final = Table(
    "uploads",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(32), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)


def open_database(url: str) -> Engine:
    """Connect to the database of the service and make the tables that are missing.

    Parameters
    ----------
    url
        Of SQLAlchemy.
    """
    parsed = make_url(url)
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    METADATA.create_all(engine)
    return engine


class ErasingConnection(sqlite3.Connection):
    """A connection that overwrites what it deletes, for engines that others make."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute("PRAGMA secure_delete = ON")


def make_room(engine: Engine, tenant: str) -> None:
    """Make the schema for a tenant's gallery, if the database is PostgreSQL."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(CreateSchema(schema_of(tenant), if_not_exists=True))


def _prepare_sqlite(connection: object, _: object) -> None:
    # transactions are begun by the listener above, which the driver would do too late
    connection.isolation_level = None  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "busy_timeout = 30000",
    ):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

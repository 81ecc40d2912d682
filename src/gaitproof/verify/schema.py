"""The tables of a gallery."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    null,
    select,
    update,
)

SCHEMA_VERSION: Final = 2
"""Raised by every change of the tables. Version 2 added the profiles of recordings."""

READABLE_VERSIONS: Final = (1, SCHEMA_VERSION)
"""A gallery of any other version is refused; older ones are upgraded when they are written to."""

APPLICATION_ID: Final = 0x47507266
"""``GPrf`` in the header of the SQLite file: tells a gallery from any other database."""

_VERSION_KEY: Final = "schema_version"

metadata: Final = MetaData()

meta: Final = Table(
    "meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

identities: Final = Table(
    "identities",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(400), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("created", String(40), nullable=False),
)

recordings: Final = Table(
    "recordings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity_id", ForeignKey("identities.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("estimator", String(200), nullable=False),
    Column("windows", Integer, nullable=False),
    Column("quality", Text, nullable=False),
    Column("created", String(40), nullable=False),
    Column("embeddings", LargeBinary, nullable=False),
    Column("profile", LargeBinary),
    UniqueConstraint("identity_id", "sha256", "model_id", "estimator"),
)

templates: Final = Table(
    "templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(16), nullable=False),
    Column("identity_id", ForeignKey("identities.id", ondelete="CASCADE"), nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("estimator", String(200), nullable=False),
    Column("recordings", Integer, nullable=False),
    Column("windows", Integer, nullable=False),
    Column("created", String(40), nullable=False),
    Column("superseded", String(40)),
    Column("vector", LargeBinary, nullable=False),
)

template_recordings: Final = Table(
    "template_recordings",
    metadata,
    Column("template_id", ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True),
    Column("recording_id", ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
)


def create(connection: Connection, software: str) -> None:
    """Create the tables of an empty gallery and stamp it with its version."""
    metadata.create_all(connection)
    connection.execute(
        insert(meta),
        [
            {"key": "format", "value": "gaitproof-gallery"},
            {"key": _VERSION_KEY, "value": str(SCHEMA_VERSION)},
            {"key": "software", "value": software},
        ],
    )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def read_version(connection: Connection) -> str | None:
    """Return the version that a gallery is stamped with, or None."""
    stamp: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == _VERSION_KEY))
    return stamp


def upgrade(connection: Connection) -> None:
    """Bring a gallery of an earlier version up to date, inside the caller's transaction.

    Recordings of version 1 have no profile; nothing else changes.
    """
    if read_version(connection) != "1":
        return
    column = recordings.c.profile
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {recordings.name} ADD COLUMN {column.name} {kind}")
    connection.execute(
        update(meta).where(meta.c.key == _VERSION_KEY).values(value=str(SCHEMA_VERSION))
    )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def select_recordings(connection: Connection) -> Select[Any]:
    """Select whole recordings, also from a gallery that cannot be upgraded since it is read."""
    if read_version(connection) != "1":
        return select(recordings)
    old = [column for column in recordings.c if column is not recordings.c.profile]
    return select(*old, null().label("profile")).select_from(recordings)

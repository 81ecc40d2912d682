"""The tables of a gallery."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
)

SCHEMA_VERSION: Final = 1
"""Raised by every change of the tables; a gallery of another version is refused."""

APPLICATION_ID: Final = 0x47507266
"""``GPrf`` in the header of the SQLite file: tells a gallery from any other database."""

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
            {"key": "schema_version", "value": str(SCHEMA_VERSION)},
            {"key": "software", "value": software},
        ],
    )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")

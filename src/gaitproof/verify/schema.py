"""The tables of a gallery."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
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
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from gaitproof.errors import GalleryError

SCHEMA_VERSION: Final = 5
"""Raised by every change of the tables. Version 2 added the profiles of recordings, version 3 the
people of reference footage, version 4 how both were filmed, version 5 the faces of enrolled
people."""

READABLE_VERSIONS: Final = (1, 2, 3, 4, SCHEMA_VERSION)
"""A gallery of any other version is refused; older ones are upgraded when they are written to."""

APPLICATION_ID: Final = 0x47507266
"""``GPrf`` in the header of the SQLite file: tells a gallery from any other database."""

_VERSION_KEY: Final = "schema_version"

_MAX_ENTRIES: Final = 50
"""Entries of a schema that are looked at; a gallery has thirteen."""


class _Bytes(LargeBinary):
    """Bytes that SQLite returns as they are stored, to be validated.

    SQLAlchemy calls ``bytes()`` on what it reads, and a number in the column makes that allocate
    as many bytes.
    """

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return no conversion for SQLite."""
        if dialect.name == "sqlite":
            return None
        return super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]


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
    # SQLite minds no length; a name of 100 ligatures has a key of 1800 characters
    Column("key", String(400).with_variant(Text, "postgresql"), nullable=False, unique=True),
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
    Column("embeddings", _Bytes, nullable=False),
    Column("profile", _Bytes),
    Column("domain", String(700)),
    Column("filming", Text),
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
    Column("vector", _Bytes, nullable=False),
)

template_recordings: Final = Table(
    "template_recordings",
    metadata,
    Column("template_id", ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True),
    Column("recording_id", ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
)


reference_people: Final = Table(
    "reference_people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("footage", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("person", Integer, nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("estimator", String(200), nullable=False),
    Column("windows", Integer, nullable=False),
    Column("created", String(40), nullable=False),
    Column("vector", _Bytes, nullable=False),
    Column("filming", Text),
    UniqueConstraint("footage", "sha256", "person", "model_id", "estimator"),
)
"""People of reference footage: nobody's name, no path, one direction each."""

face_references: Final = Table(
    "face_references",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity_id", ForeignKey("identities.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("domain", String(700)),
    Column("created", String(40), nullable=False),
    Column("scores", _Bytes, nullable=False),
    UniqueConstraint("identity_id", "sha256", "model_id"),
)
"""What face models make of enrolled videos, and how these were filmed: numbers, no image."""

_TABLES_SINCE: Final = {reference_people: 3, face_references: 5}
"""Tables that came later, with the version that added them."""

_ADDED: Final = {
    recordings.c.profile: 2,
    recordings.c.domain: 4,
    recordings.c.filming: 4,
    reference_people.c.filming: 4,
}
"""Columns that came later, in their order, with the version that added them."""


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


def check_layout(connection: Connection, name: str) -> None:
    """Compare all that a SQLite file declares with the tables of its version.

    This comes before any other query, since a table may be a view in disguise that never ends, and
    a trigger runs what a stranger wrote.

    Raises
    ------
    GalleryError
        If anything is missing, is spare or differs.
    """
    version: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    entries = connection.exec_driver_sql(
        f"SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT {_MAX_ENTRIES}"
    ).all()
    tables: dict[str, str] = {}
    odd = []
    for kind, entry, table, sql in entries:
        if kind == "table" and isinstance(sql, str) and entry == table:
            tables[entry] = _normal(sql)
        elif kind != "index" or sql is not None or table not in metadata.tables:
            odd.append(f"{kind} {entry!r:.100}")
    expected = _layouts().get(version, {})
    if odd or tables != expected:
        odd += [f"table {t!r:.100}" for t in tables.keys() ^ expected.keys()]
        odd += [f"columns of {t!r}" for t in expected if tables.get(t, expected[t]) != expected[t]]
        raise GalleryError(
            f"The gallery {name} is not laid out as a gallery of version {version}.",
            expected=f"the tables {', '.join(metadata.tables)} and nothing else",
            actual="missing or different: " + ", ".join(sorted(odd)[:5]),
            hint="restore it from a backup; do not trust a file that somebody else changed",
        )


@cache
def _layouts() -> dict[int, dict[str, str]]:
    """Return, for each version, the statements that created its tables."""
    new = {
        name: _normal(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        for name, table in metadata.tables.items()
    }
    # SQLite adds the column of an upgrade where it stands in a new table
    third = {
        name: sql.replace("domain VARCHAR(700),", "").replace("filming TEXT,", "")
        for name, sql in new.items()
    }
    first = {name: sql.replace("profile BLOB,", "") for name, sql in third.items()}
    since = {table.name: number for table, number in _TABLES_SINCE.items()}
    return {
        version: {name: sql for name, sql in layout.items() if since.get(name, 1) <= version}
        for version, layout in {1: first, 2: third, 3: third, 4: new, 5: new}.items()
    }


@lru_cache(maxsize=64)
def _normal(sql: str) -> str:
    """Return a statement without the freedom of spaces and quotes around names."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.replace('"', "").split()))


def read_version(connection: Connection) -> str | None:
    """Return the version that a gallery is stamped with, or None."""
    return connection.scalar(select(meta.c.value).where(meta.c.key == _VERSION_KEY))


def upgrade(connection: Connection) -> None:
    """Bring a gallery of an earlier version up to date, inside the caller's transaction.

    See `gaitproof.verify.migrations`. What is there stays as it is.
    """
    version = _read_number(connection)
    if version == SCHEMA_VERSION:
        return
    from gaitproof.verify import migrations

    migrations.run(connection, version, SCHEMA_VERSION)
    connection.execute(
        update(meta).where(meta.c.key == _VERSION_KEY).values(value=str(SCHEMA_VERSION))
    )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def has_table(connection: Connection, table: Table) -> bool:
    """Whether a gallery, which may be of an earlier version, has a table that came later."""
    return _read_number(connection) >= _TABLES_SINCE[table]


def knows_filming(connection: Connection) -> bool:
    """Whether a gallery, which may be of an earlier version, knows how people were filmed."""
    return _read_number(connection) >= _ADDED[recordings.c.filming]


def select_whole(connection: Connection, table: Table, names: Iterable[str] = ()) -> Select[Any]:
    """Select whole rows, or some columns, also from a gallery that is read and not upgraded."""
    version = _read_number(connection)
    columns = [
        column if _ADDED.get(column, 0) <= version else null().label(column.name)
        for column in (table.c[name] for name in (tuple(names) or table.c.keys()))
    ]
    return select(*columns).select_from(table)


def _read_number(connection: Connection) -> int:
    stamp = read_version(connection)
    for version in READABLE_VERSIONS:
        if stamp == str(version):
            return version
    raise GalleryError(
        "The gallery's version cannot be read.",
        expected=" or ".join(map(str, READABLE_VERSIONS)),
        actual=f"{stamp!r:.40}",
        hint="restore it from a backup; do not trust a file that somebody else changed",
    )

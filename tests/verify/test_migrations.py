"""Galleries of every version end with the same tables, whichever way they went."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from scripted import make_recording
from sqlalchemy import NullPool, create_engine, event, make_url, text

from gaitproof.errors import GalleryError
from gaitproof.verify import migrations, schema
from gaitproof.verify.gallery import Gallery

MAKERS = ("model-1", "pose-1")
VERSIONS = schema.READABLE_VERSIONS


@pytest.fixture
def engine(where):
    if "://" in where:
        made = create_engine(
            make_url(where).set(drivername="postgresql+psycopg"), poolclass=NullPool
        )
    else:
        made = create_engine(
            f"sqlite:///{where}", poolclass=NullPool, connect_args={"isolation_level": None}
        )
        # else Python's driver commits before every change of the tables
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield made
    made.dispose()


def build(engine, version):
    """Make the tables of a version with one identity, as the release of then did."""
    with engine.begin() as connection:
        migrations.run(connection, 0, version)
        connection.execute(
            text("INSERT INTO meta VALUES ('schema_version', :v), ('format', 'gaitproof-gallery')"),
            {"v": str(version)},
        )
        connection.execute(
            text("INSERT INTO identities (key, name, created) VALUES ('ann', 'Ann', :t)"),
            {"t": "2026-01-01T00:00:00+00:00"},
        )
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")
            connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")


def differences(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, schema.metadata)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_ends_with_the_same_tables(engine, where, version):
    build(engine, version)
    gallery = Gallery.open(where, create=False)
    assert gallery.names() == ("Ann",)  # read as it is
    assert (differences(engine) == []) == (version == schema.SCHEMA_VERSION)
    gallery.add("ann", [make_recording(1)])
    assert differences(engine) == []
    assert gallery.template("ann", *MAKERS).windows > 0
    assert gallery.names() == ("Ann",)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_layout_of_a_version_is_what_its_revisions_make(tmp_path, version):
    engine = create_engine(f"sqlite:///{tmp_path / 'g.db'}", poolclass=NullPool)
    build(engine, version)
    with engine.connect() as connection:
        schema.check_layout(connection, "g.db")


def test_a_failed_upgrade_changes_nothing(engine, where, monkeypatch):
    build(engine, 1)

    def fail(*args):
        raise GalleryError("stop")

    monkeypatch.setattr("gaitproof.verify.changes.build_template", fail)
    with pytest.raises(GalleryError, match="stop"):
        Gallery.open(where).add("ann", [make_recording(1)])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT value FROM meta WHERE key = 'schema_version'")) == "1"
        columns = connection.exec_driver_sql("SELECT * FROM recordings").keys()
    assert "profile" not in columns


def test_a_file_upgraded_step_by_step_is_one_made_new(tmp_path):
    for name in ("old.db", "new.db"):
        if name == "old.db":
            build(create_engine(f"sqlite:///{tmp_path / name}", poolclass=NullPool), 1)
        Gallery.open(tmp_path / name).add("ann", [make_recording(1)])
    schemas = []
    for name in ("old.db", "new.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            schemas.append({table: schema._normal(sql) for table, sql in rows})
    assert schemas[0] == schemas[1]


def test_the_revisions_are_the_versions():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations._SCRIPTS))
    assert scripts.get_heads() == [str(schema.SCHEMA_VERSION)]
    assert [int(s.revision) for s in scripts.walk_revisions()] == sorted(VERSIONS, reverse=True)

"""Galleries that somebody else changed: one clear error, in bounded time and memory."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save
from scripted import make_recording

from gaitproof.errors import GaitproofError, GalleryError
from gaitproof.gait.cycles import GaitProfile
from gaitproof.verify import connections, rows
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.templates import Recording

MAKERS = ("model-1", "pose-1")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    pragmas = tuple(p for p in connections.PRAGMAS if "synchronous" not in p)
    monkeypatch.setattr(connections, "PRAGMAS", (*pragmas, "synchronous = OFF"))
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def _recording(number: int) -> Recording:
    profile = GaitProfile(np.full((6, 101), 10.0), np.full((6, 101), 2.0), 3, 2)
    return make_recording(number, profile=profile)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "g.db"
    gallery = Gallery.open(path)
    gallery.add("ann", [_recording(1), make_recording(2)])
    gallery.add("ann", [make_recording(3)])
    gallery.add("bob", [make_recording(4)])
    return path


@pytest.fixture
def path(good, tmp_path):
    return Path(shutil.copy(good, tmp_path / "g.db"))


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def use(path: Path) -> None:
    """Ask everything that commands ask of a gallery, and change it."""
    gallery = _ask(path)
    gallery.export(path.with_name("x"))
    gallery.add("ann", [make_recording(5)])
    gallery.remove("bob")


def _ask(path: Path) -> Gallery:
    gallery = Gallery.open(path, create=False)
    gallery.list()
    for name in gallery.names():
        gallery.history(name).to_dict()
        gallery.check_model(name, "model-1")
        gallery.template(name, *MAKERS)
        gallery.profile(name, *MAKERS)
    gallery.templates(*MAKERS)
    return gallery


def test_control(path):
    use(path)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "

LAYOUTS = {
    "view that never ends": (
        "DROP TABLE identities",
        f"CREATE VIEW identities AS {ENDLESS} i AS id, 'a' AS key, 'a' AS name, '' created FROM n",
    ),
    "view that fills the memory": (
        "DROP TABLE identities",
        "CREATE VIEW identities AS "
        f"{ENDLESS} i AS id, hex(zeroblob(1000000)) AS key, 'a' AS name, 'c' AS created FROM n",
    ),
    "spare view": (f"CREATE VIEW v AS {ENDLESS} i FROM n",),
    "trigger": (
        "CREATE TRIGGER t AFTER INSERT ON recordings BEGIN DELETE FROM identities; END",
    ),
    "virtual table": ("CREATE VIRTUAL TABLE v USING fts5(x)",),
    "statistics": ("ANALYZE",),
    "spare table": ("CREATE TABLE spare (x)",),
    "spare column": ("ALTER TABLE meta ADD COLUMN x",),
    "generated column": ("ALTER TABLE meta ADD COLUMN x AS (hex(zeroblob(100000000)))",),
    "index": ("CREATE INDEX i ON identities (name)",),
    "partial index": ("CREATE INDEX i ON identities (id) WHERE abs(id) > 0",),
    "no such table": ("DROP TABLE template_recordings",),
    "renamed column": ("ALTER TABLE identities RENAME COLUMN name TO title",),
    "other version": ("PRAGMA user_version = 1",),
}  # fmt: skip


@pytest.mark.parametrize("statements", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_other_layouts_are_refused_before_anything_is_asked(path, statements):
    _change(path, *statements)
    before = path.read_bytes()
    gallery = Gallery.open(path)
    for ask in (
        gallery.names,
        gallery.list,
        lambda: gallery.history("ann"),
        lambda: gallery.templates(*MAKERS),
        lambda: gallery.add("ann", [make_recording(9)]),
        lambda: gallery.remove("ann"),
    ):
        with pytest.raises(GalleryError, match="not laid out as a gallery"):
            ask()
    assert path.read_bytes() == before


NAN = save({"template": np.full(32, np.nan, np.float32)}).hex()
LONG = save({"template": np.eye(64, dtype=np.float32)[0]}).hex()
TWO = save({"template": np.eye(32, dtype=np.float32)[:2]}).hex()
OTHER = save({"template": np.eye(32)[0]}).hex()
HEADER = (struct.pack("<Q", 2**40) + b"{}").hex()

ROWS = {
    "text that is not UTF-8": "UPDATE {} SET created = CAST(x'ff00fe' AS TEXT)",
    "number for text": "UPDATE {} SET created = 5",
    "bytes for text": "UPDATE {} SET created = x'41'",
    "no time": "UPDATE {} SET created = 'yesterday'",
    "markup for a time": "UPDATE {} SET created = '[/][red]2026-11-21'",
    "escape in a time": "UPDATE {} SET created = '2026-11-21' || char(27) || '12:00:00'",
    "no such day": "UPDATE {} SET created = '2026-02-30T12:00:00+00:00'",
    "long text": "UPDATE {} SET created = hex(zeroblob(1000000))",
}
CASES = {
    **{
        f"{table}: {name}": statement.format(table)
        for name, statement in ROWS.items()
        for table in ("identities", "recordings", "templates")
    },
    "key": "UPDATE identities SET key = 'eve' WHERE name = 'ann'",
    "name": "UPDATE identities SET name = 'a' || char(27) || '[31m'",
    "name of bytes": "UPDATE identities SET name = CAST(x'61ff' AS TEXT)",
    "hash": "UPDATE recordings SET sha256 = 'xyz' WHERE id = 1",
    "path of bytes": "UPDATE recordings SET path = CAST(x'61ff' AS TEXT)",
    "long path": "UPDATE recordings SET path = hex(zeroblob(10000))",
    "text for a number": "UPDATE recordings SET windows = 'many'",
    "fraction": "UPDATE recordings SET windows = 1.5",
    "windows": "UPDATE recordings SET windows = windows + 1",
    "no windows": "UPDATE recordings SET windows = -1",
    "huge number": "UPDATE templates SET windows = 9223372036854775807",
    "no JSON": "UPDATE recordings SET quality = '{'",
    "JSON list": "UPDATE recordings SET quality = '[]'",
    "deep JSON": "UPDATE recordings SET quality = replace(hex(zeroblob(50000)), '0', '[')",
    "long integer":
        "UPDATE recordings SET quality = '{\"a\":' || replace(hex(zeroblob(3000)), '0', '9')"
        " || '}'",
    "not finite": "UPDATE recordings SET quality = '{\"a\": NaN}'",
    "infinite": "UPDATE recordings SET quality = '{\"a\": 1e999}'",
    "text for a measure": "UPDATE recordings SET quality = '{\"a\": \"b\"}'",
    "quality of bytes": "UPDATE recordings SET quality = x'ff'",
    "embeddings a number": "UPDATE recordings SET embeddings = 5000000000",
    "embeddings text": "UPDATE recordings SET embeddings = 'abc'",
    "embeddings empty": "UPDATE recordings SET embeddings = x''",
    "embeddings cut": "UPDATE recordings SET embeddings = substr(embeddings, 1, 100)",
    "embeddings of another": "UPDATE recordings SET embeddings = (SELECT vector FROM templates)",
    "profile of another": "UPDATE recordings SET profile = embeddings",
    "profile a number": "UPDATE recordings SET profile = 9999999999",
    "header": f"UPDATE recordings SET embeddings = x'{HEADER}'",
    "vector not finite": f"UPDATE templates SET vector = x'{NAN}'",
    "vector of two rows": f"UPDATE templates SET vector = x'{TWO}'",
    "vector of another type": f"UPDATE templates SET vector = x'{OTHER}'",
    "vector longer than the recordings":
        f"UPDATE templates SET vector = x'{LONG}' WHERE identity_id = 1",
    "vector a number": "UPDATE templates SET vector = 9999999999",
    "template's number": "UPDATE templates SET uid = '[/red]'",
    "superseded": "UPDATE templates SET superseded = 'never'",
    "no model": "UPDATE recordings SET model_id = ''",
    "link gone": "DELETE FROM template_recordings WHERE template_id = 2 AND recording_id = 1",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("statement", CASES.values(), ids=CASES.keys())
def test_a_damaged_row_is_one_error_that_says_what_to_do(path, statement):
    _change(path, statement)
    with pytest.raises(GalleryError) as caught:
        use(path)
    assert caught.value.hint
    assert str(caught.value).isprintable()


def test_the_error_names_the_row(path):
    _change(path, "UPDATE recordings SET quality = '{' WHERE id = 3")
    with pytest.raises(GalleryError, match=r"'recordings 3'.*quality.*remove the identity"):
        Gallery.open(path).list()


def test_the_remedy_works(path):
    _change(path, "UPDATE recordings SET created = '[/]', quality = '{' WHERE identity_id = 1")
    gallery = Gallery.open(path)
    with pytest.raises(GalleryError, match="remove the identity"):
        gallery.history("ann")
    gallery.remove("ann")
    assert [one.name for one in gallery.list()] == ["bob"]


def test_pages_that_point_at_each_other_are_bounded(path, monkeypatch):
    # every child of the tree's root is the same page: a small file of endless rows
    with closing(sqlite3.connect(path)) as connection:
        for number in range(3000):
            connection.execute(
                "INSERT INTO identities VALUES (?, ?, ?, '2026-01-01T00:00:00')",
                (number + 10, f"p{number}", f"p{number}"),
            )
        connection.commit()
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'identities'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    start = (root - 1) * size
    assert data[start] == 5  # an interior page
    (cells,) = struct.unpack_from(">H", data, start + 3)
    for number in range(cells):
        (place,) = struct.unpack_from(">H", data, start + 12 + 2 * number)
        struct.pack_into(">I", data, start + place, root)
    path.write_bytes(data)
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.open(path).names()


def test_an_endless_statement_ends(path, monkeypatch):
    monkeypatch.setattr(connections, "STATEMENT_SECONDS", 0.1)
    storage = Gallery.open(path)._storage
    with pytest.raises(GalleryError, match="a search that does not end"):
        storage.read(lambda c: c.exec_driver_sql(f"{ENDLESS} max(i) FROM n").scalar())


def test_what_one_question_returns_is_bounded(path, monkeypatch):
    monkeypatch.setattr(rows, "MAX_READ_BYTES", 3000)
    with pytest.raises(GalleryError, match="more than can be read"):
        Gallery.open(path).names()


def test_a_long_row_is_refused(path, monkeypatch):
    monkeypatch.setitem(connections.LIMITS, sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
    _change(path, "UPDATE recordings SET embeddings = zeroblob(20000)")
    with pytest.raises(GalleryError, match="too big"):
        use(path)


def test_reading_cannot_write(path):
    def write(connection):
        connection.exec_driver_sql("DELETE FROM identities")

    with pytest.raises(GalleryError, match="read-only"):
        Gallery.open(path)._storage.read(write)
    assert Gallery.open(path).names() == ("ann", "bob")


def test_a_hostile_journal_deletes_nothing(path, tmp_path):
    """SQLite deletes the file that the end of a rollback journal names, if it is no journal."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious\x00")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    name, magic = os.fsencode(victim), bytes.fromhex("d9d505f920a163d7")
    header = magic + struct.pack(">IIIII", 0, 1, path.stat().st_size // size, 512, size)
    end = struct.pack(">I", 2**30 // size + 1) + name
    end += struct.pack(">II", len(name), sum(name)) + magic
    path.with_name("g.db-journal").write_bytes(header.ljust(512, b"\0") + end)
    with pytest.raises(GalleryError, match="no journal of a gallery"):
        use(path)
    assert victim.exists()


def test_the_header_is_read_without_ending_locks(path):
    # to open and close the file beside SQLite would end all locks of this process on it
    with closing(sqlite3.connect(path, isolation_level=None)) as held:
        held.execute("PRAGMA journal_mode = DELETE")
        held.execute("BEGIN IMMEDIATE")
        assert Gallery.open(path).names() == ("ann", "bob")
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(BaseException):
                other = sqlite3.connect(path, isolation_level=None, timeout=0)
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    status = 0
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _survives(path: Path, change: bool) -> None:
    """Use a gallery, of which nothing but errors of gaitproof may come."""
    with suppress(GaitproofError):
        (use if change else _ask)(path)


@pytest.mark.slow
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bytes_raise_nothing_else(good, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "g.db"
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    _survives(path, data.draw(st.booleans()))


COLUMNS = {
    "meta": ("key", "value"),
    "identities": ("id", "key", "name", "created"),
    "recordings": (
        "id", "identity_id", "sha256", "path", "model_id", "estimator", "windows", "quality",
        "created", "embeddings", "profile",
    ),
    "templates": (
        "id", "uid", "identity_id", "model_id", "estimator", "recordings", "windows", "created",
        "superseded", "vector",
    ),
    "template_recordings": ("template_id", "recording_id"),
}  # fmt: skip

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=50),
    st.binary(max_size=200),
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.floats()).map(json.dumps),
    st.sampled_from([b"\xff\xfe", "[/red]", "\x1b[31m", "\u202e", "a" * 500, "9" * 5000]),
)


@pytest.mark.slow
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_values_raise_nothing_else(good, tmp_path_factory, data):
    path = Path(shutil.copy(good, tmp_path_factory.mktemp("changed") / "g.db"))
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(data.draw(st.integers(1, 3))):
            table = data.draw(st.sampled_from(sorted(COLUMNS)))
            column = data.draw(st.sampled_from(COLUMNS[table]))
            value = data.draw(VALUES)
            text = isinstance(value, bytes) and data.draw(st.booleans())
            with suppress(sqlite3.Error):  # a constraint of the table refuses some
                connection.execute(
                    f"UPDATE {table} SET {column} = {'CAST(? AS TEXT)' if text else '?'}"
                    f" WHERE rowid = ?",
                    (value, data.draw(st.integers(1, 4))),
                )
        connection.commit()
    _survives(path, data.draw(st.booleans()))

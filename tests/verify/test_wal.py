"""Our reader of write-ahead logs against SQLite itself."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.verify.wal import apply_log

STATEMENTS = (
    "INSERT INTO t (x) VALUES (randomblob(3000))",
    "INSERT INTO t (x) VALUES (randomblob(20))",
    "UPDATE t SET x = randomblob(500) WHERE id % 3 = 0",
    "DELETE FROM t WHERE id % 2 = 0",
    "DELETE FROM t",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(RESTART)",
    "VACUUM",
    "BEGIN; INSERT INTO t (x) VALUES (randomblob(50000)); ROLLBACK",
)


def _rows(connection):
    return connection.execute("SELECT * FROM t").fetchall()


def _write(path, numbers, page_size=1024):
    """Change a database; return its rows, its file and its log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
        for number in numbers:
            connection.executescript(STATEMENTS[number])
        log = path.with_name(path.name + "-wal").read_bytes()
        return _rows(connection), path.read_bytes(), log


def _read(database):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(bytes(database))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return _rows(connection)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, len(STATEMENTS) - 1), max_size=20),
    st.sampled_from([512, 1024, 4096, 65536]),
)
def test_it_reads_what_sqlite_reads(tmp_path_factory, numbers, page_size):
    path = tmp_path_factory.mktemp("x") / "x.db"
    expected, database, log = _write(path, numbers, page_size)
    assert _read(apply_log(database, log)) == expected


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_damaged_log_gives_what_sqlite_gives(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("x") / "x.db"
    _, database, log = _write(path, [0, 1, 2, 0, 3, 1])
    damaged = bytearray(log)
    damaged[data.draw(st.integers(0, len(log) - 1))] ^= data.draw(st.integers(1, 255))
    del damaged[data.draw(st.integers(0, 2 * len(log))) :]
    ours = _read(apply_log(database, damaged)) if _has_table(apply_log(database, damaged)) else None
    other = path.with_name("other.db")
    other.write_bytes(database)
    other.with_name("other.db-wal").write_bytes(damaged)
    with closing(sqlite3.connect(other)) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        assert (_rows(connection) if tables else None) == ours


def _has_table(database):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(bytes(database))
        return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def test_pages_that_are_nowhere_are_refused(tmp_path):
    _, database, log = _write(tmp_path / "x.db", [1])
    forged = bytearray(log[: 32 + 24 + 1024])
    struct.pack_into(">II", forged, 32, 1, 2**32 - 1)  # the database is four terabytes long
    order = ">u4" if forged[3] & 1 else "<u4"
    from gaitproof.verify.wal import _checksum

    sums = _checksum(bytes(forged[:24]), order, (0, 0))
    sums = _checksum(bytes(forged[32:40] + forged[56:]), order, sums)
    struct.pack_into(">II", forged, 48, *sums)
    with pytest.raises(ValueError, match="pages"):
        apply_log(database, forged)


@pytest.mark.parametrize("log", [b"", b"x" * 10, bytes(5000)])
def test_no_log_is_no_change(tmp_path, log):
    _, database, _ = _write(tmp_path / "x.db", [1, 5])
    merged = apply_log(database, log)
    assert merged[:18] + merged[20:] == database[:18] + database[20:]

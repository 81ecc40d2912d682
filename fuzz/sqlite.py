"""Seeded changes of a gallery file: rows, types, views, triggers, pages."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from fuzz.mutate import HOSTILE_VALUES, change_bytes, change_json

_ROW_VALUES: Final = (
    *(v for v in HOSTILE_VALUES if v is None or isinstance(v, bool | float)),
    *(v for v in HOSTILE_VALUES if isinstance(v, str) and "\ud800" not in v),
    0,
    -1,
    2**62,
    b"",
    b"\xff\xfe\x80",
    bytes(10),
    bytes(100_000),
)

_SCHEMA: Final = (
    # a view in place of a table, which never ends or fills the memory
    "ALTER TABLE {t} RENAME TO old_{t}; CREATE VIEW {t} AS WITH RECURSIVE r(n) AS "
    "(SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT o.* FROM old_{t} o, r",
    "ALTER TABLE {t} RENAME TO old_{t}; CREATE VIEW {t} AS "
    "SELECT o.*, zeroblob(900000000) AS big FROM old_{t} o",
    "ALTER TABLE {t} RENAME TO old_{t}; CREATE VIEW {t} AS SELECT * FROM old_{t} "
    "UNION ALL SELECT * FROM old_{t}",
    "CREATE TRIGGER evil AFTER INSERT ON {t} BEGIN DELETE FROM identities; END",
    "CREATE TRIGGER evil BEFORE DELETE ON {t} BEGIN SELECT RAISE(IGNORE); END",
    "DROP TABLE {t}",
    "ALTER TABLE {t} ADD COLUMN extra TEXT DEFAULT 'x'",
    "CREATE INDEX evil ON {t} (lower(created))",
    "CREATE TABLE more (x INTEGER)",
    "CREATE VIRTUAL TABLE words USING fts5(x)",
    "DELETE FROM {t}",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = 1",
    "PRAGMA application_id = 1",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE {t} (x' "
    "WHERE name = '{t}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 2 WHERE name = '{t}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'TEXT', 'TEXT GENERATED ALWAYS AS (1)') WHERE name = '{t}'",
)


def change_gallery(data: bytes, rng: random.Random) -> bytes:
    """Change rows or the schema of a SQLite file, or its bytes and pages."""
    if rng.random() < 0.4:
        return _change_pages(data, rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        path.write_bytes(data)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            for _ in range(rng.choice((1, 1, 2))):
                _change(connection, rng)
        except sqlite3.Error:
            pass  # this change is impossible after an earlier one
        finally:
            connection.close()
        changed = bytearray(path.read_bytes())
        changed[18:20] = data[18:20]  # of the journal's kind, as it was
    return bytes(changed)


def _change_pages(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5 or len(data) < 8192:
        return change_bytes(data, rng)
    pages = [data[i : i + 4096] for i in range(0, len(data), 4096)]
    a, b = rng.randrange(len(pages)), rng.randrange(len(pages))
    pages[a], pages[b] = change_bytes(pages[b], rng)[:4096].ljust(4096, b"\0"), pages[a]
    return b"".join(pages)


def _change(connection: sqlite3.Connection, rng: random.Random) -> None:
    names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    tables = [row[0] for row in connection.execute(names)]
    table = rng.choice(tables)
    if rng.random() < 0.35:
        connection.executescript(rng.choice(_SCHEMA).format(t=table))
        return
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    column = rng.choice(columns)
    row = connection.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()
    if row and isinstance(row[0], str) and row[0].startswith("{") and rng.random() < 0.7:
        value: object = change_json(row[0].encode(), rng).decode("utf-8", "replace")
    elif row and isinstance(row[0], bytes) and rng.random() < 0.7:
        value = change_bytes(row[0], rng)
    else:
        value = rng.choice(_ROW_VALUES)
    # text that is not UTF-8 gets into a file only by the side door
    spelled = "CAST(? AS TEXT)" if isinstance(value, bytes) and rng.random() < 0.5 else "?"
    where = rng.choice(("", f" WHERE rowid = (SELECT min(rowid) FROM {table})"))
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(f"UPDATE OR REPLACE {table} SET {column} = {spelled}{where}", (value,))

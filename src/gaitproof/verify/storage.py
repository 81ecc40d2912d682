"""Where a gallery's rows live: safe transactions on one SQLite file, or on PostgreSQL by URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gaitproof.errors import GalleryError
from gaitproof.verify.encryption import Key
from gaitproof.verify.memory import MemoryStorage
from gaitproof.verify.postgres import PostgresStorage, parse_url
from gaitproof.verify.sqlite import SQLiteStorage

_URL: Final = re.compile(r"^[a-z][a-z0-9+_]*://")


Storage = SQLiteStorage | PostgresStorage | MemoryStorage
"""Transactions on the tables of `gaitproof.verify.schema`, decrypted with a `key`: `read` runs work
on one consistent state, `write` in one transaction that happens as a whole or not at all. Files
derived from it may lie `beside` it, and `erase_deleted` overwrites what was deleted.
"""


def open_storage(
    where: str | Path, software: str, *, make_folder: bool = False, key: Key | None = None
) -> Storage:
    """Choose the storage for a path or URL.

    Raises
    ------
    GalleryError
        If the URL is malformed.
    DependencyError
        If the database driver of the URL is not installed.
    """
    text = str(where)
    if not _URL.match(text):
        return SQLiteStorage(Path(where), software, make_folder=make_folder, key=key)
    url = parse_url(text)
    backend = url.get_backend_name()
    if backend == "postgresql":
        return PostgresStorage(url, software, key)
    if backend != "sqlite":
        raise GalleryError(
            f"There are no galleries on {backend!r}.", expected="a file, or a postgresql:// URL"
        )
    if not url.database or url.database == ":memory:":
        raise GalleryError("A gallery needs a file.", expected="sqlite:///path/to/gallery.db")
    return SQLiteStorage(Path(url.database), software, make_folder=make_folder, key=key)

"""Where a gallery's rows live: safe transactions on one SQLite file, or on PostgreSQL by URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from gaitproof.errors import GalleryError
from gaitproof.verify.encryption import Key
from gaitproof.verify.postgres import PostgresStorage, parse_url
from gaitproof.verify.sqlite import SQLiteStorage

T = TypeVar("T")

_URL: Final = re.compile(r"^[a-z][a-z0-9+_]*://")


class Storage(Protocol):
    """Transactions on the tables of `gaitproof.verify.schema`, decrypted with `key`."""

    key: Key | None

    @property
    def location(self) -> str:
        """The path or URL for people, without a password."""
        ...

    @property
    def beside(self) -> Path | None:
        """The file that derived files may lie beside; None where nothing may."""
        ...

    def exists(self) -> bool:
        """Whether the gallery has been created; raises if it is not a usable gallery."""
        ...

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent state."""
        ...

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction that happens as a whole or not at all."""
        ...

    def check_writable(self) -> None:
        """Raise GalleryError if nothing could be written; changes nothing."""
        ...

    def erase_deleted(self) -> bool:
        """Overwrite what was deleted; False if it may still be there, as `erasure_note` says."""
        ...

    @property
    def erasure_note(self) -> str:
        """Why deleted bytes may still be there after `erase_deleted` returned False."""
        ...


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

"""Files that appear as a whole: written in a private folder, which no kill leaves for ever.

A draft lies in a folder of its own that its process keeps locked. The lock ends with the process,
so whoever starts next can tell a folder that was left behind from one in use. The lock is on the
folder and never on the file: closing a file that SQLite has open elsewhere in the same process
would end SQLite's own locks (sqlite.org/howtocorrupt.html, section 2.2).
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"\.gallery-[a-z0-9_]{8}\.tmp")
_FILE: Final = "draft"
_FILES: Final = tuple(_FILE + suffix for suffix in ("", "-journal", "-wal", "-shm"))
"""All that can be in such a folder; one that holds anything else is not removed."""


@contextmanager
def draft(parent: Path) -> Iterator[Path]:
    """Yield an empty file for its owner only, to be linked or moved to its place beside it.

    Parameters
    ----------
    parent
        The folder in which the finished file will be.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    folder, handle = _locked_folder(parent)
    try:
        path = folder / _FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield path
    finally:
        _remove(folder, handle)


def sweep(parent: Path) -> None:
    """Remove the drafts that killed processes left in a folder; those in use stay."""
    try:
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if _NAME.fullmatch(entry.name)]
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return
    for name in names:
        with suppress(OSError):
            handle = _open_folder(parent / name)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # in use, or a file system where nobody can tell
                os.close(handle)
            else:
                _remove(parent / name, handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=".gallery-", suffix=".tmp", dir=parent))
        try:
            handle = _open_folder(folder)
        except FileNotFoundError:  # swept before it was locked
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # being swept
            os.close(handle)
            continue
        except OSError:  # a network folder without locks: never swept either
            return folder, handle
        if folder.is_dir():  # else swept in between
            return folder, handle
        os.close(handle)


def _open_folder(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _remove(folder: Path, handle: int) -> None:
    """Remove a folder that is locked, and end the lock."""
    try:
        for name in _FILES:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=handle)
        folder.rmdir()
    except OSError:
        pass  # what cannot be removed now is tried again at the next start
    finally:
        os.close(handle)

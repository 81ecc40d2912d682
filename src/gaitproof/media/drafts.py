"""Folders for drafts, which no kill leaves for ever, and folders that are held against other runs.

A draft lies in a folder of its own that its process keeps locked. The lock ends with the process,
so whoever starts next can tell a folder that was left behind from one in use. The lock is on the
folder, on Windows on a file in it, and never on the draft: closing a file that SQLite has open
elsewhere in the same process would end SQLite's own locks (sqlite.org/howtocorrupt.html, section
2.2), and Windows lets nobody write where a file is locked.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import lock_descriptor

from gaitproof.errors import InputError

PREFIX: Final = ".gaitproof-"
SUFFIX: Final = ".unfinished"

_NAME: Final = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}" + re.escape(SUFFIX))
LOCK: Final = ".gaitproof.lock"
"""On Windows: in the folder that is held."""
_FOLDERS_OPEN: Final = os.name != "nt"
"""Whether the system opens folders, so that they can be locked; it then removes locked ones too."""


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder for its owner only, in which something is written; it goes afterwards.

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
        yield folder
    finally:
        _remove(folder, handle)


def sweep(parent: str | Path) -> None:
    """Remove the drafts that killed processes left in a folder; those in use stay.

    Parameters
    ----------
    parent
        It need not exist. Other folders in it are not entered, links are not followed.
    """
    try:
        with os.scandir(parent) as entries:
            left = [Path(e.path) for e in entries if _NAME.fullmatch(e.name) and not e.is_symlink()]
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return
    for folder in left:
        with suppress(OSError):
            handle = _open(folder)
            try:
                free = lock_descriptor(handle, blocking=False)
            except OSError:  # a file system where nobody can tell
                free = False
            if free:
                _remove(folder, handle)
            else:
                os.close(handle)


@contextmanager
def hold_folder(folder: str | Path, busy: str) -> Iterator[None]:
    """Hold a folder against other runs; the system lets go when the process ends, however it ends.

    Parameters
    ----------
    folder
        That exists.
    busy
        What is said if another run holds it.

    Raises
    ------
    InputError
        If it cannot be opened, or another run holds it.
    """
    try:
        place = Path(folder).resolve()  # a link to a folder will do
        handle = _open(place)
    except OSError as error:
        raise InputError(
            f"The folder {str(folder)!r} cannot be opened.", actual=error.strerror or str(error)
        ) from error
    if not lock_descriptor(handle, blocking=False):
        os.close(handle)
        raise InputError(busy, hint="wait for it, or choose another folder")
    try:
        yield
    finally:
        os.close(handle)
        if not _FOLDERS_OPEN:
            with suppress(OSError):  # Windows keeps it where another run has opened it
                (place / LOCK).unlink()


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
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=parent))
        try:
            handle = _open(folder)
        except FileNotFoundError:  # swept before it was locked
            continue
        try:
            ours = lock_descriptor(handle, blocking=False)
        except OSError:  # a network folder without locks: never swept either
            return folder, handle
        if ours and folder.is_dir():
            return folder, handle
        os.close(handle)  # swept, or about to be


def _open(folder: Path) -> int:
    """Open what a lock on a folder is on; never inherited by programs that are started."""
    if _FOLDERS_OPEN:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


def _remove(folder: Path, handle: int) -> None:
    """Remove a folder that is locked, and end the lock."""
    if not _FOLDERS_OPEN:  # nor removes open files; another sweep may come first, and does no harm
        os.close(handle)
    # what cannot be removed now is tried again at the next start
    shutil.rmtree(folder, ignore_errors=True)
    if _FOLDERS_OPEN:
        os.close(handle)

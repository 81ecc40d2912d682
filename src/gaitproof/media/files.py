"""Opening, hashing and atomically writing files."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from gaitproof.errors import InputError, MediaError

_TEMPORARY: Final = ".gaitproof-"
"""How the temporary names of `atomic_path` begin; eight characters of `tempfile` follow."""


def open_regular(path: str | Path) -> BufferedReader:
    """Open a local regular file for reading.

    The path is only ever given to the operating system, never to a media library, so that
    ``http://…``, ``concat:…`` or ``pipe:0`` are plain names of files that do not exist.

    Raises
    ------
    MediaError
        If it is missing, a folder, a pipe, a device or a socket, empty, or not readable.
    """
    name = repr(str(path))
    try:
        # without O_NONBLOCK the open of a named pipe waits for a writer that may never come
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        hint = "download it first: only local files are read" if "://" in str(path) else None
        raise MediaError(f"The file {name} does not exist.", hint=hint) from error
    except PermissionError as error:
        raise MediaError(
            f"The file {name} cannot be read.", actual="no permission", hint="chmod u+r"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise MediaError(f"The file {name} cannot be opened.", actual=str(error)) from error
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise MediaError(f"{name} is a folder.", expected="a video file")
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(
                f"{name} is not a regular file.",
                expected="a video file",
                actual="a pipe, device or socket",
            )
        if status.st_size == 0:
            raise MediaError(f"The file {name} is empty.", actual="0 bytes")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def compute_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a local file as 64 hexadecimal digits, read in small pieces.

    Raises
    ------
    MediaError
        If the file cannot be opened or read.
    """
    with open_regular(path) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MediaError(
                f"The file {str(path)!r} cannot be read.", actual=str(error.strerror)
            ) from error


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block succeeds.

    Readers see the old file or the whole new one, never a part. The temporary name keeps the
    suffix, since writers choose their format by it. If the block fails nothing is left behind.

    Raises
    ------
    InputError
        If the folder is missing, the disk is full or nothing may be written there.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise _cannot_write(target, error) from error
    temporary = Path(name)
    try:
        # held while the file is written, and let go even by a killed process: `remove_abandoned`
        with suppress(OSError):  # some network folders have no locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield temporary
        # mkstemp makes files private; the result gets what a plain open() would have given
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(handle)


def remove_abandoned(folder: str | Path, suffix: str, before: float) -> int:
    """Remove the temporary files that killed processes left in a folder.

    Only regular files are removed that `atomic_path` named, for a target with that suffix, that
    were last written before a given moment and that no living process is writing. Folders below
    are not entered; what may not be removed stays.

    Parameters
    ----------
    folder
        Where `atomic_path` was used; it need not exist.
    suffix
        Of the targets, with its dot.
    before
        Seconds since the epoch.

    Returns
    -------
    int
        How many were removed.
    """
    named = re.compile(re.escape(_TEMPORARY) + r"[a-z0-9_]{8}" + re.escape(suffix))
    try:
        found = [path for path in Path(folder).iterdir() if named.fullmatch(path.name)]
    except OSError:
        return 0
    return sum(_remove_if_abandoned(path, before) for path in found)


def _remove_if_abandoned(path: Path, before: float) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_mtime >= before:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves either the old file or the new one.

    Raises
    ------
    InputError
        If the folder is missing, the disk is full or nothing may be written there.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def make_folder(path: str | Path) -> Path:
    """Create a folder with its parents if needed, and return it.

    Raises
    ------
    InputError
        If it cannot be created, for example because a file has that name, or nothing can be
        written there: better told before long work than after it.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {str(folder)!r} cannot be made.",
            actual=error.strerror or str(error),
            hint="choose another folder",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"Nothing can be written to the folder {str(folder)!r}.",
            actual="no permission",
            hint="choose another folder",
        )
    return folder


def _cannot_write(target: Path, error: OSError) -> InputError:
    hints = {
        errno.ENOSPC: "free disk space or choose another folder",
        errno.EDQUOT: "free disk space or choose another folder",
        errno.ENOENT: "create the folder first",
        errno.EROFS: "choose another folder",
        errno.EACCES: "choose a folder that you may write to",
    }
    return InputError(
        f"The file {str(target)!r} cannot be written.",
        actual=error.strerror or str(error),
        hint=hints.get(error.errno or 0),
    )

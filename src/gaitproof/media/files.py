"""Opening, hashing and atomically writing files."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from gaitproof.errors import InputError, MediaError
from gaitproof.reading.files import FileKind, open_file

_TEMPORARY: Final = ".gaitproof-"
"""How the temporary names of `atomic_path` begin; eight characters of `tempfile` follow."""

_FOLDER: Final = ".unfinished"
"""How those of `atomic_folder` end."""

_STARTED: Final = time.time()
_SWEPT: Final[set[tuple[Path, str]]] = set()
"""Folders that were looked through for leftovers from before this process."""


_VIDEO: Final = FileKind("file", error=MediaError, expected="a video file")


def open_regular(path: str | Path) -> BufferedReader:
    """Open a local regular file that is not empty, as `gaitproof.reading` does.

    Raises
    ------
    MediaError
        If it is missing, a folder, a pipe, a device or a socket, empty, or not readable.
    """
    file = open_file(path, _VIDEO)
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise MediaError(f"The file {str(path)!r} is empty.", actual="0 bytes")
    return file


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
def atomic_path(path: str | Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block succeeds.

    Readers see the old file or the whole new one, never a part. The temporary name keeps the
    suffix, since writers choose their format by it. If the block fails nothing is left behind;
    what a killed process left in that folder is removed by the next one that writes there. If
    `private`, only its owner may read the file.

    Raises
    ------
    InputError
        If the folder is missing, the disk is full or nothing may be written there.
    """
    target = Path(path)
    with _draft(target) as temporary, _reporting(target):
        yield temporary
        _complete(temporary, private=private)
        temporary.replace(target)


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves either the old file or the new one.

    Raises
    ------
    InputError
        If the folder is missing, the disk is full or nothing may be written there.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_files(
    files: Mapping[Path, bytes], *, private: Collection[Path] = (), replace: bool = True
) -> None:
    """Write several files that belong together: all of them or none.

    Parameters
    ----------
    files
        What to write where.
    private
        Those that only their owner may read.
    replace
        Whether existing files are replaced.

    Raises
    ------
    InputError
        If one cannot be written, or exists and may not be replaced.
    """
    with ExitStack() as stack:
        drafts = {}
        for target, data in files.items():
            drafts[target] = stack.enter_context(_draft(target))
            with _reporting(target):
                drafts[target].write_bytes(data)
                _complete(drafts[target], private=target in private)
        _move_into_place(drafts, replace=replace)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder whose files move to `path` together when the block succeeds.

    The folder is made if it is missing. Files of the same names are replaced, others stay. If the
    block fails nothing is left behind, not even a folder that was made for it.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    with ensured_folder(path) as target, _draft_folder(target) as stage:
        with _reporting(target):
            yield stage
            drafts = {target / file.name: file for file in sorted(stage.iterdir())}
            for file in drafts.values():
                _complete(file)
        _move_into_place(drafts)


@contextmanager
def ensured_folder(path: str | Path) -> Iterator[Path]:
    """Yield a folder, made if it is missing; if the block fails, what was made goes again.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    target = Path(path)
    with _reporting(target):
        missing = [folder for folder in (target, *target.parents) if not folder.exists()]
    make_folder(target)
    try:
        yield target
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # somebody else may have put something there
                folder.rmdir()
        raise


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Yield an empty, private, locked temporary file beside a target; it is gone afterwards."""
    _sweep(target.parent, target.suffix)
    with _reporting(target):
        handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=target.suffix, dir=target.parent)
    temporary = Path(name)
    try:
        _lock(handle)
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def _draft_folder(target: Path) -> Iterator[Path]:
    _sweep(target, _FOLDER)
    with _reporting(target):
        stage = Path(tempfile.mkdtemp(prefix=_TEMPORARY, suffix=_FOLDER, dir=target))
        handle = os.open(stage, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        _lock(handle)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        os.close(handle)


def _lock(handle: int) -> None:
    # held while it is written, and let go even by a killed process: `remove_abandoned`
    with suppress(OSError):  # some network folders have no locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _complete(draft: Path, *, private: bool = False) -> None:
    """Bring a finished draft to the disk, with the permissions that it is to have."""
    # drafts are private; the result gets what a plain open() would have given
    umask = os.umask(0)
    os.umask(umask)
    draft.chmod(0o600 if private else 0o666 & ~umask)
    with draft.open("rb+") as file:
        os.fsync(file.fileno())


def _move_into_place(drafts: Mapping[Path, Path], *, replace: bool = True) -> None:
    """Give complete drafts their names; if one cannot have its name, no new file stays."""
    for target in drafts:
        if target.is_dir():
            raise InputError(f"The file {str(target)!r} cannot be written.", actual="a folder")
    new: list[Path] = []
    try:
        for target, draft in drafts.items():
            is_new = not target.exists()
            with _reporting(target):
                if replace:
                    draft.replace(target)
                else:
                    _link(draft, target)
            if is_new:
                new.append(target)
    except BaseException:
        for target in new:
            with suppress(OSError):
                target.unlink()
        raise


def _link(draft: Path, target: Path) -> None:
    """Give a draft its name unless the name is taken."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise
        draft.replace(target)


@contextmanager
def _reporting(target: Path) -> Iterator[None]:
    """Turn an error of the operating system into one that names the file."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(target, error) from error


def _sweep(folder: Path, suffix: str) -> None:
    """Remove what killed processes left, once for each folder."""
    if (folder, suffix) not in _SWEPT:
        _SWEPT.add((folder, suffix))
        remove_abandoned(folder, suffix, _STARTED)


def remove_abandoned(folder: str | Path, suffix: str, before: float) -> int:
    """Remove the temporary files that killed processes left in a folder.

    Only what `atomic_path` and its relatives named is removed, for a target with that suffix, if
    it was last written before a given moment and no living process is writing it. Other folders
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
        abandoned = [path for path in Path(folder).iterdir() if named.fullmatch(path.name)]
    except OSError:
        return 0
    return sum(_remove_if_abandoned(path, before) for path in abandoned)


def _remove_if_abandoned(path: Path, before: float) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        status = os.fstat(handle)
        is_folder = path.suffix == _FOLDER and stat.S_ISDIR(status.st_mode)
        if not (is_folder or stat.S_ISREG(status.st_mode)) or status.st_mtime >= before:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


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
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"The folder {str(folder)!r} cannot be opened.", actual=error.strerror or str(error)
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(busy, hint="wait for it, or choose another folder") from error
        yield
    finally:
        os.close(handle)


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
        errno.EEXIST: "choose another name",
        errno.EROFS: "choose another folder",
        errno.EACCES: "choose a folder that you may write to",
    }
    if target.parent.suffix == _FOLDER:  # in a folder of `atomic_folder`: name the final file
        target = target.parent.parent / target.name
    return InputError(
        f"The file {str(target)!r} cannot be written.",
        actual=error.strerror or str(error),
        hint=hints.get(error.errno or 0),
    )

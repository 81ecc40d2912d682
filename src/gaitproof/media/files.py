"""Opening, hashing and atomically writing files."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from gaitproof.errors import InputError, MediaError
from gaitproof.media.drafts import LOCK, SUFFIX, draft_folder, sweep
from gaitproof.reading.files import FileKind, open_file

_SWEPT: Final[set[Path]] = set()
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
    """Yield a temporary path in a folder of its own that takes its place when the block succeeds.

    Readers see the old file or the whole new one, never a part. The name is the same, since
    writers choose their format by its suffix. If the block fails nothing is left behind;
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
    with ensured_folder(path) as target, _draft_folder(target, target) as stage:
        with _reporting(target):
            yield stage
            files = [file for file in sorted(stage.iterdir()) if file.name != LOCK]
            drafts = {target / file.name: file for file in files}
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
def _draft_folder(parent: Path, target: Path) -> Iterator[Path]:
    """Yield a folder for drafts of what will be in `parent`; errors name the target."""
    if parent not in _SWEPT:  # what killed processes left, once for each folder
        _SWEPT.add(parent)
        sweep(parent)
    with ExitStack() as stack:
        with _reporting(target):
            folder = stack.enter_context(draft_folder(parent))
        yield folder


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Yield an empty, private file that is to be the target; it is gone afterwards."""
    with _draft_folder(target.parent, target) as folder:
        draft = folder / target.name
        with _reporting(target):
            draft.touch(0o600)
        yield draft


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
    if target.parent.suffix == SUFFIX:  # in a folder of `atomic_folder`: name the final file
        target = target.parent.parent / target.name
    return InputError(
        f"The file {str(target)!r} cannot be written.",
        actual=error.strerror or str(error),
        hint=hints.get(error.errno or 0),
    )

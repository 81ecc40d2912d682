"""Opening files without trusting them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from gaitproof.errors import GaitproofError, InputError

_CHUNK: Final = 2**20


@dataclass(frozen=True)
class FileKind:
    """What a module reads, in the words of its messages.

    Parameters
    ----------
    noun
        After "the": ``pose file``, ``settings file``.
    error
        Class of every error.
    max_bytes
        Largest file that is read.
    expected
        What a file of this kind is, for the message about one that is not.
    hint
        What to do about one that is not.
    missing
        What to do about one that is not there.
    """

    noun: str
    error: type[GaitproofError] = InputError
    max_bytes: int = 2**26
    expected: str | None = None
    hint: str | None = None
    missing: str | None = None


Source = str | Path

# without O_NONBLOCK the open of a named pipe waits for a writer that may never come; without
# O_BINARY Windows changes the ends of lines
_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY")
)


def open_file(path: Source, kind: FileKind) -> BufferedReader:
    """Open a local regular file for reading.

    The path is only ever given to the operating system, never to a library, so that
    ``http://…``, ``concat:…`` or ``pipe:0`` are plain names of files that do not exist.

    Raises
    ------
    GaitproofError
        The kind's error, if it is missing, a folder, a pipe, a device or a socket, or not readable.
    """
    name = f"The {kind.noun} {str(path)!r}"
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        hint = (
            "download it first: only local files are read" if "://" in str(path) else kind.missing
        )
        raise kind.error(f"{name} does not exist.", expected=kind.expected, hint=hint) from error
    except PermissionError as error:
        raise kind.error(
            f"{name} cannot be read.", actual="no permission", hint="chmod u+r"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise _unreadable(path, kind, error) from error
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise kind.error(f"{name} is a folder.", expected=kind.expected or "a file")
        if not stat.S_ISREG(mode):
            raise kind.error(
                f"{name} is not a regular file.",
                expected=kind.expected or "a file",
                actual="a pipe, device or socket",
            )
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Source, kind: FileKind) -> bytes:
    """Return the content of a file.

    Raises
    ------
    GaitproofError
        The kind's error, if `open_file` refuses it, it is larger than the kind allows, or reading
        fails.
    """
    with open_file(path, kind) as file:
        try:
            # room for what the file says, not for the limit, which may be much more
            pieces = [file.read(min(os.fstat(file.fileno()).st_size, kind.max_bytes) + 1)]
            while sum(map(len, pieces)) <= kind.max_bytes and (more := file.read(_CHUNK)):
                pieces.append(more)
            data = b"".join(pieces)
        except (OSError, MemoryError) as error:
            raise _unreadable(path, kind, error) from error
    if len(data) > kind.max_bytes:
        raise too_large(path, kind)
    return data


def read_text(path: Source, kind: FileKind, *, errors: str = "strict") -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Parameters
    ----------
    path, kind
        As `read_bytes`.
    errors
        ``replace`` for formats of which only ASCII matters.

    Raises
    ------
    GaitproofError
        The kind's error, as `read_bytes`, or if it is not UTF-8.
    """
    return decode_text(read_bytes(path, kind), path, kind, errors=errors)


def decode_text(data: bytes, path: Source, kind: FileKind, *, errors: str = "strict") -> str:
    """Return UTF-8 text; arguments and errors as `read_text`."""
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise kind.error(
            f"The {kind.noun} {str(path)!r} is not UTF-8 text.",
            expected=kind.expected,
            actual=f"byte 0x{data[error.start]:02x} at place {error.start}",
            hint=kind.hint or "save it as UTF-8",
        ) from error


def too_large(path: Source, kind: FileKind) -> GaitproofError:
    """Return the error to raise for a file of more than `max_bytes`."""
    return kind.error(
        f"The {kind.noun} {str(path)!r} is too large.",
        expected=f"at most {_size(kind.max_bytes)}",
    )


def _unreadable(path: Source, kind: FileKind, error: Exception) -> GaitproofError:
    reason = getattr(error, "strerror", None) or str(error) or "out of memory"
    return kind.error(f"The {kind.noun} {str(path)!r} cannot be read.", actual=reason)


def _size(count: int) -> str:
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return f"{count} bytes"

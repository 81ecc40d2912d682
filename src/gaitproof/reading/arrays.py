"""NumPy archives, ZIP members and safetensors: sizes are checked before they are allocated."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from gaitproof.reading.documents import parse_json
from gaitproof.reading.files import FileKind, Source, read_bytes
from gaitproof.reading.guard import guarded, shown

MAX_MEMBERS: Final = 4096
"""Most members of a ZIP."""

MAX_TENSOR_HEADER: Final = 2**24
"""Longest header of a safetensors file: its metadata and the places of its tensors."""

_MAX_RATIO: Final = 1032
"""Deflate makes of one byte at most this many (RFC 1951: 258 bytes by two bits)."""

_CHUNK: Final = 2**18
_NUMBERS: Final = "biufSU"
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def read_arrays(
    path: Source, kind: FileKind, max_total: int, only: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a NumPy ``.npz`` file; no object is ever unpickled.

    Parameters
    ----------
    path, kind
        As `read_bytes`; the kind bounds the file itself.
    max_total
        Most bytes of all arrays together.
    only
        Names to read, those that are there; all if None.

    Returns
    -------
    dict
        Arrays of numbers, truth values or text, C or Fortran ordered as in the file.

    Raises
    ------
    GaitproofError
        The kind's error, also for a file that claims more than `max_total`, or sizes that are not
        true, and for members compressed by anything but Deflate, encrypted, or there twice.
    """
    return parse_arrays(read_bytes(path, kind), path, kind, max_total, only)


def parse_arrays(
    data: bytes, path: Source, kind: FileKind, max_total: int, only: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``; `path` is for messages, the rest as `read_arrays`."""
    with guarded(path, kind), zipfile.ZipFile(io.BytesIO(data)) as archive:
        arrays = {}
        for info in _members(archive, max_total):
            name = info.filename.removesuffix(".npy")
            if only is None or name in only:
                with archive.open(info) as stream:
                    arrays[name] = _array(stream, info.filename, info.file_size)
        return arrays


def read_array(path: Source, kind: FileKind) -> NDArray[Any]:
    """Return the array of a NumPy ``.npy`` file; no object is ever unpickled.

    Raises
    ------
    GaitproofError
        The kind's error, also for a file whose size is not that of its array.
    """
    data = read_bytes(path, kind)
    with guarded(path, kind):
        return _array(io.BytesIO(data), Path(path).name, len(data))


def read_members(path: Source, kind: FileKind, max_total: int) -> dict[str, bytes]:
    """Return the members of a ZIP by their names, in its order; arguments as `read_arrays`."""
    return parse_members(read_bytes(path, kind), path, kind, max_total)


def parse_members(data: bytes, path: Source, kind: FileKind, max_total: int) -> dict[str, bytes]:
    """Return the members of a ZIP; `path` is for messages, the rest as `read_members`."""
    with guarded(path, kind), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {}
        for info in _members(archive, max_total):
            body = np.empty(info.file_size, np.uint8)
            with archive.open(info) as stream:
                _fill(stream, body, info.filename)
            members[info.filename] = body.tobytes()
        return members


def unpacked_size(data: bytes) -> int:
    """Return how many bytes the members of a ZIP say that they have; raises as `zipfile` does."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(info.file_size for info in archive.infolist())


def _members(archive: zipfile.ZipFile, max_total: int) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"{len(members)} members; at most {MAX_MEMBERS} are read")
    if len({info.filename for info in members}) < len(members):
        raise ValueError("two members of one name")
    for info in members:
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise ValueError(f"{shown(info.filename)} is encrypted, or compressed by a rare method")
        if info.file_size > _MAX_RATIO * (info.compress_size + 1):
            raise ValueError(f"{shown(info.filename)} claims more bytes than it can hold")
    total = sum(info.file_size for info in members)
    if total > max_total:
        raise ValueError(f"{total} bytes when unpacked; at most {max_total} are read")
    return members


def _array(stream: Any, file: str, total: int) -> NDArray[Any]:
    name = shown(file)
    major, minor = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    if (major, minor) not in ((1, 0), (2, 0)):
        raise ValueError(f"{name} has array format {major}.{minor}, not 1.0 or 2.0")
    read = getattr(np.lib.format, f"read_array_header_{major}_{minor}")
    shape, fortran, dtype = read(stream)
    if dtype.kind not in _NUMBERS or dtype.itemsize == 0:
        raise ValueError(f"{name} holds {shown(dtype.str)}, not numbers or text")
    if len(shape) > 8 or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"{name} has the shape {shown(shape)}")
    size = math.prod(shape) * dtype.itemsize
    if size != total - stream.tell():
        raise ValueError(f"{name} claims {shown(size)} bytes in a member of {total}")
    body = np.empty(size, np.uint8)
    _fill(stream, body, file)
    array: NDArray[Any] = body.view(dtype).reshape(shape, order="F" if fortran else "C")
    return array


def _fill(stream: Any, body: NDArray[np.uint8], file: str) -> None:
    """Read the rest of a member; in pieces, since zipfile copies what it has at every piece."""
    view, place = body.data, 0
    while place < len(view):
        piece = stream.read(min(_CHUNK, len(view) - place))
        if not piece:
            raise EOFError(f"{shown(file)} ends after {place} bytes")
        view[place : place + len(piece)] = piece
        place += len(piece)


@overload
def read_tensors(
    path: Source, kind: FileKind, framework: Literal["numpy"] = "numpy"
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]: ...


@overload
def read_tensors(
    path: Source, kind: FileKind, framework: Literal["torch"]
) -> tuple[dict[str, Any], dict[str, str]]: ...


def read_tensors(path: Source, kind: FileKind, framework: str = "numpy") -> Any:
    """Return the tensors of a safetensors file, and its metadata.

    Parameters
    ----------
    path, kind
        As `read_bytes`.
    framework
        ``numpy`` or ``torch``: whose tensors.

    Raises
    ------
    GaitproofError
        The kind's error, also for a header of more than `MAX_TENSOR_HEADER` bytes.
    """
    data = read_bytes(path, kind)
    if framework == "torch":
        return parse_tensors(data, path, kind, "torch")
    return parse_tensors(data, path, kind)


@overload
def parse_tensors(
    data: bytes, path: Source, kind: FileKind, framework: Literal["numpy"] = "numpy"
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]: ...


@overload
def parse_tensors(
    data: bytes, path: Source, kind: FileKind, framework: Literal["torch"]
) -> tuple[dict[str, Any], dict[str, str]]: ...


def parse_tensors(data: bytes, path: Source, kind: FileKind, framework: str = "numpy") -> Any:
    """Return tensors and metadata; `path` is for messages, the rest as `read_tensors`."""
    with guarded(path, kind):
        length = int.from_bytes(data[:8], "little")
        if len(data) < 8 or length > len(data) - 8:
            raise ValueError("the file is cut off or of another kind")
        if length > MAX_TENSOR_HEADER:
            raise ValueError(f"a header of {length} bytes; at most {MAX_TENSOR_HEADER} are read")
        header = parse_json(data[8 : 8 + length], path, kind)
        metadata = header.get("__metadata__") or {}
        if not isinstance(metadata, Mapping):
            raise ValueError("its metadata are no object")
        tensors = import_module(f"safetensors.{framework}").load(data)
        return tensors, dict(metadata)

"""Archives of many walks in one ``.npz``, read without trusting them."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_ARRAY_BYTES: Final = 8 * 2**30
"""Largest array that is read."""

LABELS: Final = ("subject", "sequence", "condition", "view")
WALKS: Final = (*LABELS, "fps")
"""Arrays with one value per walk."""

UNREADABLE: Final[tuple[type[Exception], ...]] = (
    OSError,
    ValueError,  # also JSON
    KeyError,
    TypeError,
    AttributeError,  # JSON that is no object
    IndexError,
    EOFError,
    SyntaxError,  # numpy, on a nonsensical array header
    tokenize.TokenError,
    RecursionError,
    MemoryError,
    NotImplementedError,  # zipfile, on an unknown compression
    RuntimeError,  # zipfile, on an encrypted member
    zipfile.BadZipFile,
    zlib.error,
)
"""What a file that is no such archive raises."""


def read_archive(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an archive.

    Raises
    ------
    Exception
        One of `UNREADABLE`.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MAX_ARRAY_BYTES:
                raise ValueError(f"{member.filename!r} claims {member.file_size} bytes")
            with archive.open(member) as stream:
                _check_claim(stream, member)
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def check_walks(data: dict[str, NDArray[Any]], frames: int) -> None:
    """Raise ValueError if bounds, labels and frame rates do not fit the number of frames."""
    offsets = data["offsets"]
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise ValueError("offsets are not a list of two or more integers")
    bounds = offsets.astype(np.int64)
    if bounds[0] != 0 or bounds[-1] != frames or (np.diff(bounds) < 0).any():
        raise ValueError("offsets do not run from 0 to the number of frames")
    for key in WALKS:
        if data[key].shape != (len(offsets) - 1,):
            raise ValueError(f"{key} has shape {data[key].shape} for {len(offsets) - 1} walks")
    rates = data["fps"].astype(np.float64)
    if (rates[np.isfinite(rates)] <= 0).any():
        raise ValueError("a frame rate is not above 0")


def _check_claim(stream: Any, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header asks for more memory than the file has bytes."""
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"{member.filename!r} has array format {version}")
    shape, _, dtype = read(stream)  # type: ignore[no-untyped-call]
    wanted = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
    if wanted > member.file_size:
        raise ValueError(
            f"{member.filename!r} claims {wanted} bytes in a file of {member.file_size}"
        )

"""SQLite's write-ahead log, read without SQLite (sqlite.org/fileformat2.html, section 4).

SQLite needs to write beside a gallery to read its log. Where nothing may be written, an unfinished
log would hide the last enrolments and bring back removed ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

import numpy as np

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_MAGIC: Final = {0x377F0682: "<u4", 0x377F0683: ">u4"}
"""How the numbers of a checksum are stored."""

_VERSION: Final = 3_007_000


def apply_log(database: bytes, log: bytes) -> bytearray:
    """Return a database as SQLite would see it with its write-ahead log.

    As SQLite does, frames count up to the last one that ends a transaction; what follows the
    first frame of an earlier log or with a wrong checksum does not.

    Returns
    -------
    bytearray
        The database, no longer marked as one that has a log.

    Raises
    ------
    ValueError
        If the log says that there are pages which are neither here nor there.
    """
    size = int.from_bytes(log[8:12], "big")
    count = 0
    pending: dict[int, bytes] = {}
    pages: dict[int, bytes] = {}
    for number, after, page in _frames(log, size):
        pending[number] = page
        if after:
            count, pages, pending = after, pages | pending, {}
    if count * size > len(database) + len(log):
        raise ValueError(f"a log of {count} pages that are not there")
    merged = bytearray(database)
    if count:
        del merged[count * size :]
        merged.extend(bytes(count * size - len(merged)))
        for number, page in pages.items():
            if 0 < number <= count:
                merged[(number - 1) * size : number * size] = page
    merged[18:20] = b"\x01\x01"
    return merged


def _frames(log: bytes, size: int) -> Iterable[tuple[int, int, bytes]]:
    """Yield page number, size of the database if this ends a transaction, and page."""
    if len(log) < _HEADER.size:
        return
    magic, version, _, _, *salts, first, second = _HEADER.unpack_from(log)
    order = _MAGIC.get(magic)
    if order is None or version != _VERSION or size not in {2**n for n in range(9, 17)}:
        return
    sums = _checksum(log[:24], order, (0, 0))
    if sums != (first, second):
        return
    place = _HEADER.size
    while place + _FRAME.size + size <= len(log):
        number, after, *salt, first, second = _FRAME.unpack_from(log, place)
        page = log[place + _FRAME.size : place + _FRAME.size + size]
        sums = _checksum(log[place : place + 8] + page, order, sums)
        if salt != salts or sums != (first, second):
            return
        yield number, after, page
        place += _FRAME.size + size


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    numbers = np.frombuffer(data, order).tolist()
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

"""Seeded changes of archives of arrays: members, headers, the ZIP around them; and bombs."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from functools import cache
from typing import Final

from fuzz.mutate import change_bytes, change_json


def change_npz(data: bytes, rng: random.Random) -> bytes:
    """Change an archive of arrays: its members, their headers, its own structure."""
    if rng.random() < 0.3:
        return change_bytes(data, rng)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            whole = sum(member.file_size for member in archive.infolist())
            members = {name: archive.read(name) for name in archive.namelist() if whole < 2**26}
    except Exception:  # an archive that was changed before: zipfile raises many things
        members = {}
    if not members:
        return change_bytes(data, rng)
    name = rng.choice(list(members))
    action = rng.random()
    if action < 0.35:
        members[name] = _change_header(members[name], rng)
    elif action < 0.55:
        inner = change_npz if name.endswith(".npz") else change_bytes
        members[name] = inner(members[name], rng)
    elif action < 0.65:
        members[name] = json_array(change_json(members[name][128:], rng))
    elif action < 0.7:
        del members[name]
    elif action < 0.8:
        members[rng.choice(("../x.npy", "x", "meta.npy", "x" * 300, "\x1b[31m.npy"))] = members[
            name
        ]
    elif action < 0.85:
        members[name] = array_header((2**31,), "<f8") + bytes(rng.choice((0, 2**20)))
    elif action < 0.87:
        return bomb(name)
    return _pack(members, rng)


@cache
def bomb(name: str, arrays: int = 100, size: int = 2**25) -> bytes:
    """Return a small archive of many arrays, each within bounds, together some gigabytes."""
    member = array_header((size // 8,), "<f8") + bytes(size)
    once = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = once.compress(member) + once.flush()
    check = zlib.crc32(member)
    body, index = b"", b""
    for number in range(arrays):
        file = (name if not number else f"b{number}.npy").encode()
        entry = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, check, len(packed), len(member),
                            len(file), 0)  # fmt: skip
        index += b"PK\x01\x02" + struct.pack("<H", 20) + entry
        index += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + file
        body += b"PK\x03\x04" + entry + file + packed
    end = struct.pack("<HHHHIIH", 0, 0, arrays, arrays, len(index), len(body), 0)
    return body + index + b"PK\x05\x06" + end


def _pack(members: dict[str, bytes], rng: random.Random) -> bytes:
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    buffer = io.BytesIO()
    big = sum(map(len, members.values())) > 2**22
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if big else rng.choice(kinds)) as out:
        for name, content in members.items():
            out.writestr(name, content)
    data = buffer.getvalue()
    if rng.random() < 0.3:  # damage within a compressed member
        data = change_bytes(data, rng)
    return data


def array_header(shape: tuple[int, ...], kind: str) -> bytes:
    """Return the header of a ``.npy`` file."""
    return _npy({"descr": kind, "fortran_order": False, "shape": shape})


def json_array(data: bytes) -> bytes:
    """Return a ``.npy`` file of bytes."""
    return array_header((len(data),), "|u1") + data


def _npy(header: object) -> bytes:
    text = repr(header).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) % 65536) + text[:65535]


_HEADERS: Final = (
    {"descr": "|O", "fortran_order": False, "shape": (1,)},
    {"descr": "<f8", "fortran_order": "no", "shape": (1,)},
    {"descr": "<f8", "fortran_order": False, "shape": (-1,)},
    {"descr": "<f8", "fortran_order": False, "shape": (2**62, 2**62)},
    {"descr": "<f8", "fortran_order": False, "shape": (1.5,)},
    {"descr": "<f8", "fortran_order": False, "shape": "x"},
    {"descr": "<f8", "fortran_order": False, "shape": None},
    {"descr": [("a", "<f8"), ("b", "|O")], "fortran_order": False, "shape": (1,)},
    {"descr": None, "fortran_order": False, "shape": (1,)},
    {"descr": "<U1000000", "fortran_order": False, "shape": (1,)},
    {"descr": "<M8[ns]", "fortran_order": False, "shape": (1,)},
    {"descr": "|V0", "fortran_order": False, "shape": (10**9,)},
    {"descr": "<f8", "fortran_order": False, "shape": (0, 10**12)},
    {"descr": "<c16", "fortran_order": True, "shape": (2, 2)},
    {"descr": "\x1b[31m", "fortran_order": False, "shape": ()},
    {"shape": ()},
    [1],
    {"descr": "<f8", "fortran_order": False, "shape": (True, True)},
    {"descr": b"<f8", "fortran_order": False, "shape": (1,)},
    {"descr": ("<f8", (2,)), "fortran_order": False, "shape": (1,)},
    {"descr": ("<f8", (-2,)), "fortran_order": False, "shape": (1,)},
    {"descr": "<f8", "fortran_order": False, "shape": (1,) * 40},
)


def _change_header(data: bytes, rng: random.Random) -> bytes:
    body = data[128:]
    roll = rng.random()
    if roll < 0.6:
        return _npy(rng.choice(_HEADERS)) + body
    if roll < 0.8:
        text = rng.choice((b"{'a': ", b"(" * 2000, b"[" * 300, b"1" * 6000, b"'\\ud800'", b"{**1}"))
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body
    return data[:6] + bytes([rng.randrange(5), rng.randrange(2)]) + data[8:]

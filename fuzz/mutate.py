"""Seeded changes of good files: bytes, text, and formats whose structure is known."""

from __future__ import annotations

import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any, Final

Mutator = Callable[[bytes, random.Random], bytes]

HOSTILE_TEXT: Final = (
    "",
    "\x00",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "[/bold][red]",
    "A" * 10_000,
    "9" * 5_000,
    "-1",
    "1e999",
    "nan",
    "inf",
    "2001-99-99",
    "../../../etc/passwd",
    "\u202eevil\u2066",
    "\ud800",
    "a\nb\rc\td",
    "<script>alert(1)</script>",
    "{{7*7}}%s%n",
)
"""Values that a text field may hold and that something behind it may stumble over."""

HOSTILE_VALUES: Final = (
    *HOSTILE_TEXT,
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    -0.0,
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
    [],
    {},
    [[]],
    {"": None},
    [None] * 100,
)
"""The same for a field of JSON or YAML; NaN and Infinity are what Python writes for them."""

LARGEST: Final = 2**23
"""Bytes of a changed text; one that is doubled again and again grows fast."""

EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBER: Final = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, double, swap, insert or overwrite, once to a few times."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        data = rng.choice(_BYTE_CHANGES)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    at, size = _span(data, rng)
    filler = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size)))
    return data[:at] + filler + data[at + size :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _leave_out(data: bytes, rng: random.Random) -> bytes:
    at, size = _span(data, rng)
    return data[:at] + data[at + size :]


def _double(data: bytes, rng: random.Random) -> bytes:
    at, size = _span(data, rng)
    return data[:at] + data[at : at + size] * rng.choice((2, 2, 10)) + data[at + size :]


def _swap(data: bytes, rng: random.Random) -> bytes:
    at, size = _span(data, rng)
    to = rng.randrange(len(data) + 1)
    rest = data[:at] + data[at + size :]
    return rest[:to] + data[at : at + size] + rest[to:]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    text = rng.choice(HOSTILE_TEXT).encode("utf-8", "surrogatepass")
    return data[:at] + text + data[at:]


def _number(data: bytes, rng: random.Random) -> bytes:
    """Overwrite what may be a length field with an edge value."""
    size = rng.choice((1, 2, 4, 4, 8))
    if len(data) < size:
        return data
    at = rng.randrange(len(data) - size + 1)
    value = (rng.choice(EDGES) + rng.choice((-1, 0, 0, 1))) % 2 ** (8 * size)
    return data[:at] + value.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    size = min(len(data), rng.choice((1, 2, 4, 16, 64, 512, 4096)))
    return rng.randrange(len(data) - size + 1), size


_BYTE_CHANGES: Final = (
    _flip,
    _flip,
    _overwrite,
    _cut,
    _leave_out,
    _double,
    _swap,
    _insert,
    _number,
    _number,
)


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Change one to three places of a JSON document, or how it is written."""
    roll = rng.random()
    if roll < 0.2:
        return change_text(data, rng)
    if roll < 0.3:
        return change_bytes(data, rng)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(data, rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        document = change_value(document, rng)
    try:
        text = json.dumps(document)
    except (ValueError, RecursionError):
        return change_bytes(data, rng)
    if rng.random() < 0.05:  # how deep is too deep differs between parsers
        depth = rng.choice((100, 1_000, 100_000))
        place = text.find(":") + 1
        text = text[:place] + "[" * depth + "]" * depth + "," + text[place:]
    return text.encode("utf-8", "surrogatepass")


def change_value(document: Any, rng: random.Random) -> Any:
    """Replace, remove, add or double one place of nested dicts and lists."""
    if not isinstance(document, dict | list) or not document or rng.random() < 0.15:
        return rng.choice(HOSTILE_VALUES)
    copy = dict(document) if isinstance(document, dict) else list(document)
    keys = list(copy) if isinstance(copy, dict) else range(len(copy))
    key = rng.choice(list(keys))
    inner = copy[key]
    action = rng.random()
    if isinstance(inner, dict | list) and action < 0.6:
        copy[key] = change_value(inner, rng)
    elif action < 0.75:
        copy[key] = rng.choice(HOSTILE_VALUES)
    elif action < 0.85:
        del copy[key]
    elif isinstance(copy, dict):
        copy[rng.choice((*HOSTILE_TEXT, str(key) * 2))] = inner
    else:
        copy.extend([inner] * rng.choice((1, 100)))
    return copy


def change_text(data: bytes, rng: random.Random) -> bytes:
    """Change numbers, cells and lines of a table, of YAML, or of other text."""
    if rng.random() < 0.2:
        return change_bytes(data, rng)
    for _ in range(rng.choice((1, 1, 2, 5))):
        data = rng.choice(_TEXT_CHANGES)(data, rng)[:LARGEST]
    return data


def _text_number(data: bytes, rng: random.Random) -> bytes:
    numbers = list(NUMBER.finditer(data[:200_000]))
    if not numbers:
        return data
    at = rng.choice(numbers)
    hostile = (b"0", b"-1", b"1e999", b"nan", b"inf", b"9" * 5000, b"x", b"", b"4294967296", b"1e9")
    return data[: at.start()] + rng.choice(hostile) + data[at.end() :]


def _text_cell(data: bytes, rng: random.Random) -> bytes:
    parts = re.split(rb"([,;:\t\n ])", data)
    value = rng.choice(HOSTILE_TEXT).encode("utf-8", "surrogatepass")
    parts[rng.randrange(len(parts))] = value
    return b"".join(parts)


def _text_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at = rng.randrange(len(lines))
    action = rng.randrange(4)
    if action == 0:
        del lines[at]
    elif action == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif action == 2:
        lines[at] = lines[at][: LARGEST // 1000] * rng.choice((2, 1000))
    else:
        lines[at] = lines[at].strip() + rng.choice((b"\r\n", b"\r", b"", b"\x00\n", b"\xff\xfe\n"))
    return b"".join(lines)


def _text_encoding(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-8-sig", "latin-1", "utf-32")), "replace")


_TEXT_CHANGES: Final = (
    _text_number,
    _text_number,
    _text_cell,
    _text_cell,
    _text_lines,
    _text_encoding,
)


_YAML: Final = (
    b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefghi"),
    b"a: &a [*a]\n",
    b"&a {*a : 1}\n",
    b"!!python/object/apply:os.system ['true']\n",
    b"x: 2001-99-99\n",
    b"x: " + b"[" * 3000 + b"]" * 3000 + b"\n",
    b"x: " + b"9" * 5000 + b"\n",
    b"x: 1:2:3:4:99999999999999999999\n",
    b"? [a, b]\n: c\n",
    b"!!set {a, b}\n",
    b"!!binary x\n",
    b"<<: [a]\n",
    b"x: !!timestamp nonsense\n",
    b"---\na: 1\n---\nb: 2\n",
    b"- 1\n- 2\n",
    b"just text\n",
    b"1\n",
    b"x: \x1b[31m\n",
    b'x: "\\e[31m"\n',
    b"%YAML 9.9\n---\na\n",
    b"x: !!float nonsense\n",
    b"x: !!int nonsense\n",
    b"x: 0x\n",
    b"x: !!omap [1]\n",
)


def change_yaml(data: bytes, rng: random.Random) -> bytes:
    """Change YAML as text, or add one of its constructs that other formats have not."""
    if rng.random() < 0.5:
        return change_text(data, rng)
    construct = rng.choice(_YAML)
    lines = data.splitlines(keepends=True)
    if lines and rng.random() < 0.5:
        line = rng.choice(lines)
        key, colon, _ = line.partition(b":")
        value = construct.split(b":", 1)[-1].strip(b"\n")
        if colon:
            return data.replace(line, key + b": " + value.strip() + b"\n", 1)
    return construct if rng.random() < 0.5 else construct + data


def change_boxes(data: bytes, rng: random.Random) -> bytes:
    """Change the size or the name of a box of an MP4 or MOV file, or bytes of its content."""
    if rng.random() < 0.5:
        return change_bytes(data, rng)
    places = [
        match.start() - 4
        for match in re.finditer(rb"ftyp|moov|mvhd|trak|tkhd|mdia|mdhd|stbl|stsd|stts|stsc|stsz|"
                                 rb"stco|ctts|stss|elst|avc1|avcC|mdat|udta|meta", data)
        if match.start() >= 4
    ]  # fmt: skip
    if not places:
        return change_bytes(data, rng)
    at = rng.choice(places)
    action = rng.random()
    if action < 0.4:
        return data[:at] + struct.pack(">I", rng.choice(EDGES) & 0xFFFFFFFF) + data[at + 4 :]
    if action < 0.6:
        return data[: at + 4] + rng.choice((b"free", b"moov", b"\xff\xff\xff\xff")) + data[at + 8 :]
    inside = at + 8 + rng.randrange(64)
    return data[:inside] + struct.pack(">I", rng.choice(EDGES)) + data[inside + 4 :]


def change_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Change the JSON header of a safetensors file, or bytes."""
    length = int.from_bytes(data[:8], "little")
    if rng.random() < 0.3 or length > len(data):
        return change_bytes(data, rng)
    header, body = data[8 : 8 + length], data[8 + length :]
    try:
        document = json.loads(header)
        inside = document.get("__metadata__", {})
        key = rng.choice(list(inside)) if inside and rng.random() < 0.6 else None
        if key is not None:  # what we keep there is JSON in its turn
            text = change_json(inside[key].encode(), rng).decode("utf-8", "replace")
            document["__metadata__"][key] = text
            header = json.dumps(document).encode()
        else:
            header = change_json(header, rng)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return change_bytes(data, rng)
    claimed = len(header) if rng.random() < 0.9 else rng.choice((0, 2**40, 2**63, len(header) + 1))
    return struct.pack("<Q", claimed) + header + body


_PICKLES: Final = (
    b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    b"\x80\x02" + b"(" * 5000 + b".",
    b"\x80\x04\x8c\x06_codecs\x8c\x06encode\x93X\x00\x00\x00\x00\x8c\x06latin1\x86R.",
    b"\x80\x02]q\x00" + b"h\x00a" * 2000 + b".",
    b"\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\xffx.",
)


def change_pickle(data: bytes, rng: random.Random) -> bytes:
    """Change a pickle, or put other instructions before, into or in place of it."""
    roll = rng.random()
    if roll < 0.7:
        return change_bytes(data, rng)
    if roll < 0.85:
        return rng.choice(_PICKLES)
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(_PICKLES)[2:-1] + data[at:]

"""The one way in for files that come from outside: nothing else in gaitproof opens them.

A module that reads a format describes it once and calls one function:

>>> from pathlib import Path
>>> from gaitproof.errors import PoseError
>>> POSES = FileKind("pose file", PoseError, 2**26)
>>> read_json(Path("none.json"), POSES)
Traceback (most recent call last):
    ...
gaitproof.errors.PoseError: The pose file 'none.json' does not exist.

Every function takes a path and a `FileKind` (``noun``, ``error``, ``max_bytes``, ``expected``,
``hint`` …), opens without blocking, accepts regular files only (no pipe, device, socket or folder),
stops reading at ``max_bytes`` whatever the file's size is said to be, and raises nothing but the
kind's ``error``:

=====================  =========================================================================
`open_file`            an open binary file, for formats that are read in pieces
`read_bytes`           the content
`read_text`            UTF-8 text, without a byte order mark
`read_json`            JSON: bounded memory, depth and digits (`parse_json` for bytes at hand)
`read_model`           JSON validated by a pydantic class (`parse_model`)
`read_yaml`            YAML: safe loader, bounded nodes after expansion of aliases, depth, digits
`read_rows`            CSV rows, one at a time, bounded in number (`parse_rows`)
`read_table`           a whole CSV file by column (`parse_table`)
`read_array`           NumPy's ``.npy``
`read_arrays`          NumPy's ``.npz``: sizes are checked before they are allocated
`read_members`         a ZIP's members as bytes, the same way (`parse_members`, `parse_arrays`)
`read_tensors`         safetensors and their metadata (`parse_tensors`)
`decode_image`         a PNG, JPEG, BMP or WebP whose header was checked before it is decoded
=====================  =========================================================================

What a module makes of the content is parsed inside `guarded`, which turns whatever a parser meets
in a damaged file (also RecursionError, MemoryError, KeyError, LZMAError …) into the same error:

>>> with guarded(Path("x.json"), POSES):  # doctest: +SKIP
...     frames = data["frames"]

Errors of gaitproof pass through it. `raise_malformed` says the same of a file by hand. Texts from
files go into messages through `shown` (a value) or `gaitproof.text.one_line` (a message), which
clip them and escape what no terminal should print; the error classes do the latter by themselves.
"""

from gaitproof.reading.arrays import (
    parse_arrays,
    parse_members,
    parse_tensors,
    read_array,
    read_arrays,
    read_members,
    read_tensors,
    unpacked_size,
)
from gaitproof.reading.documents import (
    parse_json,
    parse_model,
    parse_yaml,
    read_json,
    read_model,
    read_yaml,
)
from gaitproof.reading.files import FileKind, open_file, read_bytes, read_text
from gaitproof.reading.guard import describe, guarded, malformed, shown
from gaitproof.reading.images import decode_image
from gaitproof.reading.tables import parse_rows, parse_table, read_rows, read_table, split_lines

__all__ = [
    "FileKind",
    "decode_image",
    "describe",
    "guarded",
    "malformed",
    "open_file",
    "parse_arrays",
    "parse_json",
    "parse_members",
    "parse_model",
    "parse_rows",
    "parse_table",
    "parse_tensors",
    "parse_yaml",
    "read_array",
    "read_arrays",
    "read_bytes",
    "read_json",
    "read_members",
    "read_model",
    "read_rows",
    "read_table",
    "read_tensors",
    "read_text",
    "read_yaml",
    "shown",
    "split_lines",
    "unpacked_size",
]

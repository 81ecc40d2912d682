"""CSV, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BufferedReader
from typing import Final

from gaitproof.errors import GaitproofError
from gaitproof.reading.files import (
    FileKind,
    Source,
    decode_text,
    open_file,
    read_text,
    too_large,
)
from gaitproof.reading.guard import describe, guarded, malformed

MAX_ROWS: Final = 1_000_000
"""Most rows of a table that a caller keeps."""

MAX_LINE: Final = 2**20
"""Longest line of a table, bytes."""

MAX_CELLS: Final = 4096
"""Most cells of a row."""


def read_rows(
    path: Source, kind: FileKind, *, delimiter: str = ",", max_rows: int = MAX_ROWS
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file with the number of the line on which each ends.

    Blank lines are left out. Quotes must be closed. The file is read line by line.

    Parameters
    ----------
    path, kind
        As `read_bytes`.
    delimiter
        Between cells.
    max_rows
        More are an error.

    Raises
    ------
    GaitproofError
        The kind's error.
    """
    with open_file(path, kind) as file:
        yield from _rows(_decoded(file, path, kind), path, kind, delimiter, max_rows)


def parse_rows(
    text: str, path: Source, kind: FileKind, *, delimiter: str = ",", max_rows: int = MAX_ROWS
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of CSV; `path` is for messages, the rest as `read_rows`."""
    return _rows(split_lines(text), path, kind, delimiter, max_rows)


def _rows(
    lines: Iterator[str], path: Source, kind: FileKind, delimiter: str, max_rows: int
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    count = 0
    # no `guarded`: it would be entered a million times, or hold while the caller works
    try:
        for cells in reader:
            count += bool(cells)
            if count > max_rows:
                raise ValueError(f"more than {max_rows} rows")
            if len(cells) > MAX_CELLS:
                raise ValueError(f"more than {MAX_CELLS} cells")
            if cells:
                yield reader.line_num, cells
    except GaitproofError:
        raise
    except Exception as error:
        raise malformed(path, kind, f"line {reader.line_num}: {describe(error)}") from error


def _decoded(file: BufferedReader, path: Source, kind: FileKind) -> Iterator[str]:
    total = 0
    while line := file.readline(MAX_LINE + 1):
        total += len(line)
        if total > kind.max_bytes:
            raise too_large(path, kind)
        if len(line) > MAX_LINE:
            raise ValueError(f"a line of more than {MAX_LINE} bytes")
        yield decode_text(line, path, kind)


def read_table(path: Source, kind: FileKind) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header of a CSV file, and every row by column; arguments as `read_rows`.

    Raises
    ------
    GaitproofError
        The kind's error, also for a column that is there twice or a row of another length.
    """
    return parse_table(read_text(path, kind), path, kind)


def parse_table(text: str, path: Source, kind: FileKind) -> tuple[list[str], list[dict[str, str]]]:
    """Return header and rows of CSV; `path` is for messages, the rest as `read_table`."""
    rows = parse_rows(text, path, kind)
    _, header = next(rows, (0, []))
    with guarded(path, kind):
        if len(set(header)) < len(header):
            raise ValueError("a column is there twice")
        table = []
        for line, cells in rows:
            if len(cells) != len(header):
                raise ValueError(f"line {line} has {len(cells)} cells, the header {len(header)}")
            table.append(dict(zip(header, cells, strict=True)))
    return header, table


def split_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, one at a time.

    A list of them would take up to twenty times the text, an `io.StringIO` four times.
    """
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end

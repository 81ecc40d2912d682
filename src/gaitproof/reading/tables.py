"""CSV, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from gaitproof.reading.files import FileKind, Source, read_text
from gaitproof.reading.guard import guarded

MAX_ROWS: Final = 1_000_000
"""Most rows of a table that a caller keeps."""

MAX_CELLS: Final = 4096
"""Most cells of a row."""


def read_rows(
    path: Source, kind: FileKind, *, delimiter: str = ",", max_rows: int = MAX_ROWS
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file with the number of the line on which each ends.

    Blank lines are left out. Quotes must be closed.

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
    return parse_rows(read_text(path, kind), path, kind, delimiter=delimiter, max_rows=max_rows)


def parse_rows(
    text: str, path: Source, kind: FileKind, *, delimiter: str = ",", max_rows: int = MAX_ROWS
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of CSV; `path` is for messages, the rest as `read_rows`."""
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    count = 0
    while True:
        with guarded(path, kind):
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise ValueError(f"line {reader.line_num}: {error}") from error
            count += bool(cells)
            if count > max_rows:
                raise ValueError(f"more than {max_rows} rows")
            if cells and len(cells) > MAX_CELLS:
                raise ValueError(f"line {reader.line_num}: more than {MAX_CELLS} cells")
        if cells is None:
            return
        if cells:
            yield reader.line_num, cells


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


def _lines(text: str) -> Iterator[str]:
    """Yield lines with their ends: io.StringIO would keep a copy of four bytes a character."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end

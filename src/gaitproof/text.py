"""Text of strangers, made safe to show; numbers, made safe for JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.table import Table


def printable(text: str, keep: str = "") -> str:
    r"""Return text that cannot steer a terminal or a page: what is not printable is escaped.

    Control characters, escape sequences, line breaks, marks that change the direction of writing
    and bytes of file names that are no text all become visible.

    Parameters
    ----------
    text
        Any text.
    keep
        Characters that stay as they are.

    Examples
    --------
    >>> printable("a\nb")
    'a\\nb'
    """
    if text.isprintable():
        return text
    return "".join(
        c
        if c.isprintable() or c in keep
        else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def one_line(text: str, limit: int = 1000) -> str:
    """Return text as one printable line of bounded length, with single spaces for white space."""
    # ten times the limit is enough to fill it with words
    words = " ".join(text[: 10 * limit].split())
    plain = printable(words[: limit + 1])
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


class BesideLimit(float):
    """A value that is shown beside a limit: with as many digits more as tell the two apart.

    Parameters
    ----------
    value, limit
        Both are of one unit. Format specifications are a precision and ``f`` or ``%``.

    Examples
    --------
    >>> f"{BesideLimit(1.96, 2):.1f} s of 2, {BesideLimit(0.798, 0.8):.0%} of 80%"
    '1.96 s of 2, 79.8% of 80%'
    """

    _limit: float

    def __new__(cls, value: float, limit: float) -> Self:
        """Keep the limit beside the value."""
        own = super().__new__(cls, value)
        own._limit = limit
        return own

    def __format__(self, spec: str) -> str:
        """Format as a float."""
        digits, kind = int(spec[1:-1]), spec[-1]
        texts = [
            [format(one, f".{more}{kind}") for one in (float(self), self._limit)]
            for more in range(digits, digits + 4)
        ]
        return next((own for own, limit in texts if own != limit), texts[0][0])


def csv_text(rows: Iterable[Iterable[object]], end: str = "\n") -> str:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()


def json_text(value: Mapping[str, Any], indent: int | None = None) -> str:
    """Return one JSON object in ASCII; numbers that JSON does not know become null."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def make_table(
    words: Sequence[str],
    numbers: Sequence[str] = (),
    rows: Iterable[Sequence[object]] = (),
    *,
    wrap: bool = True,
    **style: Any,
) -> Table:
    """Return a table for a terminal.

    Parameters
    ----------
    words, numbers
        Headings of the columns: first those of words, then those of numbers, which stand at the
        right.
    rows
        Cells; what is not rich's own is shown as `printable` text.
    wrap
        Whether numbers may be broken into lines.
    style
        What `rich.table.Table` takes: title, caption and the like.
    """
    from rich.table import Table

    table = Table(**style)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", overflow="fold", no_wrap=not wrap)
    for row in rows:
        table.add_row(
            *(one if hasattr(one, "__rich_console__") else printable(str(one)) for one in row)
        )
    return table

"""Text of strangers, made safe to show; numbers, made safe for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


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

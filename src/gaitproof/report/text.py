"""Text of strangers, made safe to show; numbers, made safe for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal or a page: what is not printable is escaped.

    >>> printable("a\nb")
    'a\\nb'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def json_text(value: Mapping[str, Any], indent: int | None = None) -> str:
    """Return one JSON object; numbers that JSON does not know become null."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

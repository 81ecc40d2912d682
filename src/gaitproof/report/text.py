"""Text of strangers, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal or a page: what is not printable is escaped.

    >>> printable("a\nb")
    'a\\nb'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )

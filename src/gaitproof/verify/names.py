"""Names of identities: what is allowed, and when two names are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

from gaitproof.errors import GalleryError

MAX_NAME_LENGTH: Final = 100
"""Characters; long enough for any person's full name, short enough for one line."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners: invisible, but part of correct spelling in Persian and Indic scripts."""


def check_name(name: str) -> str:
    """Validate the name of an identity.

    A name is data: it is never used as a path or as part of a query. What is refused is what
    would deceive a reader of a list or a report: control characters, line breaks, invisible and
    direction-changing characters, path separators, surrounding spaces.

    Returns
    -------
    str
        The name in Unicode normal form C.

    Raises
    ------
    GalleryError
        If the name is empty, too long, or holds a character that is not allowed.
    """
    normal = unicodedata.normalize("NFC", name)
    allowed = f"1 to {MAX_NAME_LENGTH} printable characters without '/' and '\\'"
    if not normal.strip():
        raise GalleryError("The name of an identity must not be empty.", expected=allowed)
    if normal != normal.strip():
        raise GalleryError(
            f"The name {name!r} starts or ends with a space.", hint=f"{normal.strip()!r}"
        )
    if len(normal) > MAX_NAME_LENGTH:
        raise GalleryError(
            "The name is too long.", expected=allowed, actual=f"{len(normal)} characters"
        )
    for character in normal:
        category = unicodedata.category(character)
        bad = category.startswith("C") or category in ("Zl", "Zp") or character in "/\\"
        if bad and character not in _JOINERS:
            raise GalleryError(
                f"The name {name!r} holds a character that is not allowed.",
                expected=allowed,
                actual=f"U+{ord(character):04X}",
            )
    if set(normal) <= {"."}:
        raise GalleryError(f"The name {name!r} is not allowed.", expected=allowed)
    return normal


def name_key(name: str) -> str:
    """Return what two spellings of one name share: compatibility form, case folded.

    "Ann", "ANN" and "ann" are one identity, so that a claim cannot be steered to a look-alike
    entry by its capitals.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())

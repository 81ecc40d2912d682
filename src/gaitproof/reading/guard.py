"""Whatever a parser meets in a damaged file becomes one error with the file's name."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError

from gaitproof.errors import GaitproofError
from gaitproof.reading.files import FileKind, Source
from gaitproof.text import one_line

_SHORT: Final = 80
_REPR: Final = reprlib.Repr()
_REPR.maxlevel = 2
_REPR.maxstring = _REPR.maxother = _SHORT


def shown(value: object, limit: int = _SHORT) -> str:
    """Return the representation of a value from a file, clipped and printable.

    It takes bounded time: YAML aliases can make a value whose `repr` never ends.
    """
    try:
        return one_line(_REPR.repr(value), limit)
    except Exception:  # an integer of more digits than Python writes, a class with a broken repr
        return f"a value of type {type(value).__name__}"


def describe(error: BaseException, limit: int = 200) -> str:
    """Return in a few plain words what a parser's exception says."""
    match error:
        case ValidationError():
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            text = f"{where}: {first['msg']}" if where else first["msg"]
        case KeyError(args=(key,)):
            text = f"no {shown(key)}"
        case RecursionError():
            text = "too deeply nested"
        case MemoryError():
            text = "more than fits into memory"
        case OSError(strerror=str(reason)):
            text = reason
        case GaitproofError():
            text = str(error)
        case _:
            text = str(error)
    return one_line(text, limit) or type(error).__name__


def malformed(path: Source, kind: FileKind, detail: BaseException | str) -> GaitproofError:
    """Return the error to raise for a file that is not what it should be."""
    return kind.error(
        f"{str(path)!r} is not a valid {kind.noun}.",
        expected=kind.expected,
        actual=detail if isinstance(detail, str) else describe(detail),
        hint=kind.hint,
    )


@contextmanager
def guarded(path: Source, kind: FileKind) -> Iterator[None]:
    """Turn any exception of the block into the kind's error.

    The block holds parsing only: what fails in it is blamed on the file. Errors of gaitproof pass
    through; floating-point warnings about absurd numbers are not printed.

    Raises
    ------
    GaitproofError
        The kind's error.
    """
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            yield
    except GaitproofError:
        raise
    # parsers of untrusted data fail with whatever they stumble over, also with NameError
    except Exception as error:
        raise malformed(path, kind, error) from error

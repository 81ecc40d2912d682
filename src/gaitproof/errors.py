"""Every error gaitproof raises on purpose.

::

    GaitproofError
    ├── InputError            the user's input cannot be used
    │   ├── MediaError        a video cannot be read, or breaks a limit
    │   ├── PoseError         a pose file or sequence is malformed
    │   ├── GalleryError      gallery missing, read-only, of another version, unknown identity
    │   ├── ChoiceError       of several people in a video one must be chosen; `verify.results`
    │   └── ConfigError       a setting is unknown or out of range
    ├── ModelError            weights or model card are missing, broken or do not match
    └── DependencyError    a package, system library or device is missing

Each says what was expected, what was found and what to do next. The command line prints the
message and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from gaitproof.text import one_line


class GaitproofError(Exception):
    """Base of all errors that gaitproof raises on purpose.

    Texts may quote what came from a file: all are made printable, on one line.

    Parameters
    ----------
    message
        What went wrong, one sentence.
    expected
        What would have been right.
    actual
        What was found.
    hint
        What the user can do next.

    Examples
    --------
    >>> import gaitproof as gp
    >>> print(gp.GaitproofError("The frame rate is too low.", expected="15 or more", actual="12"))
    The frame rate is too low. Expected: 15 or more. Found: 12.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        actual: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.expected, self.actual, self.hint = (
            None if text is None else one_line(text) for text in (expected, actual, hint)
        )

    def __str__(self) -> str:
        parts = [self.message]
        if self.expected is not None:
            parts.append(f"Expected: {self.expected}.")
        if self.actual is not None:
            parts.append(f"Found: {self.actual}.")
        if self.hint is not None:
            parts.append(f"Try: {self.hint}.")
        return " ".join(parts)


class InputError(GaitproofError):
    """The user's input cannot be used as it is."""


class MediaError(InputError):
    """A video cannot be read, or it breaks a configured limit."""


class PoseError(InputError):
    """A pose sequence or pose file is malformed."""


class GalleryError(InputError):
    """A gallery cannot be used, or it does not hold what was asked for."""


class ConfigError(InputError):
    """A setting is unknown or out of its range."""


class ModelError(GaitproofError):
    """Weights or their card are missing, broken, or do not fit the data."""


class DependencyError(GaitproofError):
    """A package, system library or device that is needed here is missing."""


def need_packages(names: Sequence[str], message: str, hint: str) -> None:
    """Raise `DependencyError`, which names them, if some of these packages are not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise DependencyError(message, actual=f"{', '.join(missing)} missing", hint=hint)

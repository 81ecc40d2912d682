"""Standard output and error of the command: printable, and never silently lost."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOBase
from typing import Final, TextIO, cast

from gaitproof.text import printable

_LAYOUT: Final = "\n\t"
"""The only characters that are kept though they are not printable."""

_STYLE: Final = re.compile(r"(\r|\x1b\[(?:[\d;]*m|\d*[ABK]|\?25[hl]))")
"""What a terminal gets beside: rich's colours, and how its progress bars redraw a line."""

_FORCED: Final = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS")
"""Variables by which people tell rich and typer to colour what goes to a file."""


class UndeliveredError(Exception):
    """What was printed did not reach standard output."""


class PeopleStream(TextIOBase):
    """A text stream that escapes whatever could steer a terminal.

    Parameters
    ----------
    inner
        Where the text goes.
    vital
        Whether losing text is a failure: True for results, False for notices.
    """

    def __init__(self, inner: TextIO, *, vital: bool) -> None:
        super().__init__()
        self._inner = inner
        self._vital = vital
        self._styled = inner.isatty() or any(os.environ.get(name) for name in _FORCED)
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write text; its control characters become visible."""
        self._deliver(text)
        return len(text)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._deliver("")

    def _deliver(self, text: str) -> None:
        if self.failure is None:
            try:
                self._inner.write(self._clean(text))
                if not text:
                    self._inner.flush()
                return
            except (OSError, ValueError) as error:  # ValueError: somebody closed it
                self._give_up(error)
        if self._vital:
            raise UndeliveredError from self.failure

    def _clean(self, text: str) -> str:
        if not self._styled:
            return printable(text, _LAYOUT)
        parts = _STYLE.split(text)
        return "".join(part if n % 2 else printable(part, _LAYOUT) for n, part in enumerate(parts))

    def _give_up(self, error: OSError | ValueError) -> None:
        self.failure = error if isinstance(error, OSError) else OSError(str(error))
        # what waits in the buffer has to go somewhere when the process ends
        with suppress(OSError, ValueError):
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, self._inner.fileno())
            os.close(sink)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._inner.fileno()

    def isatty(self) -> bool:
        """Tell whether a terminal shows it."""
        return self._inner.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the inner stream."""
        return self._inner.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the inner stream treats characters that it cannot encode."""
        return self._inner.errors


@contextmanager
def people_streams() -> Iterator[PeopleStream]:
    """Replace standard output and error while the block runs; yields the new standard output."""
    _open_closed()
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    out = PeopleStream(before[0], vital=True)
    sys.stdout = cast(TextIO, out)
    sys.stderr = cast(TextIO, PeopleStream(before[1], vital=False))
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def _open_closed() -> None:
    """Give standard streams that were closed by whoever began the process a descriptor.

    The next file that is opened would get it otherwise: what a library prints would end up in a
    gallery. A closed output gets a descriptor that refuses to be written to, for a result that
    nobody can read is none.
    """
    modes = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)
    for descriptor, mode in enumerate(modes):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)

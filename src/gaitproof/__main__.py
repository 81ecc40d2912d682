"""The process of the command: whatever happens, its status never looks like a verdict.

This module needs nothing but the standard library, so that it can also answer for a damaged
installation.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
from contextlib import suppress

from gaitproof.status import INTERRUPTED_STATUS, UNEXPECTED_STATUS


class _Ending:
    """The status that the process will leave with, however it ends."""

    def __init__(self) -> None:
        self.status = UNEXPECTED_STATUS
        # the first to be registered is the last to run: what Python does after it could only
        # change the status, for example to 120 where standard output cannot be flushed
        atexit.register(self._leave)
        self._guard()

    def _leave(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(self.status)

    def _guard(self) -> None:
        """Abort, with a status of its own, if a library calls C's ``exit``.

        OpenBLAS exits with status 1 when it gets no memory. Python itself never comes here, since
        `_leave` ends the process before.
        """
        with suppress(AttributeError, OSError):  # not every C library has it
            library = ctypes.CDLL(None)
            library.on_exit(library.abort, None)


def main() -> None:
    """Run the command line, exit with its status: docs/reference/security.md#exit-status."""
    ending = _Ending()
    try:
        from gaitproof.cli.app import run

        ending.status = run()
    except KeyboardInterrupt:
        ending.status = INTERRUPTED_STATUS
    except BaseException as error:
        if sys.stderr is not None:
            kind = type(error).__name__
            sys.stderr.write(f"gaitproof: it cannot start: {kind}: {str(error)!a}\n")
    sys.exit(ending.status)


if __name__ == "__main__":
    main()

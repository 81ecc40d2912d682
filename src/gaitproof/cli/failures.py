"""Exit statuses of what goes wrong, and what is said about it: one line each."""

from __future__ import annotations

import errno
import os
import platform
import shlex
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

import gaitproof
from gaitproof.cli.streams import PeopleStream, UndeliveredError
from gaitproof.errors import GaitproofError
from gaitproof.status import INTERRUPTED_STATUS, UNEXPECTED_STATUS
from gaitproof.text import one_line, printable

INPUT_ERROR_STATUS: Final = 2
"""Exit status for every usage or input error."""

UNDELIVERED_STATUS: Final = 74
"""Exit status when standard output could not be written (``EX_IOERR`` of sysexits.h)."""

_PACKAGE: Final = Path(gaitproof.__file__).parent

_OF_PATHS: Final = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What the operating system says of a path that somebody gave us."""

_LOOP: Final = "Symlink loop"
"""How `pathlib` puts ELOOP up to Python 3.12."""

_LONGEST: Final = 500
"""Characters of an unforeseen error's own message."""


@dataclass
class Failures:
    """How failures are to be told.

    Parameters
    ----------
    traceback
        Whether to show where they come from.
    """

    traceback: bool = False


def report_failure(error: BaseException, wanted: Failures) -> int:
    """Print what went wrong on standard error and return the status that says so."""
    if wanted.traceback:
        say("".join(traceback.format_exception(error)), keep="\n")
    status, text = _explain(error)
    if text:
        say(f"gaitproof: {text}")
    return status


def finish(status: int, results: PeopleStream) -> int:
    """Return the final status: a verdict that did not reach its reader is none."""
    with suppress(UndeliveredError):
        results.flush()
    if results.failure is None:
        return status
    reason = results.failure.strerror or str(results.failure)
    say(f"gaitproof: standard output could not be written, so there is no result: {reason}.")
    return UNDELIVERED_STATUS


def say(text: str, keep: str = "") -> None:
    """Print a line on standard error."""
    sys.stderr.write(printable(text, keep) + "\n")


def _explain(error: BaseException) -> tuple[int, str]:
    """Return the status and the line for an error; no line where one is printed elsewhere."""
    if isinstance(error, UndeliveredError):
        return UNDELIVERED_STATUS, ""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED_STATUS, "interrupted; nothing unfinished was kept."
    if isinstance(error, GaitproofError):
        return INPUT_ERROR_STATUS, str(error)
    if isinstance(error, typer.Abort):
        if isinstance(error.__context__, KeyboardInterrupt):
            return INTERRUPTED_STATUS, "interrupted; nothing was done."
        return INPUT_ERROR_STATUS, "not confirmed; nothing was done."
    if isinstance(error, typer.TyperException):
        return INPUT_ERROR_STATUS, _usage(error)
    if isinstance(error, OSError) and error.filename is not None and error.errno in _OF_PATHS:
        what = f"{os.fsdecode(error.filename)!r} cannot be used: {os.strerror(error.errno)}."
        return INPUT_ERROR_STATUS, what
    if isinstance(error, RuntimeError) and str(error).startswith(_LOOP):
        return INPUT_ERROR_STATUS, f"{one_line(str(error))}."
    if isinstance(error, ImportError):
        from gaitproof.doctor.libraries import explain_import_error

        explanation = explain_import_error(error)
        if explanation is not None:
            return INPUT_ERROR_STATUS, str(explanation)
    return UNEXPECTED_STATUS, _unexpected(error)


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    message = one_line(error.format_message())
    if context is None:
        return message
    if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
        return ""
    return f"{message} Try: {context.command_path} --help."


def _unexpected(error: BaseException) -> str:
    message = one_line(str(error), _LONGEST)
    again = shlex.join(["gaitproof", "--debug", *sys.argv[1:]])
    return (
        f"unexpected {type(error).__name__} at {_place(error)}, so there is no result: "
        f"{message or 'without a message'} (gaitproof {gaitproof.__version__}, Python "
        f"{platform.python_version()}). Please report this line; for the traceback: {again}"
    )


def _place(error: BaseException) -> str:
    """Return file and line of the last frame of ours, or else of the last frame."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not frames:
        return "an unknown place"
    frame = (ours or frames)[-1]
    file = Path(frame.filename)
    name = file.relative_to(_PACKAGE.parent) if ours else file.name
    return f"{name}:{frame.lineno}"

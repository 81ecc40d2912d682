"""The `gaitproof` command: parse, call, print."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import import_module
from typing import Annotated, Final

import typer

from gaitproof.cli.failures import Failures, finish, report_failure
from gaitproof.cli.streams import people_streams
from gaitproof.status import INTERRUPTED_STATUS

app = typer.Typer(
    name="gaitproof",
    help="Does a video really show the person it claims to show? Verified by the way they walk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_COMMAND_MODULES: Final = (
    "demo",
    "doctor",
    "extract",
    "verify",
    "watch",
    "explain",
    "face",
    "report",
    "preserve",
    "formats",
    "gallery",
    "reference",
    "dataset",
    "train",
    "export",
    "evaluate",
    "domains",
    "fusion",
    "experiments",
    "pipeline",
    "config",
    "bench",
    "serve",
    "audit",
)
"""Modules of this package with a `register(app)` function, in help order."""


_COMPLETION: Final = "_GAITPROOF_COMPLETE"
"""Set by the shell when it asks for the rest of a word."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from gaitproof import __version__

        typer.echo(f"gaitproof {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from: the traceback.")
    ] = False,
) -> None:
    """Verify that a video shows the person it claims to show, by the way they walk."""
    context.ensure_object(Failures).traceback = debug


for _name in _COMMAND_MODULES:
    import_module(f"gaitproof.cli.{_name}").register(app)


def run() -> int:
    """Run the command line that the process was given, and return its exit status.

    A command decides on 0, 1, 3 and 4 by itself; nothing that goes wrong leaves with one of them.
    """
    failures = Failures()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None  # of libraries' destructors; nobody could mend it
    # libraries log to standard error otherwise
    logging.getLogger().addHandler(logging.NullHandler())
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    with people_streams() as results:
        try:
            # in this mode what a command raises comes through, and typer.Exit is returned
            answer = app(obj=failures, prog_name="gaitproof", standalone_mode=False)
            if answer == INTERRUPTED_STATUS:  # what typer makes of Ctrl+C
                raise KeyboardInterrupt
            status = answer if isinstance(answer, int) else 0
        except BaseException as error:
            # a completed word leaves by SystemExit; anything else that does has given no answer
            done = isinstance(error, SystemExit) and not error.code and _COMPLETION in os.environ
            status = 0 if done else report_failure(error, failures)
        return finish(status, results)

"""The `gaitproof` command: parse, call, print."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Final

import typer

from gaitproof.errors import GaitproofError

INPUT_ERROR_STATUS: Final = 2
"""Process exit status for every usage or input error."""

app = typer.Typer(
    name="gaitproof",
    help="Does a video really show the person it claims to show? Verified by the way they walk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

_COMMAND_MODULES: Final = (
    "demo",
    "doctor",
    "extract",
    "verify",
    "explain",
    "face",
    "report",
    "preserve",
    "formats",
    "gallery",
    "dataset",
    "train",
    "evaluate",
    "experiments",
    "pipeline",
    "bench",
)
"""Modules of this package with a `register(app)` function, in help order."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from gaitproof import __version__

        typer.echo(f"gaitproof {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Verify that a video shows the person it claims to show, by the way they walk."""


for _name in _COMMAND_MODULES:
    import_module(f"gaitproof.cli.{_name}").register(app)


def main() -> None:
    """Run the command line; every expected error is one message and exit status 2."""
    try:
        app()
    except ImportError as error:
        from gaitproof.doctor.libraries import explain_import_error

        explanation = explain_import_error(error)
        if explanation is None:
            raise
        typer.echo(f"gaitproof: {explanation}", err=True)
        sys.exit(INPUT_ERROR_STATUS)
    except GaitproofError as error:
        typer.echo(f"gaitproof: {error}", err=True)
        sys.exit(INPUT_ERROR_STATUS)
    except KeyboardInterrupt:
        typer.echo("gaitproof: interrupted; nothing unfinished was kept.", err=True)
        sys.exit(130)

"""The command line that every command is added to."""

from __future__ import annotations

from typing import Annotated

import typer

from gaitproof.cli.failures import Failures

app = typer.Typer(
    name="gaitproof",
    help="Does a video really show the person it claims to show? Verified by the way they walk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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

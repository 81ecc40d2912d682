"""``gaitproof audit``: the audit log of the service."""

from __future__ import annotations

from typing import Annotated

import typer

from gaitproof.cli.options import JsonOption
from gaitproof.cli.root import app
from gaitproof.cli.serve import DatabaseOption, DataOption, open_service_database

FAILED_CHECK_STATUS = 1
"""Process exit status when the log was changed."""

audit = typer.Typer(name="audit", help="Check the audit log of the service.", no_args_is_help=True)
app.add_typer(audit)


@audit.callback()
def _group() -> None:
    """Check the audit log of the service."""


@audit.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A hash noted earlier: it must be in the log."),
    ] = None,
    data: DataOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute every hash of the log again.

    Note the hash it prints elsewhere: with --head a later check also finds entries cut off at the
    end. Exits with status 0 if the log is as it was written, 1 if not, 2 for an error.
    """
    from gaitproof.cli.output import print_json, stdout
    from gaitproof.server.audit import AuditLog

    with open_service_database(data, database) as engine:
        check = AuditLog(engine).check(head)
    if as_json:
        print_json(vars(check))
    elif check.fault:
        stdout().print(f"The log was changed: {check.fault}.", style="bold red")
        stdout().print(f"Entries before that: {check.entries}; hash {check.head}", soft_wrap=True)
    else:
        stdout().print(f"The log is as it was written: {check.entries} entries.", style="bold")
        stdout().print(f"Hash of the last: {check.head}", soft_wrap=True, highlight=False)
    raise typer.Exit(FAILED_CHECK_STATUS if check.fault else 0)

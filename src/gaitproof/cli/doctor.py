"""``gaitproof doctor``: what works on this machine and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from gaitproof.cli.options import JsonOption
from gaitproof.cli.root import app

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.doctor import Check

_LOOKS: Final = {
    "ok": ("✓ ok", "green"),
    "warn": ("! warning", "yellow"),
    "missing": ("✗ missing", "red"),
}
"""Symbol and word, so that the colour carries nothing by itself."""


@app.command()
def doctor(
    as_json: JsonOption = False,
) -> None:
    """Check that everything works on this machine.

    Python, packages, system libraries, models, renderer, GPU, disk.

    Exits with status 0 if verification works here, else with 2. What only an extra
    needs (rendering, training, development) is reported and does not change the status.
    """
    from dataclasses import asdict

    from gaitproof.cli.output import print_json, stderr, stdout
    from gaitproof.doctor import healthy, run_checks

    notices = stderr()
    with notices.status("Checking this machine …"):
        checks = list(run_checks(Path.cwd()))
    good = healthy(checks)
    if as_json:
        print_json({"healthy": good, "checks": [asdict(check) for check in checks]})
    else:
        console = stdout()
        console.print(table_of(checks))
        console.print(
            "Verification works on this machine."
            if good
            else "Verification does not work here yet; see the remedies above."
        )
    raise typer.Exit(0 if good else 2)


def table_of(checks: list[Check]) -> Table:
    """Return the findings as a table, grouped."""
    from rich.text import Text

    from gaitproof.text import make_table, printable

    table = make_table(
        ("check", "status", "found", "what to do"), title="gaitproof doctor", title_justify="left"
    )
    table.columns[1].no_wrap = True
    for group in dict.fromkeys(check.group for check in checks):
        table.add_section()
        table.add_row(printable(group), style="bold")
        for check in checks:
            if check.group == group:
                table.add_row(
                    f"  {printable(check.name)}",
                    Text(*_LOOKS[check.status.value]),
                    printable(check.found),
                    printable(check.remedy),
                )
    return table

"""``gaitproof demo``: the whole story on video it makes itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.options import JsonOption, output_option
from gaitproof.cli.root import app

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.demo.run import DemoResult

UNEXPECTED_STATUS: Final = 1
"""Process exit status when a verdict is not the expected one."""

_STAGES: Final = {
    "film": "Drawing walkers",
    "enrol": "Enrolling people",
    "verify": "Verifying claims",
}


@app.command()
def demo(
    out: Annotated[Path, output_option("Folder for the report, clips and gallery.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Random seed: each draws other people.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Run the whole story on synthetic walkers, with a report.

    Renders them, enrols them, and verifies genuine and forged videos.

    Exits with status 0 if every verdict is the expected one, else with 1.
    """
    from datetime import datetime

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from gaitproof.cli.output import printable, stderr, stdout
    from gaitproof.demo.folder import MARK, atomic_folder
    from gaitproof.demo.plan import make_plan
    from gaitproof.demo.run import run_demo
    from gaitproof.demo.story import demo_page

    notices = stderr()
    plan = make_plan(seed)
    totals = {
        "film": len(plan.clips),
        "enrol": len(plan.enrolment),
        "verify": len(plan.trials),
    }
    columns = (
        TextColumn("{task.description:<17}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with atomic_folder(out) as folder:
        with Progress(*columns, console=notices) as bars:
            tasks = {
                stage: bars.add_task(text, total=totals[stage], start=stage == "film")
                for stage, text in _STAGES.items()
            }

            def show(stage: str, done: int, total: int) -> None:
                bars.update(tasks[stage], completed=done, total=total)
                following = list(tasks)[list(tasks).index(stage) + 1 :][:1]
                if done == total:
                    for name in following:
                        bars.start_task(tasks[name])

            result = run_demo(plan, folder, out.resolve(), progress=show)
        page = demo_page(result, folder, datetime.now().astimezone())
        (folder / "index.html").write_text(page, encoding="utf-8")
        (folder / MARK).write_text(result.to_json(), encoding="utf-8")
    if as_json:
        typer.echo(result.to_json(), nl=False)
    else:
        console = stdout()
        console.print(table_of(result))
        right = sum(trial.as_expected for trial in result.trials)
        console.print(
            f"{right} of {len(result.trials)} verdicts as expected, in {result.seconds:.0f} s. "
            "The walkers are synthetic; docs/results/benchmarks.md has real people."
        )
        if result.refusal is None:
            console.print("A claim that nobody enrolled was accepted; it should be refused.")
    notices.print(f"Report: {printable(str((out / 'index.html').resolve()))}")
    raise typer.Exit(0 if result.as_expected else UNEXPECTED_STATUS)


def table_of(result: DemoResult) -> Table:
    """Return expectation and verdict of every trial as a table."""
    from rich.text import Text

    from gaitproof.text import make_table, printable

    table = make_table(
        ("video", "claim", "expected", "verdict"),
        ("similarity", "log10 LR"),
        title="gaitproof demo",
        title_justify="left",
    )
    for entry in result.trials:
        verdict = entry.verdict
        sign = (" ✓", "green") if entry.as_expected else (" ✗ unexpected", "red")
        table.add_row(
            printable(entry.trial.title),
            printable(entry.trial.claim),
            entry.trial.expected.value,
            Text.assemble(verdict.decision.value, sign),
            "–" if verdict.similarity is None else f"{verdict.similarity:.3f}",
            "–" if verdict.log10_lr is None else f"{verdict.log10_lr:+.2f}",
        )
    return table

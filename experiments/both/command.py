"""Networks on both signals and on one, on synthetic people, as a table."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments.both.run import run
from experiments.shared import JsonOption, make_table, show
from gaitproof.cli.output import need_training_extra, progress_bar
from gaitproof.evaluate.table import format_figure


def both(
    people: Annotated[int, typer.Option("--people", min=6, help="Synthetic people.")] = 16,
    walks: Annotated[int, typer.Option("--walks", min=2, help="Walks of each.")] = 3,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Of each training.")] = 120,
    as_json: JsonOption = False,
) -> None:
    """Compare networks on masks and on both signals."""
    need_training_extra()
    with progress_bar("Filming") as progress:
        result = run(people, walks, steps, progress=progress)
    title = f"{result.people} synthetic people, {result.walks} clips, {result.steps} steps"
    table = make_table(title, ("network", "level"), ("AUC %", "EER %"))
    for name, figures in result.systems.items():
        for level, system in figures.system.items():
            table.add_row(name, level, *(format_figure(f, system) for f in ("auc", "eer")))
    show(result.to_dict(), table, as_json=as_json)

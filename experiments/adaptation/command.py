"""Adaptation to domains left out, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.adaptation.run import run
from experiments.shared import JsonOption, OutputOption, load_walks, make_table, show, write_json
from gaitproof.cli.experiments import load_settings
from gaitproof.cli.output import progress_bar, say_written
from gaitproof.evaluate.bootstrap import DRAWS, Interval
from gaitproof.evaluate.folds import limit_people
from gaitproof.evaluate.table import format_percent
from gaitproof.types import ErrorRate

RESULT_FILE = "adaptation.json"
RECIPE = Path(__file__).parent / "recipe.yaml"


def adaptation(
    data: Annotated[list[Path], typer.Argument(help="Three data sets or more, a domain each.")],
    output: OutputOption = Path("adaptation"),
    config: Annotated[
        Path, typer.Option("--config", help="Recipe (YAML) of a network with batch norm.")
    ] = RECIPE,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Training steps instead of the recipe's.")
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=3, help="The first so many people of each data set.")
    ] = 40,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Bootstrap draws.")] = DRAWS,
    as_json: JsonOption = False,
) -> None:
    """Adapt to unlabelled recordings of a domain left out.

    Before and after.
    """
    settings = load_settings(config, steps=steps)
    walks = limit_people([walk for path in data for walk in load_walks(path)], people)
    with progress_bar("Adapting") as progress:
        found = run(walks, settings, draws=draws, progress=progress)
    names = sorted({walk.source for walk in walks})
    table = make_table(
        "EER of clips on the domain left out, % [95 % over people]", ("recipe", *names)
    )
    for variant, domains in found.items():
        table.add_row(variant, *(_percent(domains[name].eer) for name in names))
    values = {
        variant: {name: one.model_dump(mode="json") for name, one in domains.items()}
        for variant, domains in found.items()
    }
    write_json(output / RESULT_FILE, values)
    show(values, table, as_json=as_json)
    say_written([output / RESULT_FILE])


def _percent(rate: ErrorRate) -> str:
    return format_percent(Interval(rate.value, rate.low, rate.high))

"""``gaitproof evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.verify import JsonOption

if TYPE_CHECKING:
    from gaitproof.evaluate.result import EvaluationResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Skeleton archive or manifest instead of the recipe's."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write the figures as JSON here.")
    ] = None,
    as_json: JsonOption = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Folds trained side by side, one process each.")
    ] = 1,
) -> None:
    """Train and test a recipe on subject-disjoint folds: probe and claimed person both unseen."""
    need_training_extra()
    from gaitproof.cli.output import print_json, progress_bar
    from gaitproof.evaluate.recipe import evaluate_recipe, load_sources
    from gaitproof.train.config import TrainSettings

    settings = TrainSettings.load(config)
    recordings = load_sources(settings, data or ())
    with progress_bar("evaluating") as progress:
        result = evaluate_recipe(settings, recordings, workers=workers, progress=progress)
    if output is not None:
        result.save(output)
    if as_json:
        print_json(result.to_dict())
    else:
        show_evaluation(result)


def show_evaluation(result: EvaluationResult) -> None:
    """Print the tables of an evaluation."""
    from gaitproof.cli.output import markup, stdout
    from gaitproof.evaluate.table import decision_lines, details_table, figures_table

    console = stdout()
    console.print(figures_table(result))
    console.print(details_table(result))
    for line in decision_lines(result):
        console.print(markup(line))

"""``gaitproof train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.extras import need_training_extra

ConfigArgument = Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/.")]
DataOption = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Skeleton archive or manifest instead of the recipe's sources."),
]
WorkersOption = Annotated[
    int, typer.Option(min=1, help="Folds trained side by side, one process each.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    config: ConfigArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to write.")],
    data: DataOption = None,
    workers: WorkersOption = 1,
) -> None:
    """Evaluate a recipe on held-out people, train it on all, and write the model and its card."""
    need_training_extra()
    from gaitproof.cli.evaluate import show_evaluation
    from gaitproof.cli.output import markup, progress_bar, stdout
    from gaitproof.evaluate.recipe import load_sources, make_model
    from gaitproof.train.config import TrainSettings

    settings = TrainSettings.load(config)
    recordings = load_sources(settings, data or ())
    with progress_bar("training") as progress:
        card, result = make_model(settings, recordings, output, workers=workers, progress=progress)
    show_evaluation(result)
    point = card.operating_point
    stdout().print(
        f"{markup(card.model_id)} written to {markup(str(output))}; "
        f"threshold {point.threshold:.3f} ({markup(point.chosen_by)})"
    )

"""``gaitproof train`` and ``gaitproof evaluate``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.verify import JsonOption
from gaitproof.errors import DependencyError

if TYPE_CHECKING:
    from gaitproof.evaluate.result import EvaluationResult

ConfigArgument = Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/.")]
DataOption = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Skeleton archive or manifest instead of the recipe's sources."),
]
WorkersOption = Annotated[
    int, typer.Option(min=1, help="Folds trained side by side, one process each.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(evaluate)


def train(
    config: ConfigArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to write.")],
    data: DataOption = None,
    workers: WorkersOption = 1,
) -> None:
    """Evaluate a recipe on held-out people, train it on all, and write the model and its card."""
    _need_training_extra()
    from gaitproof.cli.output import markup, progress_bar, stdout
    from gaitproof.evaluate.recipe import load_sources, make_model
    from gaitproof.train.config import TrainSettings

    settings = TrainSettings.load(config)
    recordings = load_sources(settings, data or ())
    with progress_bar("training") as progress:
        card, result = make_model(settings, recordings, output, workers=workers, progress=progress)
    _show(result)
    point = card.operating_point
    stdout().print(
        f"{markup(card.model_id)} written to {markup(str(output))}; "
        f"threshold {point.threshold:.3f} ({markup(point.chosen_by)})"
    )


def evaluate(
    config: ConfigArgument,
    data: DataOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write the figures as JSON here.")
    ] = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
) -> None:
    """Train and test a recipe on subject-disjoint folds: probe and claimed person both unseen."""
    _need_training_extra()
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
        _show(result)


def _show(result: EvaluationResult) -> None:
    from gaitproof.cli.output import markup, stdout
    from gaitproof.evaluate.table import decision_lines, details_table, figures_table

    console = stdout()
    console.print(figures_table(result))
    console.print(details_table(result))
    for line in decision_lines(result):
        console.print(markup(line))


def _need_training_extra() -> None:
    missing = [name for name in ("torch", "onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise DependencyError(
            "Training needs packages that are not installed.",
            actual=f"{', '.join(missing)} missing",
            hint="pip install 'gaitproof[train]'",
        )

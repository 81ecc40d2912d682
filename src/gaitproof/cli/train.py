"""``gaitproof train``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.options import (
    ConfigArgument,
    DataOption,
    NewModelOption,
    TrainingOptions,
    WorkersOption,
    grouped,
)
from gaitproof.cli.output import need_training_extra
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.evaluate.motion import MotionFigures
    from gaitproof.evaluate.result import EvaluationResult
    from gaitproof.nets.card import ModelCard


@app.command()
@grouped
def train(
    config: ConfigArgument,
    output: NewModelOption,
    data: DataOption = None,
    workers: WorkersOption = 1,
    *,
    options: TrainingOptions,
    pretrain: Annotated[
        bool,
        typer.Option(
            "--pretrain",
            help="Train on everybody, without evaluation or model: the folder keeps weights that "
            "another recipe can name as start.",
        ),
    ] = False,
) -> None:
    """Train a gait model from a recipe.

    Evaluated on held-out people, then trained on all; written with its card.
    """
    need_training_extra()
    from gaitproof.modelling import silhouettes
    from gaitproof.modelling.motion import judges_motion

    judge, masks = judges_motion(config), silhouettes.reads_silhouettes(config)
    if pretrain and (judge or masks or options.run is not None):
        raise ConfigError(
            "--pretrain is for recipes of joints, and keeps its run in the output folder.",
            hint="leave out --pretrain, or --run",
        )
    if workers > 1 and options.devices * options.nodes > 1:
        raise ConfigError(
            "Folds side by side cannot share several devices.", hint="--workers 1 or --devices 1"
        )
    if judge:
        _train_judge(config, output, data)
    elif masks:
        _train_masks(config, output, data, options)
    elif pretrain:
        _pretrain(config, output, data, options)
    else:
        _train_joints(config, output, data, options, workers)


def _train_masks(
    config: Path, output: Path, data: Sequence[Path] | None, options: TrainingOptions
) -> None:
    from gaitproof.cli.output import progress_bar
    from gaitproof.modelling import silhouettes
    from gaitproof.modelling.recipe import Runs
    from gaitproof.train.hardware import is_main_process
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings

    recipe = SilhouetteTrainSettings.load(config)
    walks = silhouettes.load_silhouette_sources(recipe, data or ())
    runs = Runs(options.run, options.resume, options.trainer)
    with progress_bar("training", shown=is_main_process()) as progress:
        card, result = silhouettes.make_silhouette_model(
            recipe, walks, output, progress=progress, runs=runs
        )
    _show_model(card, result, output)


def _train_joints(
    config: Path, output: Path, data: Sequence[Path] | None, options: TrainingOptions, workers: int
) -> None:
    from gaitproof.cli.output import printable, progress_bar, stdout
    from gaitproof.modelling.recipe import Runs, load_sources, make_model
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import is_main_process

    settings = TrainSettings.load(config)
    recordings = load_sources(settings, data or ())
    runs = Runs(options.run, options.resume, options.trainer)
    with progress_bar("training", shown=is_main_process()) as progress:
        card, result = make_model(
            settings, recordings, output, workers=workers, progress=progress, runs=runs
        )
    _show_model(card, result, output)
    if settings.start is not None and is_main_process():
        stdout().print(printable(card.limits))


def _show_model(card: ModelCard, result: EvaluationResult, output: Path) -> None:
    from gaitproof.cli.evaluate import show_evaluation
    from gaitproof.cli.output import printable, stdout
    from gaitproof.train.hardware import is_main_process

    if not is_main_process():
        return
    show_evaluation(result)
    point = card.operating_point
    stdout().print(
        f"{printable(card.model_id)} written to {printable(str(output))}; "
        f"threshold {point.threshold:.3f} ({printable(point.chosen_by)})"
    )


def _pretrain(
    config: Path, output: Path, data: Sequence[Path] | None, options: TrainingOptions
) -> None:
    from gaitproof.cli.output import printable, progress_bar, stdout
    from gaitproof.modelling.recipe import load_sources, origin_of
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import is_main_process
    from gaitproof.train.loop import train as learn

    settings, main = TrainSettings.load(config), is_main_process()
    recordings = load_sources(settings, data or ())
    with progress_bar("training", shown=main) as progress:
        trained = learn(
            recordings,
            settings,
            progress,
            run_folder=output,
            resume=options.resume,
            trainer_options=options.trainer,
        )
    if main:
        stdout().print(
            f"Weights to start from written to {printable(str(output))}, loss "
            f"{trained.losses[-1]:.3f}. {printable(origin_of(settings, trained))}".rstrip()
        )


def _train_judge(config: Path, output: Path, data: Sequence[Path] | None) -> None:
    from gaitproof.cli.output import printable, progress_bar, stdout
    from gaitproof.data.gait import load_recordings
    from gaitproof.modelling.motion import make_judge
    from gaitproof.train.motion import MotionTrainSettings

    settings = MotionTrainSettings.load(config)
    named: list[tuple[Path, str, float | None]] = [(path, path.stem, None) for path in data or ()]
    named = named or [(one.path, one.name, one.frame_rate) for one in settings.sources]
    if not named:
        raise ConfigError("No data to train on.", hint="name it with --data, or in the recipe")
    walks = [walk for path, name, rate in named for walk in load_recordings(path, name, rate)]
    with progress_bar("training") as progress:
        card, figures = make_judge(settings, walks, output, progress=progress)
    console = stdout()
    console.print(_motion_table(figures))
    console.print(
        f"{printable(card.model_id)} written to {printable(str(output))}; "
        f"threshold {card.threshold:+.2f} ({card.chosen_by})"
    )


def _motion_table(figures: MotionFigures) -> Table:
    """Lay out AUC by data set and kind left out, in percent with 95 % over people."""
    from gaitproof.evaluate.table import format_percent
    from gaitproof.text import make_table

    rows: dict[str, list[str]] = {"the data set": []}
    for one in figures.left_out:
        rows["the data set"].append(format_percent(one.all_kinds))
        for kind, value in one.by_kind.items():
            rows.setdefault(f"and {kind}", []).append(format_percent(value))
        rows.setdefault("false alarms", []).append(format_percent(one.false_alarms))
        rows.setdefault("found", []).append(format_percent(one.found))
    for kind, value in figures.kinds.items():
        rows[f"and {kind}"].append(format_percent(value))
    return make_table(
        ("left out",),
        (*(f"{one.source}, {one.people} people" for one in figures.left_out), "people of all"),
        ((name, *cells) for name, cells in rows.items()),
        title="Generated motion told from captured: AUC, % [95 % over people]",
    )

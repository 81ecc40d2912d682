"""``gaitproof train``."""

from __future__ import annotations

from contextlib import nullcontext

import typer

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.options import (
    AcceleratorOption,
    ConfigArgument,
    DataOption,
    DevicesOption,
    LoadersOption,
    NewModelOption,
    NodesOption,
    ResumeOption,
    RunOption,
    StrategyOption,
    WorkersOption,
)
from gaitproof.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    config: ConfigArgument,
    output: NewModelOption,
    data: DataOption = None,
    workers: WorkersOption = 1,
    run: RunOption = None,
    resume: ResumeOption = True,
    accelerator: AcceleratorOption = "auto",
    devices: DevicesOption = 1,
    nodes: NodesOption = 1,
    strategy: StrategyOption = "auto",
    loaders: LoadersOption = 0,
) -> None:
    """Train a gait model from a recipe.

    Evaluated on held-out people, then trained on all; written with its card.
    """
    need_training_extra()
    from gaitproof.cli.evaluate import show_evaluation
    from gaitproof.cli.output import printable, progress_bar, stdout
    from gaitproof.modelling.recipe import Runs, load_sources, make_model
    from gaitproof.modelling.silhouettes import (
        load_silhouette_sources,
        make_silhouette_model,
        reads_silhouettes,
    )
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import TrainerSettings, is_main_process
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings

    masks = reads_silhouettes(config)
    trainer = TrainerSettings(
        accelerator=accelerator, devices=devices, nodes=nodes, strategy=strategy, loaders=loaders
    )
    if workers > 1 and devices * nodes > 1:
        raise ConfigError(
            "Folds side by side cannot share several devices.", hint="--workers 1 or --devices 1"
        )
    main = is_main_process()
    runs = Runs(run, resume, trainer)
    if masks:
        recipe = SilhouetteTrainSettings.load(config)
        walks = load_silhouette_sources(recipe, data or ())
        with progress_bar("training") if main else nullcontext() as progress:
            card, result = make_silhouette_model(
                recipe, walks, output, progress=progress, runs=runs
            )
    else:
        settings = TrainSettings.load(config)
        recordings = load_sources(settings, data or ())
        with progress_bar("training") if main else nullcontext() as progress:
            card, result = make_model(
                settings, recordings, output, workers=workers, progress=progress, runs=runs
            )
    if not main:
        return
    show_evaluation(result)
    point = card.operating_point
    stdout().print(
        f"{printable(card.model_id)} written to {printable(str(output))}; "
        f"threshold {point.threshold:.3f} ({printable(point.chosen_by)})"
    )

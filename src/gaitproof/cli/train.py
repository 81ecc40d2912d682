"""``gaitproof train``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.options import (
    ConfigArgument,
    DataOption,
    NewModelOption,
    TrainingOptions,
    WorkersOption,
    grouped,
)
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.evaluate.motion import MotionFigures


@app.command()
@grouped
def train(
    config: ConfigArgument,
    output: NewModelOption,
    data: DataOption = None,
    workers: WorkersOption = 1,
    *,
    options: TrainingOptions,
) -> None:
    """Train a gait model from a recipe.

    Evaluated on held-out people, then trained on all; written with its card.
    """
    need_training_extra()
    from gaitproof.cli.evaluate import show_evaluation
    from gaitproof.cli.output import printable, progress_bar, stdout
    from gaitproof.modelling import silhouettes
    from gaitproof.modelling.motion import judges_motion
    from gaitproof.modelling.recipe import Runs, load_sources, make_model
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import is_main_process
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings

    if judges_motion(config):
        _train_judge(config, output, data)
        return
    masks = silhouettes.reads_silhouettes(config)
    if workers > 1 and options.devices * options.nodes > 1:
        raise ConfigError(
            "Folds side by side cannot share several devices.", hint="--workers 1 or --devices 1"
        )
    main = is_main_process()
    runs = Runs(options.run, options.resume, options.trainer)
    if masks:
        recipe = SilhouetteTrainSettings.load(config)
        walks = silhouettes.load_silhouette_sources(recipe, data or ())
        with progress_bar("training") if main else nullcontext() as progress:
            card, result = silhouettes.make_silhouette_model(
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

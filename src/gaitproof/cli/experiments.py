"""``gaitproof ablate``, ``gaitproof tune`` and ``gaitproof cells``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gaitproof.cli.options import (
    ConfigArgument,
    DataOption,
    FolderOption,
    FoldsOption,
    JsonOption,
    StepsOption,
    WorkersOption,
    split_names,
)
from gaitproof.cli.output import need_training_extra
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from gaitproof.modelling.tuning import Tuning
    from gaitproof.train.config import TrainSettings


def load_settings(config: Path | None, **changes: Any) -> TrainSettings:
    """Read a recipe, or take the defaults, and replace what was given on the command line."""
    from gaitproof.train.config import TrainSettings

    settings = TrainSettings() if config is None else TrainSettings.load(config)
    given = {name: value for name, value in changes.items() if value is not None}
    return TrainSettings.model_validate({**settings.model_dump(), **given})


@app.command()
def ablate(
    config: ConfigArgument,
    output: FolderOption,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            show_default="all",
            help="Some of branches, features, losses, window, template, augmentation; "
            "comma-separated.",
        ),
    ] = "branches,features,losses,window,template,augmentation",
    steps: StepsOption = None,
    folds: FoldsOption = None,
    data: DataOption = None,
    workers: WorkersOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Measure what each part of a recipe is worth.

    Trains it with one thing changed at a time.

    Every variant sees the same folds, trials and budget. The same command resumes an
    interrupted run.
    """
    need_training_extra()
    from typing import cast

    from gaitproof.cli.output import print_json, progress_bar, say_written, stdout
    from gaitproof.evaluate.comparison import comparison_tables
    from gaitproof.modelling import ablation
    from gaitproof.modelling.recipe import load_sources
    from gaitproof.report.experiments import save_comparison_plots

    settings = load_settings(config, steps=steps, folds=folds)
    parts = cast("tuple[ablation.Part, ...]", split_names(what))
    ablation.check_parts(parts)
    recordings = load_sources(settings, data or ())
    with progress_bar("ablating") as progress:
        result = ablation.ablate(
            settings, recordings, output, parts=parts, workers=workers, progress=progress
        )
    plots = save_comparison_plots([*result.comparisons, *result.templates], output)
    if as_json:
        print_json(result.to_dict())
    else:
        notes = {"": "seconds"}
        notes |= {name: f"{facts['seconds']:,.0f}" for name, facts in result.trained.items()}
        for table in comparison_tables(result.comparisons, "Ablation", notes):
            stdout().print(table)
        for table in comparison_tables(result.templates, "Template size"):
            stdout().print(table)
    say_written([output / ablation.RESULT_FILE, *plots])


@app.command()
def tune(
    config: ConfigArgument,
    output: FolderOption,
    attempts: Annotated[
        int, typer.Option("--trials", min=1, help="Recipes to try, earlier runs included.")
    ] = 30,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="Seconds to stop after.")
    ] = None,
    space: Annotated[
        Path | None, typer.Option("--space", help="What to change, and its bounds (YAML).")
    ] = None,
    figure: Annotated[
        Literal["eer", "auc"], typer.Option("--objective", help="Of the validation people.")
    ] = "eer",
    level: Annotated[
        Literal["window", "clip"], typer.Option("--level", help="What a probe is.")
    ] = "window",
    test_fold: Annotated[
        int, typer.Option("--test-fold", min=0, help="Fold kept aside for the last comparison.")
    ] = 0,
    parts: Annotated[
        int,
        typer.Option("--parts", help="Parts the other people are dealt into; one validates."),
    ] = 4,
    exclude: Annotated[
        str, typer.Option("--exclude", help="People not to touch, with commas, or a file of them.")
    ] = "",
    steps: StepsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search for better settings, and check the best.

    The search sees some people, the check others.

    The people of the search are named in people.json: no test figure may rest on
    them. The same command resumes an interrupted run.
    """
    need_training_extra("optuna")
    from gaitproof.cli.output import print_json, progress_bar, say_written
    from gaitproof.modelling.recipe import load_sources
    from gaitproof.modelling.search import TuneSettings
    from gaitproof.modelling.search_space import SearchSpace
    from gaitproof.modelling.tuning import BEST_FILE, PEOPLE_FILE, RESULT_FILE, tune_recipe
    from gaitproof.report.experiments import save_tuning_plots

    if parts < 2:
        raise ConfigError("--parts must be 2 or more.", actual=str(parts))
    settings = load_settings(config, steps=steps)
    chosen = SearchSpace() if space is None else SearchSpace.load(space)
    recordings = load_sources(settings, data or ())
    with progress_bar("tuning") as progress:
        result = tune_recipe(
            settings,
            recordings,
            output,
            tune=TuneSettings(
                attempts=attempts,
                figure=figure,
                level=level,
                test_fold=test_fold,
                parts=parts,
                timeout=timeout,
            ),
            space=chosen,
            excluded=_people(exclude),
            progress=progress,
        )
    plots = save_tuning_plots(result, output)
    if as_json:
        print_json(result.to_dict())
    else:
        _show_tuning(result)
    say_written([*(output / name for name in (BEST_FILE, PEOPLE_FILE, RESULT_FILE)), *plots])


@app.command()
def cells(
    config: ConfigArgument,
    output: FolderOption,
    population: Annotated[
        int, typer.Option("--population", min=2, help="Paths of a generation.")
    ] = 12,
    generations: Annotated[int, typer.Option("--generations", min=1, help="Generations.")] = 6,
    steps: StepsOption = None,
    data: DataOption = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with the training in --out.")
    ] = True,
) -> None:
    """Search for the cells of a sposgait recipe.

    Trains one network of all cells, tries paths through it on people set aside
    (validation.share), and writes the recipe with the best path, to be trained anew.
    """
    need_training_extra()
    from gaitproof.cli.output import progress_bar, say_written, stdout
    from gaitproof.modelling.cells import search_cells
    from gaitproof.modelling.recipe import load_sources

    settings = load_settings(config, steps=steps)
    recordings = load_sources(settings, data or ())
    with progress_bar("training all cells") as progress:
        result = search_cells(
            settings,
            recordings,
            population=population,
            generations=generations,
            progress=progress,
            run_folder=output / "run",
            resume=resume,
        )
    best, value = result.tried[0]
    stdout().print(
        f"{len(result.tried)} paths tried; AUC on people set aside from {result.tried[-1][1]:.3f} "
        f"to {value:.3f}, with the cells {best}"
    )
    say_written(result.save(output))


def _people(text: str) -> tuple[str, ...]:
    """Return the people named with commas, or line by line in a file."""
    if not text:
        return ()
    path = Path(text)
    # a list of names is no path where the system says that it cannot be one
    with suppress(OSError, ValueError):
        if path.exists():
            from gaitproof.reading import FileKind, read_text

            kind = FileKind("list of people", ConfigError, 2**22)
            return split_names(",".join(read_text(path, kind).splitlines()))
    return split_names(text)


def _show_tuning(result: Tuning) -> None:
    from gaitproof.cli.output import printable, stdout
    from gaitproof.evaluate.comparison import comparison_tables
    from gaitproof.modelling.tuning import attempts_table

    console = stdout()
    console.print(attempts_table(result))
    if result.left_out:
        console.print(printable(f"Not searched, of no use to it: {', '.join(result.left_out)}"))
    if not result.comparisons:
        console.print("No attempt beat the recipe as given.")
    for table in comparison_tables(result.comparisons, "People the search has not seen"):
        console.print(table)
    people = result.people
    console.print(
        f"Chosen on {len(people.development)} people ({len(people.fitted)} trained on, "
        f"{len(people.validated)} validated on): figures on them are no test figures. "
        f"{len(people.tested)} people were kept for the comparison"
        + (f", {len(people.excluded)} were not touched." if people.excluded else ".")
    )

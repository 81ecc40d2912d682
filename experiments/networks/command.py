"""All networks and baselines on the same trials, as tables and plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.networks.run import RESULT_FILE, NetworksResult, choose_networks, run
from experiments.shared import (
    DataArgument,
    JsonOption,
    OutputOption,
    SeedOption,
    WorkersOption,
    load_walks,
    show,
)
from gaitproof.cli.experiments import load_settings
from gaitproof.cli.options import split_names
from gaitproof.cli.output import progress_bar, say_written
from gaitproof.evaluate.comparison import comparison_tables
from gaitproof.report.experiments import save_comparison_plots

if TYPE_CHECKING:
    from rich.table import Table


def networks(
    data: DataArgument,
    output: OutputOption = Path("networks"),
    chosen: Annotated[
        str, typer.Option("--networks", help="Names with commas; all networks without it.")
    ] = "",
    reference: Annotated[
        str, typer.Option("--reference", help="Network or baseline to compare the others with.")
    ] = "hybrid-small",
    config: Annotated[
        Path | None, typer.Option("--config", help="Recipe (YAML) but for the network.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Training steps of every network.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Subject-disjoint folds.")] = 5,
    enrolled: Annotated[
        int, typer.Option("--enrolled", min=1, help="Recordings per template.")
    ] = 3,
    seed: SeedOption = 0,
    workers: WorkersOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Compare every network, trained with one recipe.

    The baselines are tested on the same trials.

    An interrupted run resumes when the same command is given again.
    """
    settings = load_settings(config, steps=steps, folds=folds, enrolled=enrolled, seed=seed)
    names = choose_networks(split_names(chosen), reference)
    walks = load_walks(data)
    with progress_bar("Training networks") as progress:
        result = run(
            walks,
            settings,
            output,
            networks=names,
            reference=reference,
            workers=workers,
            progress=progress,
        )
    plots = save_comparison_plots(result.comparisons, output)
    show(result.to_dict(), *tables(result), as_json=as_json)
    say_written([output / RESULT_FILE, *plots])


def tables(result: NetworksResult) -> list[Table]:
    """Lay the result out, one table per level."""
    notes = {"": "parameters, seconds"}
    for name, facts in result.facts.items():
        notes[name] = f"{facts['parameters']:,}, {facts['seconds']:,.0f}"
    return comparison_tables(
        result.comparisons,
        f"{result.settings.folds} folds, {result.settings.enrolled} walks enrolled, "
        f"{result.settings.steps} steps",
        notes,
    )

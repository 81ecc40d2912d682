"""Adaptation to domains left out, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.adaptation.faces import StoreFigures, run_faces
from experiments.adaptation.run import run
from experiments.shared import (
    JsonOption,
    OutputOption,
    load_walks,
    make_table,
    show,
    spread,
    write_json,
)
from gaitproof.cli.experiments import load_settings
from gaitproof.cli.output import progress_bar, say_written
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.bootstrap import DRAWS, Interval
from gaitproof.evaluate.designs import limit_people
from gaitproof.evaluate.table import format_percent
from gaitproof.nets.card import DomainFigures
from gaitproof.train.face.config import FaceTrainSettings

RESULT_FILE = "adaptation.json"
RECIPE = Path(__file__).parent / "recipe.yaml"
FACE_RECIPE = Path(__file__).parent / "faces.yaml"


def adaptation(
    data: Annotated[
        list[Path],
        typer.Argument(help="Three data sets or more, a domain each; or stores of faces."),
    ],
    output: OutputOption = Path("adaptation"),
    config: Annotated[
        Path | None, typer.Option("--config", help="Recipe (YAML) of a network with batch norm.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Training steps instead of the recipe's, for gait."),
    ] = None,
    people: Annotated[
        int,
        typer.Option("--people", min=3, help="The first so many of each data set of gait."),
    ] = 40,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Bootstrap draws.")] = DRAWS,
    as_json: JsonOption = False,
) -> None:
    """Adapt to unlabelled footage of a domain left out.

    Before and after.
    """
    with progress_bar("Adapting") as progress:
        if all(path.is_dir() for path in data):
            stores = {path.name: FaceStore.open(path) for path in data}
            recipe = FaceTrainSettings.load(config or FACE_RECIPE)
            figures: Figures = run_faces(stores, recipe, draws=draws, progress=progress)
        else:
            settings = load_settings(config or RECIPE, steps=steps)
            walks = limit_people([walk for path in data for walk in load_walks(path)], people)
            figures = run(walks, settings, draws=draws, progress=progress)
    domains = list(next(iter(figures.values())))
    table = make_table("On the domain left out, % [95 % over people]", ("recipe", *domains))
    for variant, by_domain in figures.items():
        table.add_row(variant, *(_cell(by_domain[domain]) for domain in domains))
    values = {
        variant: {domain: _plain(one) for domain, one in by_domain.items()}
        for variant, by_domain in figures.items()
    }
    write_json(output / RESULT_FILE, values)
    show(values, table, as_json=as_json)
    say_written([output / RESULT_FILE])


Figures = Mapping[str, Mapping[str, DomainFigures | StoreFigures]]
"""By variant and domain."""


def _plain(figures: DomainFigures | StoreFigures) -> dict[str, Any]:
    if isinstance(figures, DomainFigures):
        return figures.model_dump(mode="json")
    return figures.to_dict()


def _cell(figures: DomainFigures | StoreFigures) -> str:
    """Return the EER of clips of gait, or the AUC of those of faces with what it has gained."""
    if isinstance(figures, DomainFigures):
        rate = figures.eer
        return f"EER {format_percent(Interval(rate.value, rate.low, rate.high))}"
    gain = "" if figures.gain is None else f"\n{spread(figures.gain, '+.1f', 100)}"
    return f"AUC {format_percent(figures.auc)}{gain}"

"""Explanations over a data set, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.explain.dataset import DatasetExplanation, Trust
from experiments.explain.run import run
from experiments.shared import (
    DataArgument,
    JsonOption,
    ModelOption,
    PeopleOption,
    SeedOption,
    load_walks,
    make_table,
    show,
    spread,
)
from gaitproof.cli.output import progress_bar
from gaitproof.explain.methods import METHODS
from gaitproof.nets.onnx import OnnxEncoder

if TYPE_CHECKING:
    from rich.table import Table


def explain(
    data: DataArgument,
    model: ModelOption = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="NAME", help="Only this method; may be repeated."),
    ] = None,
    people: PeopleOption = 40,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure which joints and moments scores rest on.

    And whether explanations can be believed.
    """
    encoder, walks = OnnxEncoder.load(model), load_walks(data)
    with progress_bar("Explaining and testing explanations") as progress:
        results = run(
            walks,
            encoder,
            methods=tuple(method or METHODS),
            people=people,
            seed=seed,
            progress=progress,
        )
    values = {"methods": [result.to_dict() for result in results]}
    show(values, trust_table(results), *map(importance_table, results), as_json=as_json)


def trust_table(results: Sequence[DatasetExplanation]) -> Table:
    """Lay out what deletion and shuffled weights say of every method."""
    table = make_table(
        f"Explanations of {results[0].people} genuine probes: mean similarity while parts are "
        "taken away (lower is better), rank correlation with those of shuffled weights (near 0 is "
        "better); 95 % intervals over people",
        ["method", "parts"],
        ["in its order", "at random", "gain", "shuffled", "s a clip"],
    )
    for result in results:
        for name, trust in (("joints, angles", result.parts), ("moments", result.moments)):
            table.add_row(result.method, name, *_trust(trust), f"{result.seconds:.2f}")
    return table


def importance_table(result: DatasetExplanation) -> Table:
    """Lay out what contributed on average, the most important first."""
    table = make_table(
        f"Mean contribution to the similarity ({result.score.value:.3f}) by {result.method}",
        ["kind", "part"],
        ["contribution, 95 % interval"],
    )
    kinds = {"group": result.groups, "joint": result.joints, "angle": result.angles}
    for kind, parts in kinds.items():
        for name, value in sorted(parts.items(), key=lambda item: -item[1].value):
            table.add_row(kind, name.replace("_", " "), spread(value, "+.4f"))
    return table


def _trust(trust: Trust) -> list[str]:
    return [
        spread(trust.area),
        spread(trust.random_area),
        spread(trust.gain, "+.3f"),
        spread(trust.sanity, "+.2f"),
    ]

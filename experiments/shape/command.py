"""Shape or motion: what scores rest on, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from experiments.shape.run import ShapeResult, run
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
from gaitproof.nets.onnx import OnnxEncoder

if TYPE_CHECKING:
    from rich.table import Table

TITLES: Final = {"bones": "bone lengths", "pose": "mean pose", "movement": "movement"}


def shape(
    data: DataArgument,
    model: ModelOption = None,
    people: PeopleOption = 40,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Split scores into bone lengths, mean pose and movement."""
    encoder, walks = OnnxEncoder.load(model), load_walks(data)
    with progress_bar("Exchanging bones, poses and movements") as progress:
        result = run(walks, encoder.embed, people=people, seed=seed, progress=progress)
    show(result.to_dict(), shape_table(result), as_json=as_json)


def shape_table(result: ShapeResult) -> Table:
    """Lay out the average shares."""
    average = result.average
    table = make_table(
        f"What the similarity of {average.decisions} genuine probes rests on; "
        f"{result.enrolled} walks enrolled, {result.background} other people each as background; "
        "95 % intervals",
        ["what"],
        ["similarity", "part"],
    )
    table.add_row("other people's walks", spread(average.baseline), "")
    for player, title in TITLES.items():
        share, portion = average.shares[player], average.portions[player]
        table.add_row(title, spread(share, "+.3f"), spread(portion, ".0f", 100, " %"))
    table.add_row("the probes", spread(average.score), "")
    return table

"""Attacks on gait models through poses, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from experiments.attack_gait.run import Fooled, attack_walks
from experiments.shared import (
    DataArgument,
    JsonOption,
    ModelOption,
    OutputOption,
    PeopleOption,
    SeedOption,
    load_walks,
    make_table,
    show,
    write_json,
)
from gaitproof.cli.output import progress_bar
from gaitproof.errors import ModelError
from gaitproof.evaluate.table import format_percent
from gaitproof.nets.onnx import OnnxEncoder, load_encoder

if TYPE_CHECKING:
    from rich.table import Table


def attack_gait(
    data: DataArgument,
    output: OutputOption,
    model: ModelOption = None,
    people: PeopleOption = 0,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Fool a gait model by poses a body can take.

    Joints move by a bounded share of the body height, bones keep their lengths, changes are smooth
    over time; everybody impersonates somebody else and hides from their own template.
    """
    encoder = load_encoder(model)
    if not isinstance(encoder, OnnxEncoder) or encoder.card.alignment != "heading":
        raise ModelError("The attack is on models of joints, aligned by heading.")
    with progress_bar("Changing poses") as progress:
        attacks = attack_walks(
            load_walks(data), encoder, people=people, seed=seed, progress=progress
        )
    values = {"model_id": encoder.card.model_id, "claims": [asdict(one) for one in attacks]}
    write_json(output / "attacks-gait.json", values)
    show(values, gait_table(attacks), as_json=as_json)


def gait_table(attacks: Sequence[Fooled]) -> Table:
    """Lay out who passes, one row per bound."""
    table = make_table(
        "Claims at the card's threshold, % [95 % over people]",
        ["joints move at most, % of the height"],
        ["impostors accepted", "genuine refused", "moved", "bones stretched"],
    )
    for one in attacks:
        table.add_row(
            f"{100 * one.radius:g}",
            format_percent(one.accepted),
            format_percent(one.refused),
            f"{100 * one.moved:.2f} %",
            f"{100 * one.stretched:.4f} %",
        )
    return table

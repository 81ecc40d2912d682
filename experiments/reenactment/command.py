"""Whose walk a re-enactment is said to be, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from experiments.like_build.command import chosen_walks, held_out_folds
from experiments.reenactment.joints import Accepted, reenact_joints
from experiments.shared import (
    JsonOption,
    OutputOption,
    PeopleOption,
    SeedOption,
    make_table,
    show,
    spread,
    write_json,
)
from gaitproof.cli.options import CacheOption
from gaitproof.cli.output import progress_bar
from gaitproof.evaluate.table import format_percent
from gaitproof.types import Decision

if TYPE_CHECKING:
    from rich.table import Table

    from experiments.reenactment.rendered import Answers


class Kind(StrEnum):
    """What walks."""

    JOINTS = "joints"
    RENDERED = "rendered"


def reenactment(
    kind: Annotated[Kind, typer.Argument(help="joints or rendered.")],
    data: Annotated[Path, typer.Argument(help="An archive (.npz); or a folder of demos.")],
    output: OutputOption,
    people: PeopleOption = 0,
    cache: CacheOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Put one person's walk on another's body.

    And ask whose it is.
    """
    if kind is Kind.JOINTS:
        walks = chosen_walks(data, people)
        accepted = reenact_joints(held_out_folds(walks), seed=seed)
        rows: list[dict[str, Any]] = [asdict(one) for one in accepted]
        table = joints_table(accepted)
    else:
        from experiments.reenactment.rendered import find_demos, reenact_rendered

        with progress_bar("Walking") as progress:
            answers = reenact_rendered(find_demos(data), output, cache=cache, progress=progress)
        rows, table = [asdict(one) for one in answers], rendered_table(answers)
    values = {"kind": str(kind), "claims": rows}
    write_json(output / f"reenactment-{kind}.json", values)
    show(values, table, as_json=as_json)


def joints_table(accepted: Sequence[Accepted]) -> Table:
    """Lay out who is accepted, one row for each walk and claim."""
    table = make_table(
        "Claims of real people's joints [95 % over people]",
        ["walk", "claim"],
        ["accepted, %", "similarity"],
        caption="at the threshold of the equal error rate of each fold",
    )
    for one in accepted:
        table.add_row(one.walk, one.claim, format_percent(one.accepted), spread(one.similarity))
    return table


def rendered_table(answers: Sequence[Answers]) -> Table:
    """Lay out the verdicts, one row for each claim."""
    table = make_table(
        "Verdicts on rendered walkers", ["shown: claimed"], [*Decision, "median log10 LR, joints"]
    )
    for one in answers:
        middle = f"{np.median(one.log10_lr):+.2f}" if one.log10_lr else "-"
        counts = [str(one.counts.get(decision, 0)) for decision in Decision]
        table.add_row(one.claim, *counts, middle)
    return table

"""What a million hours of video take, as a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.capacity.run import Load, Outcome, compare, measured_cost
from experiments.shared import JsonOption, SeedOption, make_table, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

LOSSES = (0.0, 0.02, 0.1, 0.5)
"""Machines taken away, per machine and hour."""


def capacity(
    bench: Annotated[
        Path, typer.Argument(help="Result of gaitproof bench, for the cost of poses.")
    ] = Path("docs/results/bench.json"),
    cost: Annotated[
        float | None,
        typer.Option("--cost", min=0.001, help="Processor time over length instead."),
    ] = None,
    hours: Annotated[float, typer.Option("--hours", min=100, help="Of video.")] = 1e6,
    days: Annotated[float, typer.Option("--days", min=7, help="In which they arrive.")] = 365.0,
    minutes: Annotated[float, typer.Option("--file", min=0.1, help="Mean minutes a file.")] = 6.0,
    processors: Annotated[int, typer.Option("--processors", min=1, help="Of a machine.")] = 16,
    price: Annotated[float, typer.Option("--price", min=0, help="Of a processor-hour.")] = 0.02,
    longest: Annotated[
        float, typer.Option("--wait", min=0.1, help="Hours that 95 percent wait at most.")
    ] = 24.0,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulate the machines that a million hours take."""
    load = Load(
        hours=hours,
        days=days,
        cost=measured_cost(bench) if cost is None else cost,
        file_minutes=minutes,
        processors=processors,
        price=price,
    )
    outcomes = compare(load, LOSSES, longest, seed)
    rows = [{"loss": loss, **asdict(one)} for loss, one in zip(LOSSES, outcomes, strict=True)]
    show({"load": asdict(load), "fleets": rows}, capacity_table(load, outcomes), as_json=as_json)


def capacity_table(load: Load, outcomes: Sequence[Outcome]) -> Table:
    """Lay out one fleet a line."""
    table = make_table(
        f"{load.hours:,.0f} hours of video in {load.days:g} days; a second of video takes "
        f"{load.cost:.3g} s of a processor; {load.processors} processors a machine",
        ["machines lost per hour"],
        [
            "machines",
            "busy",
            "wait h: median, 95 %",
            "done again",
            "files given up",
            "price of 1,000 h",
            "TB kept",
        ],
    )
    for loss, one in zip(LOSSES, outcomes, strict=True):
        table.add_row(
            f"{loss:.0%}",
            str(one.machines),
            f"{one.busy:.0%}",
            f"{one.wait:.1f}, {one.wait_95:.1f}",
            f"{one.repeated:.2%}",
            f"{one.given_up:.0f}",
            f"{one.price:.2f}",
            f"{one.terabytes:.0f}",
        )
    return table

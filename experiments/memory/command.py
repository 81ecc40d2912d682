"""Memory over a long video and over many short ones, as a table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.memory.run import MemoryCurve, run_long, run_many
from experiments.shared import JsonOption, make_table, show

if TYPE_CHECKING:
    from rich.table import Table


def memory(
    clip: Annotated[Path, typer.Argument(help="Video of a walker, small.")],
    hours: Annotated[float, typer.Option("--hours", min=0, help="Length of the long one.")] = 2.0,
    count: Annotated[int, typer.Option("--count", min=0, help="How many short ones.")] = 1000,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Frames per second.")] = 5,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of the short ones.")] = 2.0,
    interval: Annotated[float, typer.Option("--interval", help="Seconds between samples.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Watch the memory of extract and of its processes."""
    curves = []
    with tempfile.TemporaryDirectory(prefix="gaitproof-memory-") as name:
        folder = Path(name)
        if hours:
            (folder / "long").mkdir()
            curves.append(
                run_long(clip, folder / "long", hours=hours, rate=rate, interval=interval)
            )
        if count:
            (folder / "many").mkdir()
            curves.append(
                run_many(
                    clip,
                    folder / "many",
                    count=count,
                    rate=rate,
                    seconds=seconds,
                    interval=interval,
                )
            )
    tables = [memory_table(curve) for curve in curves]
    show({"curves": [curve.to_dict() for curve in curves]}, *tables, as_json=as_json)


def memory_table(curve: MemoryCurve) -> Table:
    """Lay out one run, part by part."""
    table = make_table(
        f"{curve.what}: {curve.frames} frames in {curve.samples[-1].seconds:.0f} s, "
        f"growth {curve.growth:+.0f} MiB",
        ["part"],
        ["all processes, MiB", "at most", "largest process"],
    )
    for number, (median, highest, largest) in enumerate(curve.parts(), start=1):
        table.add_row(str(number), f"{median:.0f}", f"{highest:.0f}", f"{largest:.0f}")
    return table

"""Sweeps as one table and one plot."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.robustness.changes import plan_steps
from experiments.robustness.run import Outcome, sweep_faces, sweep_gait
from experiments.shared import (
    JsonOption,
    ModelOption,
    OutputOption,
    PeopleOption,
    make_table,
    show,
    spread,
    write_json,
)
from gaitproof.cli.options import CacheOption, split_names
from gaitproof.cli.output import progress_bar
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.bootstrap import Difference, Interval
from gaitproof.evaluate.table import format_percent
from gaitproof.face.model import FaceForgeryModel
from gaitproof.nets.onnx import load_encoder
from gaitproof.report.style import label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table


class Kind(StrEnum):
    """What is swept."""

    GAIT = "gait"
    FACE = "face"


def robustness(
    kind: Annotated[Kind, typer.Argument(help="gait or face.")],
    data: Annotated[Path, typer.Argument(help="gait: KTH's folder; face: a store.")],
    output: OutputOption,
    model: ModelOption = None,
    step: Annotated[
        int, typer.Option(help="Setting of each factor, 1 (least) to 3; 0 for all.", min=0, max=3)
    ] = 0,
    only: Annotated[
        str, typer.Option(help="Beginnings of factors, by commas; all by default.")
    ] = "",
    people: PeopleOption = 0,
    seconds: Annotated[float, typer.Option(help="gait: beginning of each probe.", min=2)] = 8.0,
    splits: Annotated[str, typer.Option(help="face: splits of the store.")] = "test",
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sweep codec, size, rate, light and more.

    What is still decided, factor by factor. Writes robustness-KIND.json and .png.
    """
    steps = plan_steps(step or None, split_names(only))
    with progress_bar(f"Changing {kind} videos") as progress:
        if kind is Kind.GAIT:
            sweep = sweep_gait(
                data,
                output,
                steps,
                encoder=load_encoder(model),
                people=people,
                seconds=seconds,
                cache=cache,
                progress=progress,
            )
        else:
            sweep = sweep_faces(
                FaceStore.open(data),
                steps,
                model=FaceForgeryModel.load(model),
                splits=split_names(splits),
                progress=progress,
            )
    values = {"kind": str(kind), "outcomes": [one.to_dict() for one in sweep]}
    write_json(output / f"robustness-{kind}.json", values)
    save_figure(plot_sweep(sweep, kind), output / f"robustness-{kind}.png")
    show(values, sweep_table(sweep, kind), as_json=as_json)


def sweep_table(outcomes: Sequence[Outcome], kind: Kind) -> Table:
    """Lay out AUC, EER, undecided and wrong, one row per setting."""
    own, other = ("mated", "non-mated") if kind is Kind.GAIT else ("genuine", "forged")
    first = outcomes[0]
    table = make_table(
        f"{kind}: {first.own} {own}, {first.other} {other}; % [95 % over people]",
        ["change"],
        ["AUC", "change", "EER", "undecided", "wrong"],
        caption=f"change: of the AUC, paired; undecided and wrong: % of {own}, % of {other}",
    )
    for before, one in zip((None, *outcomes), outcomes, strict=False):
        if before is not None and before.step.factor != one.step.factor:
            table.add_section()
        pairs = ((one.own_undecided, one.other_undecided), (one.own_wrong, one.other_wrong))
        cells = [", ".join(f"{100 * share:.0f}" for share in pair) for pair in pairs]
        table.add_row(one.step.name, _cell(one.auc), _cell(one.change), _cell(one.eer), *cells)
    return table


def _cell(value: Interval | Difference | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, Difference):
        return spread(value, "+.1f", 100)
    return format_percent(value)


def plot_sweep(outcomes: Sequence[Outcome], kind: Kind) -> Figure:
    """Draw AUC with its interval, and what is undecided and wrong, one line per setting."""
    figure, (left, right) = new_figure(2, height=1.2 + 0.22 * len(outcomes))
    names = [one.step.name for one in outcomes]
    for place, one in enumerate(outcomes):
        if one.auc is not None:
            ends = [100 * one.auc.low, 100 * one.auc.high]
            left.plot(ends, [place, place], color="C0", linewidth=1.5)
            left.plot(100 * one.auc.value, place, "o", color="C0", markersize=4)
    if outcomes[0].auc is not None:
        left.axvline(100 * outcomes[0].auc.value, color="C0", linewidth=0.8, linestyle=":")
    left.axvline(50, color="0.6", linewidth=0.8)
    left.set_yticks(range(len(names)), names, fontsize=7)
    undecided = [50 * (one.own_undecided + one.other_undecided) for one in outcomes]
    wrong = [50 * (one.own_wrong + one.other_wrong) for one in outcomes]
    places = range(len(names))
    right.barh(places, undecided, color="0.75", label="undecided")
    right.barh(places, wrong, left=undecided, color="C3", label="wrong")
    right.set_yticks([])
    right.set_xlim(0, 100)
    for axes in (left, right):
        axes.set_ylim(len(names) - 0.5, -0.5)
    label(left, f"{kind}: AUC", "%, 95 % over people", "")
    label(right, "answers", "% of claims, both kinds alike", "")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8.5, frameon=False)
    return figure

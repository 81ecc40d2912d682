"""Face swaps told from other walks: counts and figures as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from experiments.preserve.run import CASES, Trial, is_calibration, run, to_dict
from experiments.shared import (
    JsonOption,
    OutputOption,
    SeedOption,
    WorkersOption,
    make_table,
    show,
)
from gaitproof.cli.output import progress_bar
from gaitproof.types.preservation import Outcome

if TYPE_CHECKING:
    from rich.table import Table


def preserve(
    folder: OutputOption = Path("preserve"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="Synthetic pairs to test.")] = 20,
    seed: SeedOption = 0,
    workers: WorkersOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Tell face swaps from other walks on synthetic pairs.

    The published criteria stand beside.
    """
    with progress_bar("Filming and comparing pairs") as progress:
        trials = run(folder, pairs=pairs, seed=seed, workers=workers, progress=progress)
    show(to_dict(trials), outcome_table(trials), figure_table(trials), as_json=as_json)


def outcome_table(trials: Sequence[Trial]) -> Table:
    """Lay out the answers per case, of the tested pairs, with the published criteria beside."""
    tested = [trial for trial in trials if not is_calibration(trial)]
    table = make_table(
        f"{len({t.pair for t in tested})} synthetic pairs that set no limit; published: two of "
        "three criteria",
        ["case", "expected"],
        [*(o.value.lower() for o in Outcome), "published pass"],
    )
    for case in CASES:
        own = [trial for trial in tested if trial.case == case]
        table.add_row(
            case,
            own[0].expected.value.lower() if own else "",
            *(str(sum(t.outcome is o for t in own)) for o in Outcome),
            f"{sum(t.published.get('passed', False) for t in own)} of {len(own)}",
        )
    return table


def figure_table(trials: Sequence[Trial]) -> Table:
    """Lay out the range of every figure per case, of the tested pairs."""
    tested = [trial for trial in trials if not is_calibration(trial)]
    names = ("pck", "cosine", "step_width", "symmetry", "distance", "velocity")
    headings = [name.replace("_", " ") for name in names]
    table = make_table("Least, median and largest value", ["case"], headings)
    for case in CASES:
        cells = []
        for name in names:
            values = [t.figures[name] for t in tested if t.case == case and t.figures]
            ends = np.quantile(values, (0, 0.5, 1)) if values else np.full(3, np.nan)
            cells.append(" ".join(f"{value:.3f}" for value in ends))
        table.add_row(case, *cells)
    return table

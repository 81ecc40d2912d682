"""Plots of comparisons, ablations and searches, as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from gaitproof.evaluate.comparison import FIGURE_NAMES, Comparison
from gaitproof.modelling.tuning import Tuning
from gaitproof.report.plots import plot_comparison
from gaitproof.report.style import COLOURS, GREY, label, legend, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STATES: Final = {"complete": ("o", COLOURS[0]), "pruned": ("v", COLOURS[1])}


def save_comparison_plots(comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Write one PNG per comparison of two systems or more.

    Parameters
    ----------
    comparisons
        As `gaitproof.evaluate.comparison.compare_levels` returns them.
    folder
        Must exist.
    """
    written = []
    for comparison in comparisons:
        if len(comparison.rows) < 2:
            continue
        level = re.sub(r"[^a-z0-9]+", "-", comparison.level.lower()).strip("-")
        path = folder / "-".join(filter(None, ("comparison", level, f"{comparison.figure}.png")))
        figure = plot_comparison(
            comparison.rows,
            figure_name=FIGURE_NAMES[comparison.figure],
            reference=comparison.reference,
            support=comparison.support if comparison.figure == "eer" else 0.0,
            title=comparison.title,
        )
        save_figure(figure, path)
        written.append(path)
    return written


def _plot_history(result: Tuning) -> Figure:
    """Draw the validation figure of every attempt, and the best so far."""
    name = FIGURE_NAMES[result.settings.figure]
    figure, (axes,) = new_figure(height=3.6)
    for state, (marker, colour) in _STATES.items():
        shown = [
            (attempt.number, 100 * attempt.value)
            for attempt in result.attempts
            if attempt.state == state and attempt.value is not None
        ]
        if shown:
            x, y = zip(*shown, strict=True)
            filled = colour if state == "complete" else "none"
            axes.scatter(x, y, marker=marker, facecolor=filled, edgecolor=colour, label=state)
    axes.axhline(100 * result.given, color=GREY, linestyle="--", label="recipe as given")
    complete = [
        100 * attempt.value if attempt.state == "complete" and attempt.value is not None else np.nan
        for attempt in result.attempts
    ]
    pick = np.fmin if result.settings.figure == "eer" else np.fmax
    best = pick.accumulate([100 * result.given, *complete])
    axes.step(np.arange(-1, len(complete)), best, where="post", color="black", label="best so far")
    label(axes, "Search", "attempt", f"{name} of the validation people, %")
    legend(axes)
    return figure


def save_tuning_plots(result: Tuning, folder: Path) -> list[Path]:
    """Write ``history.png`` and the last comparison; return the files."""
    path = folder / "history.png"
    save_figure(_plot_history(result), path)
    return [path, *save_comparison_plots(result.comparisons, folder)]

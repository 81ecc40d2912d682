"""All plots of an evaluation as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gaitproof.evaluate.result import EvaluationResult
from gaitproof.evaluate.trials import Level
from gaitproof.report.curves import plot_det, plot_roc, plot_scores, plot_tippett
from gaitproof.report.plots import plot_confusion, plot_embeddings, plot_people
from gaitproof.report.style import save_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: Final = ("png", "svg")

SYSTEM: Final = "this encoder"


def evaluation_figures(result: EvaluationResult) -> Iterator[tuple[str, Figure]]:
    """Draw every plot that the result allows, with a file name each."""
    for level, figures in result.system.items():
        systems = {SYSTEM: figures.trials} | {
            name: levels[level].trials
            for name, levels in result.baselines.items()
            if level in levels
        }
        where = f"{level} level"
        threshold = None if figures.decisions is None else figures.decisions.threshold
        yield f"roc-{level}", plot_roc(systems, title=f"ROC, {where}", seed=result.seed)
        yield f"det-{level}", plot_det(systems, title=f"DET, {where}", seed=result.seed)
        yield (
            f"scores-{level}",
            plot_scores(figures.trials, threshold=threshold, title=f"Scores, {where}"),
        )
        if figures.log10_lr is not None:
            yield (
                f"tippett-{level}",
                plot_tippett(figures.log10_lr, figures.trials.mated, title=f"Tippett, {where}"),
            )
        if figures.decisions is not None:
            yield f"confusion-{level}", plot_confusion(figures, title=f"Decisions, {where}")
    first: Level = "clip"
    yield "people", plot_people(result.system[first].per_person)
    if result.sample is not None and len(result.sample.vectors) > 2:
        yield "embeddings", plot_embeddings(result.sample)


def save_plots(result: EvaluationResult, folder: Path) -> list[Path]:
    """Write every plot as PNG and SVG.

    Parameters
    ----------
    result
        The evaluation.
    folder
        Made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return save_figures(evaluation_figures(result), folder, KINDS)

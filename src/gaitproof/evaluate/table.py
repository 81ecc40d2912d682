"""Evaluation results as tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

from rich.table import Table

from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.result import FMR_TARGETS, EvaluationResult, GroupResult, SystemResult
from gaitproof.metrics import supported_rate
from gaitproof.text import make_table, printable

_HEADINGS: Final = {
    "auc": "AUC %",
    "eer": "EER %",
    "fnmr_at_fmr_10pct": "FNMR % at FMR 10 %",
    "fnmr_at_fmr_1pct": "FNMR % at FMR 1 %",
    "fnmr_at_fmr_01pct": "FNMR % at FMR 0.1 %",
    "min_dcf": "minDCF",
}
_ERROR_RATES: Final = ("eer", *FMR_TARGETS)


def format_percent(interval: Interval, support: float = 0.0) -> str:
    """Write a rate in percent with its interval; never below what the people support.

    Examples
    --------
    >>> format_percent(Interval(0.0271, 0.018, 0.0384), 0.022)
    '2.7 [1.8–3.8]'
    >>> format_percent(Interval(0.004, 0.0, 0.01), 0.0221)
    '< 2.3'
    """
    if interval.value < support:
        return f"< {format_bound(support)}"
    return f"{interval.value * 100:.1f} [{interval.low * 100:.1f}–{interval.high * 100:.1f}]"


def format_bound(support: float) -> str:
    """Write a lowest rate in percent, rounded up, so that the printed bound is one that holds."""
    return f"{math.ceil(support * 1000) / 10:.1f}"


def format_figure(name: str, system: SystemResult) -> str:
    """Write one figure of a system as a table cell."""
    if name in system.unsupported:
        return f"needs {system.unsupported[name]} people"
    figure = system.figures[name]
    if name == "min_dcf":
        return f"{figure.value:.2f} [{figure.low:.2f}–{figure.high:.2f}]"
    return format_percent(figure, system.support if name in _ERROR_RATES else 0.0)


def figures_table(result: EvaluationResult) -> Table:
    """Lay out every figure of the system, one row per figure and one column per level."""
    table = make_table(
        ("",),
        _levels(result),
        wrap=False,
        title=f"{result.protocol}; 95 % intervals over people",
        caption='"<": measured lower, but this number of people does not support less',
    )

    def row(title: str, cell: Callable[[SystemResult], str]) -> None:
        table.add_row(title, *(cell(system) for system in result.system.values()))

    row("people", lambda system: str(system.people))
    row("trials, mated + impostor", lambda system: f"{system.mated} + {system.nonmated}")
    row("trials without a score", lambda system: str(system.failures))
    table.add_section()
    for name, heading in _HEADINGS.items():
        row(heading, partial(format_figure, name))
    table.add_section()
    for name, heading in _DECISIONS.items():
        row(heading, partial(_format_spread, name))
    table.add_section()
    for name, heading in _LIKELIHOODS.items():
        row(heading, partial(_format_spread, name))
    return table


def _levels(result: EvaluationResult) -> list[str]:
    return [f"{level} level" for level in result.system]


_DECISIONS: Final = {
    "accuracy": "accuracy %",
    "precision": "precision %",
    "recall": "recall %",
    "f1": "F1 %",
    "fmr": "FMR % at the threshold",
    "fnmr": "FNMR % at the threshold",
}
_LIKELIHOODS: Final = {"cllr": "Cllr", "min_cllr": "minCllr", "ece": "ECE"}


def _format_spread(name: str, system: SystemResult) -> str:
    """Write a decision or likelihood figure of a system as a table cell."""
    spread = system.spread.get(name)
    if spread is None:
        return "–"
    if name in _LIKELIHOODS:
        return f"{spread.value:.3f} [{spread.low:.3f}–{spread.high:.3f}]"
    return format_percent(spread, system.support if name in ("fmr", "fnmr") else 0.0)


def systems_table(result: EvaluationResult) -> Table:
    """Lay out the system beside its baselines on the same trials."""
    table = make_table(
        ("system", "level"),
        ("AUC %", "EER %", "difference"),
        wrap=False,
        title="On the same trials",
        caption="difference: EER minus this encoder's",
    )
    for name, levels in {"this encoder": result.system, **result.baselines}.items():
        for level, figures in levels.items():
            change = result.comparisons.get(name, {}).get(level, {}).get("eer")
            # the comparison is encoder minus baseline
            cell = (
                ""
                if change is None
                else f"{-change.value * 100:+.1f} "
                f"[{-change.high * 100:+.1f} to {-change.low * 100:+.1f}]"
            )
            cells = (format_figure("auc", figures), format_figure("eer", figures), cell)
            table.add_row(name, level, *cells)
    return table


def _group_rate(group: GroupResult) -> str:
    support = supported_rate(group.people)
    if group.eer_interval is not None:
        return format_percent(group.eer_interval, support)
    return f"< {format_bound(support)}" if group.eer < support else f"{group.eer * 100:.1f}"


def _group_area(group: GroupResult) -> str:
    if group.auc_interval is not None:
        return format_percent(group.auc_interval)
    return f"{group.auc * 100:.1f}"


def details_table(result: EvaluationResult, *, most_folds: int = 10) -> Table:
    """Lay out the parts of the trials, one row per part.

    Parameters
    ----------
    result
        The evaluation.
    most_folds
        More folds than this are left out; they are in the JSON.
    """
    headings = ("AUC %", "EER %", "people", "mated + impostor")
    table = make_table(("part",), headings, title="In parts", wrap=False)
    for level, figures in result.system.items():
        folds = figures.per_fold if 1 < len(figures.per_fold) <= most_folds else {}
        parts = {
            **{f"fold {name}": group for name, group in folds.items()},
            **{f"source {name}": group for name, group in figures.per_source.items()},
            **figures.per_kind,
            **figures.per_part,
        }
        table.add_section()
        table.add_row(f"{level} level", style="bold")
        for name, group in parts.items():
            table.add_row(
                printable(name),
                _group_area(group),
                _group_rate(group),
                str(group.people),
                f"{group.mated} + {group.nonmated}",
            )
    return table


def folds_table(result: EvaluationResult) -> Table:
    """Lay out mean and standard deviation over the folds, one row per figure."""
    table = make_table(
        ("",),
        _levels(result),
        wrap=False,
        title="Mean ± standard deviation over the folds",
        caption="how much folds differ; how sure the figures are, the intervals say",
    )
    headings = {"accuracy": "accuracy %", "f1": "F1 %", "auc": "AUC %", "eer": "EER %"}
    for name, heading in headings.items():
        spreads = [figures.over_folds.get(name) for figures in result.system.values()]
        cells = (
            "–" if s is None else f"{s.mean * 100:.1f} ± {s.deviation * 100:.1f}" for s in spreads
        )
        table.add_row(heading, *cells)
    return table


def rank_one_table(result: EvaluationResult) -> Table:
    """Lay out the identification rate across views, one row per condition."""
    return make_table(
        ("condition",),
        ("rank-1 %",),
        ((condition, format_percent(figure)) for condition, figure in result.rank_one.items()),
        wrap=False,
        title="Nearest clip of one other view is the same person's (rank-1), mean over pairs of "
        "views",
    )


def view_tables(result: EvaluationResult) -> list[Table]:
    """Lay out the EER by view: one table for views tried, one for the number of views enrolled."""
    tables = []
    for title, conditions in result.views.items():
        table = make_table((title,), tuple(conditions), wrap=False, title="EER % of clips")
        support = supported_rate(result.system["clip"].people)
        for row in dict.fromkeys(row for cells in conditions.values() for row in cells):
            cell = (cells.get(row) for cells in conditions.values())
            table.add_row(row, *("–" if c is None else format_percent(c, support) for c in cell))
        tables.append(table)
    return tables


def people_table(result: EvaluationResult, *, most: int = 10) -> Table:
    """Lay out the people with the most errors at clip level, worst first.

    Parameters
    ----------
    result
        The evaluation.
    most
        People shown; all are in the JSON.
    """
    clips = result.system["clip"]

    def errors(name: str) -> float:
        one = clips.per_person[name]
        return (one.fnmr or 0.0) + (one.fmr_as_impostor or 0.0) + (one.fmr_as_claimed or 0.0)

    shown = sorted(clips.per_person, key=lambda name: (-errors(name), name))[:most]
    table = make_table(
        ("person",),
        ("refused %", "accepted as another %", "another accepted as them %"),
        title=f"{len(shown)} of {len(clips.per_person)} people, most errors first (clip level, at "
        "the pooled EER threshold)",
    )
    for name in shown:
        one = clips.per_person[name]
        values = (one.fnmr, one.fmr_as_impostor, one.fmr_as_claimed)
        table.add_row(name, *("–" if v is None else f"{v * 100:.1f}" for v in values))
    return table


def decision_lines(result: EvaluationResult) -> list[str]:
    """Say what the decisions rest on, in one sentence per level."""
    whose = "the card's" if result.design == "frozen" else "set on other people (Youden's J), mean"
    return [
        f"{level}: threshold {figures.decisions.threshold:.3f} ({whose}); accuracy, precision and "
        f"F1 hold where {figures.decisions.prevalence:.1%} of the claims are genuine."
        for level, figures in result.system.items()
        if figures.decisions is not None
    ]

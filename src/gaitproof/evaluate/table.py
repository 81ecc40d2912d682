"""Evaluation results as tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.result import FMR_TARGETS, EvaluationResult, GroupResult, SystemResult
from gaitproof.metrics import supported_rate

if TYPE_CHECKING:
    from rich.table import Table

_HEADINGS: Final = {
    "auc": "AUC %",
    "eer": "EER %",
    "fnmr_at_fmr_10pct": "FNMR % at FMR 10 %",
    "fnmr_at_fmr_1pct": "at FMR 1 %",
    "fnmr_at_fmr_01pct": "at FMR 0.1 %",
    "min_dcf": "minDCF",
}
_ERROR_RATES: Final = ("eer", *FMR_TARGETS)


def format_percent(found: Interval, support: float = 0.0) -> str:
    """Write a rate in percent with its interval; never below what the people support.

    Examples
    --------
    >>> format_percent(Interval(0.0271, 0.018, 0.0384), 0.022)
    '2.7 [1.8–3.8]'
    >>> format_percent(Interval(0.004, 0.0, 0.01), 0.0221)
    '< 2.3'
    """
    if found.value < support:
        return f"< {_bound(support)}"
    return f"{found.value * 100:.1f} [{found.low * 100:.1f}–{found.high * 100:.1f}]"


def _bound(support: float) -> str:
    """Round up, so that the printed bound is one that holds."""
    return f"{math.ceil(support * 1000) / 10:.1f}"


def format_figure(name: str, system: SystemResult) -> str:
    """Write one figure of a system as a table cell."""
    if name in system.unsupported:
        return f"needs {system.unsupported[name]} people"
    found = system.figures[name]
    if name == "min_dcf":
        return f"{found.value:.2f} [{found.low:.2f}–{found.high:.2f}]"
    return format_percent(found, system.support if name in _ERROR_RATES else 0.0)


def figures_table(result: EvaluationResult) -> Table:
    """Lay out the system and its baselines, one row per system and level."""
    from rich.table import Table

    table = Table(
        title=f"{result.protocol}; 95 % intervals over people",
        caption='"<": measured lower, but this number of people does not support less',
    )
    table.add_column("system")
    table.add_column("level")
    for heading in _HEADINGS.values():
        table.add_column(heading, justify="right")
    table.add_column("people", justify="right")
    table.add_column("trials (mated)", justify="right")
    table.add_column("no score", justify="right")
    for name, levels in {"this encoder": result.system, **result.baselines}.items():
        for level, found in levels.items():
            table.add_row(
                name,
                level,
                *(format_figure(figure, found) for figure in _HEADINGS),
                str(found.people),
                f"{len(found.trials)} ({found.mated})",
                str(found.failures),
            )
    return table


def _group_rate(group: GroupResult) -> str:
    support = supported_rate(group.people)
    bound = f"< {_bound(support)}"
    return bound if group.eer < support else f"{group.eer * 100:.1f}"


def details_table(result: EvaluationResult) -> Table:
    """Lay out calibration, decisions, and the parts of the trials, one row per part."""
    from rich.table import Table

    table = Table(title="In detail")
    for heading in ("level", "part", "AUC %", "EER %", "people", "mated", "non-mated"):
        table.add_column(heading, justify="left" if heading in ("level", "part") else "right")
    for level, found in result.system.items():
        parts = {
            **{f"fold {name}": group for name, group in found.per_fold.items()},
            **{f"source {name}": group for name, group in found.per_source.items()},
            **found.per_kind,
        }
        for name, group in parts.items():
            table.add_row(
                level,
                name,
                f"{group.auc * 100:.1f}",
                _group_rate(group),
                str(group.people),
                str(group.mated),
                str(group.nonmated),
            )
    return table


def decision_lines(result: EvaluationResult) -> list[str]:
    """Say accuracy, F1 and calibration in one sentence per level."""
    lines = []
    for level, found in result.system.items():
        decisions = found.decisions
        if decisions is None or found.cllr is None or found.ece is None:
            continue
        lines.append(
            f"{level}: accuracy {decisions.accuracy:.1%}, precision {decisions.precision:.1%}, "
            f"recall {decisions.recall:.1%}, F1 {decisions.f1:.1%} where "
            f"{decisions.prevalence:.1%} of the claims are genuine; "
            f"Cllr {found.cllr:.3f} (at best {found.min_cllr:.3f}), ECE {found.ece:.3f}"
        )
    return lines

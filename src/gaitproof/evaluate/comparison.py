"""Several systems on the same trials, compared with one of them by a paired bootstrap."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    FIGURES,
    Interval,
    RateFunction,
    bootstrap_figures,
    measure_figures,
    paired_difference,
    percentile_interval,
    require_same_trials,
)
from gaitproof.evaluate.trials import Trials
from gaitproof.text import make_table, printable

if TYPE_CHECKING:
    from rich.table import Table

Figure = Literal["eer", "auc"]

FIGURE_NAMES: Final[Mapping[Figure, str]] = {"eer": "EER", "auc": "AUC"}
"""How the figures are called in tables and plots."""


@dataclass(frozen=True)
class ComparisonRow:
    """One system of a comparison; every figure is a share in [0, 1].

    Parameters
    ----------
    name
        Of the system.
    value, low, high
        Its figure with the 95 % interval over people.
    difference, difference_low, difference_high
        Its figure minus the reference's, with the 95 % interval over the same draws of people;
        all 0 for the reference itself.
    p_value
        Two-sided bootstrap p-value of "no difference"; 1 for the reference.
    """

    name: str
    value: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference_low > 0 or self.difference_high < 0


@dataclass(frozen=True)
class Comparison:
    """Systems compared with one of them on the same trials by one figure.

    Parameters
    ----------
    figure
        ``eer`` (lower is better) or ``auc`` (higher is better).
    level
        What a probe is, e.g. ``clip`` or ``window``; empty if not told.
    reference
        Name of the system that the others are compared with.
    rows
        One per system, in the order given.
    people, mated, nonmated
        Of the trials.
    support
        Lowest error rate that this many people support at 95 %.
    draws, seed
        Of the bootstrap over people.
    """

    figure: Figure
    level: str
    reference: str
    rows: tuple[ComparisonRow, ...]
    people: int
    mated: int
    nonmated: int
    support: float
    draws: int
    seed: int

    @property
    def title(self) -> str:
        """What is compared, in words, e.g. ``EER per clip``."""
        name = FIGURE_NAMES[self.figure]
        return f"{name} per {self.level}" if self.level else name

    def row(self, name: str) -> ComparisonRow | None:
        """Return the row of a system, None if it is not compared here."""
        return next((row for row in self.rows if row.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "rows": [asdict(row) for row in self.rows]}

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON, atomically."""
        save_comparisons(path, [self])


def _check_reference(reference: str, systems: Mapping[str, Any]) -> None:
    if reference not in systems:
        raise InputError(
            f"There is no system called {reference!r} to compare with.",
            expected=", ".join(systems),
        )


def compare_figures(
    systems: Mapping[str, Trials],
    reference: str,
    *,
    figures: Sequence[Figure] = ("eer", "auc"),
    level: str = "",
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare systems with a reference on the same trials by a paired bootstrap over people.

    Parameters
    ----------
    systems
        The same trials, in the same order, scored by each system.
    reference
        Name of the system to compare with.
    figures
        Some of ``eer`` and ``auc``; several cost hardly more than one.
    level
        What a probe is, for the title.
    draws, seed
        Of the bootstrap; all systems see the same draws of people, see
        `gaitproof.evaluate.bootstrap.bootstrap_figures`.

    Raises
    ------
    InputError
        If the reference or a figure is unknown, the trials are not the same, or there are too few
        people.
    """
    unknown = [name for name in figures if name not in FIGURE_NAMES]
    if unknown:
        raise InputError(
            f"Systems cannot be compared by {unknown[0]!r}.", expected=", ".join(FIGURE_NAMES)
        )
    _check_reference(reference, systems)
    base = systems[reference]
    for name, trials in systems.items():
        try:
            require_same_trials(trials, base)
        except InputError as error:
            raise InputError(
                f"{name!r} and {reference!r} were not scored on the same trials.",
                expected="the same probes, claims and folds in the same order",
                actual=error.actual,
            ) from error
    chosen: dict[str, RateFunction] = {name: FIGURES[name] for name in figures}
    measured = {name: measure_figures(trials, chosen) for name, trials in systems.items()}
    drawn = {
        name: bootstrap_figures(trials, draws=draws, seed=seed, figures=chosen)
        for name, trials in systems.items()
    }

    def row(name: str, figure: Figure) -> ComparisonRow:
        value, values = measured[name][figure], drawn[name][figure]
        low, high = percentile_interval(values)
        if name == reference:
            return ComparisonRow(name, value, low, high, 0.0, 0.0, 0.0, 1.0)
        change = paired_difference(
            value - measured[reference][figure], values - drawn[reference][figure]
        )
        return ComparisonRow(
            name, value, low, high, change.value, change.low, change.high, change.p_value
        )

    people = len(base.subjects)
    return tuple(
        Comparison(
            figure=figure,
            level=level,
            reference=reference,
            rows=tuple(row(name, figure) for name in systems),
            people=people,
            mated=int(base.mated.sum()),
            nonmated=int((~base.mated).sum()),
            support=metrics.supported_rate(people),
            draws=draws,
            seed=seed,
        )
        for figure in figures
    )


def compare_levels(
    systems: Mapping[str, Mapping[str, Trials]],
    reference: str,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare systems at every level that the reference has; one comparison per level and figure.

    Parameters
    ----------
    systems
        Trials by system and level; a system that has no trials at a level is left out there.
    reference, draws, seed
        See `compare_figures`.
    """
    _check_reference(reference, systems)
    return tuple(
        comparison
        for level in systems[reference]
        for comparison in compare_figures(
            {name: levels[level] for name, levels in systems.items() if level in levels},
            reference,
            level=level,
            draws=draws,
            seed=seed,
        )
    )


def save_comparisons(path: Path, comparisons: Sequence[Comparison], **facts: Any) -> None:
    """Write comparisons as one JSON object, atomically.

    Parameters
    ----------
    path
        File to write.
    comparisons
        Go under the key ``comparisons``.
    **facts
        Further keys of the object; plain JSON types.
    """
    from gaitproof.media.files import write_atomically

    data = {**facts, "comparisons": [comparison.to_dict() for comparison in comparisons]}
    write_atomically(path, (json.dumps(data, indent=1, allow_nan=False) + "\n").encode())


def format_difference(row: ComparisonRow) -> str:
    """Write a difference in percentage points with its interval; a star where it leaves out 0.

    Examples
    --------
    >>> format_difference(ComparisonRow("a", 0.03, 0.02, 0.04, 0.012, 0.004, 0.02, 0.002))
    '+1.2 [+0.4, +2.0] *'
    """
    low, value, high = (
        # adding 0 turns a rounded -0.0 into 0.0
        f"{round(100 * part, 1) + 0.0:+.1f}".replace("-", "−")
        for part in (row.difference_low, row.difference, row.difference_high)
    )
    return f"{value} [{low}, {high}]{' *' if row.differs else ''}"


def comparison_tables(
    comparisons: Sequence[Comparison], title: str = "", notes: Mapping[str, str] | None = None
) -> list[Table]:
    """Lay comparisons out as one table per level.

    Parameters
    ----------
    comparisons
        As `compare_levels` returns them.
    title
        Put before the level.
    notes
        A last column by system, if given; its heading is under the empty key.
    """
    from gaitproof.evaluate.table import format_percent

    tables = []
    for level in dict.fromkeys(comparison.level for comparison in comparisons):
        parts = [comparison for comparison in comparisons if comparison.level == level]
        first = parts[0]
        names = [FIGURE_NAMES[part.figure] for part in parts]
        headings = [text for name in names for text in (f"{name} %", f"{name} difference")]
        table = make_table(
            ("system",),
            headings if notes is None else [*headings, notes.get("", "")],
            title=f"{title}{': ' if title and level else ''}{level and f'per {level}'}"
            f" ({first.people} people, {first.mated} mated and {first.nonmated} non-mated trials)",
            caption=f"95 % intervals over people; differences from “{printable(first.reference)}” "
            "in percentage points on the same draws of people, * if the interval leaves out 0",
        )
        for row in first.rows:
            cells = []
            for part in parts:
                own = part.row(row.name)
                assert own is not None, "figures of one level have the same systems"
                floor = part.support if part.figure == "eer" else 0.0
                cells.append(format_percent(Interval(own.value, own.low, own.high), floor))
                cells.append("–" if row.name == part.reference else format_difference(own))
            if notes is not None:
                cells.append(printable(notes.get(row.name, "")))
            table.add_row(printable(row.name), *cells)
        tables.append(table)
    return tables

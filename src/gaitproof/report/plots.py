"""Plots of decisions, people and comparisons.

Each function returns a matplotlib figure and touches no global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.comparison import ComparisonRow
from gaitproof.evaluate.result import EmbeddingSample, PersonResult, SystemResult
from gaitproof.evaluate.table import format_bound
from gaitproof.report.style import (
    COLOURS,
    FAINT,
    GREY,
    HATCHES,
    MARKERS,
    PALE,
    draw_outcomes,
    label,
    legend,
    new_figure,
)
from gaitproof.types.preservation import Preservation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Float64 = NDArray[np.float64]

_MOST_PEOPLE: Final = 40
_MOST_IDENTITIES: Final = 24


def plot_confusion(system: SystemResult, *, title: str = "Decisions") -> Figure:
    """Draw the four outcomes as counts and rates with their intervals.

    Raises
    ------
    InputError
        If the result has no decisions.
    """
    if system.decisions is None:
        raise InputError("There is no threshold from other people, so there are no decisions.")
    figure, (axes,) = new_figure(width=5.4, height=3.8)
    rates = [
        [1 - system.decisions.fnmr, system.decisions.fnmr],
        [system.decisions.fmr, 1 - system.decisions.fmr],
    ]
    counts = (system.mated, system.nonmated)
    texts = []
    for row, name in enumerate(("fnmr", "fmr")):
        error = system.spread.get(name)
        texts.append([f"{round(value * counts[row]):,}" for value in rates[row]])
        if error is not None:
            for column in range(2):
                texts[row][column] += f"\n{_outcome(error, system.support, wrong=row != column)}"
    truth = (f"genuine claim\n({counts[0]:,})", f"impostor\n({counts[1]:,})")
    draw_outcomes(axes, rates, texts, ("accepted", "refused"), truth)
    what = f"{title}, threshold {system.decisions.threshold:.3f}"
    label(axes, what, "decision (a trial without a score is refused)", "truth")
    return figure


def _outcome(error: Interval, support: float, *, wrong: bool) -> str:
    """Say an error rate, or the rate of right decisions that goes with it."""
    if error.value < support:
        bound = format_bound(support)
        return f"< {bound} %" if wrong else f"> {100 - float(bound):.1f} %"
    value, low, high = (
        (error.value, error.low, error.high)
        if wrong
        else (1 - error.value, 1 - error.high, 1 - error.low)
    )
    return f"{value * 100:.1f} %\n[{low * 100:.1f}–{high * 100:.1f}]"


def plot_people(people: Mapping[str, PersonResult], *, most: int = _MOST_PEOPLE) -> Figure:
    """Draw every person's error rates, worst first."""

    def total(one: PersonResult) -> float:
        return (one.fnmr or 0.0) + (one.fmr_as_impostor or 0.0) + (one.fmr_as_claimed or 0.0)

    names = sorted(people, key=lambda name: (-total(people[name]), name))[:most]
    figure, (axes,) = new_figure(height=1.3 + 0.19 * max(len(names), 4))
    rows = np.arange(len(names))
    series = (
        ("refused as themselves (FNMR)", [people[n].fnmr for n in names]),
        ("accepted as somebody else (FMR)", [people[n].fmr_as_impostor for n in names]),
        ("somebody else accepted as them (FMR)", [people[n].fmr_as_claimed for n in names]),
    )
    for i, (name, values) in enumerate(series):
        known = np.array([np.nan if v is None else v * 100 for v in values])
        axes.plot(
            known,
            rows + (i - 1) * 0.2,
            linestyle="none",
            marker=MARKERS[i],
            markersize=5.5,
            markerfacecolor="white" if i == 2 else COLOURS[i],
            markeredgecolor=COLOURS[i],
            label=name,
            clip_on=False,
        )
    axes.set_yticks(rows, [name.split(":", 1)[-1] for name in names])
    axes.tick_params(axis="y", labelsize=7.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(axes.get_xlim()[1], 5.0))
    axes.grid(visible=False, axis="y")
    for row in rows[1::2]:
        axes.axhspan(row - 0.5, row + 0.5, color=PALE, linewidth=0, zorder=0)
    shown = f"Errors by person ({len(names)} of {len(people)}, worst first)"
    label(axes, shown, "rate at the pooled EER threshold, %", "")
    legend(axes, "lower right")
    return figure


def plot_embeddings(sample: EmbeddingSample, *, method: Literal["pca", "tsne"] = "pca") -> Figure:
    """Draw a map of clips in two dimensions, people told apart by colour and marker.

    Parameters
    ----------
    sample
        At least three clips.
    method
        ``pca``: the two directions of largest spread. ``tsne``: neighbours (van der Maaten &
        Hinton, JMLR 9, 2008); distances between groups mean nothing. It needs scikit-learn.
    """
    names = sorted(set(sample.people))[:_MOST_IDENTITIES]
    owners = np.array(sample.people)
    keep = np.isin(owners, names)
    points, axis_names = _flatten(sample.vectors[keep], method)
    owners = owners[keep]
    figure, (axes,) = new_figure(width=7.2, height=5.0)
    for i, name in enumerate(names):
        own = points[owners == name]
        # colours and markers run at different lengths, so that no pair of them repeats
        axes.plot(
            own[:, 0],
            own[:, 1],
            linestyle="none",
            marker=MARKERS[(i + i // len(COLOURS)) % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            markersize=7,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=name.split(":", 1)[-1],
        )
    everybody = len(set(sample.people))
    shown = f"Embeddings: {len(names)} of {everybody} people, one mark per clip"
    label(axes, shown, *axis_names)
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        fontsize=7.5,
        frameon=False,
        ncols=1 + (len(names) > 20),
    )
    return figure


def _flatten(vectors: Float64, method: str) -> tuple[Float64, tuple[str, str]]:
    if len(vectors) < 3:
        raise InputError("A map needs at least three clips.", actual=str(len(vectors)))
    if method == "tsne":
        from sklearn.manifold import TSNE

        spread = min(30.0, (len(vectors) - 1) / 3)
        # the approximation pays off, and starts threads, for thousands of points only
        way: Any = "exact" if len(vectors) <= 1000 else "barnes_hut"
        mapper = TSNE(perplexity=spread, random_state=0, init="pca", method=way)
        flat = mapper.fit_transform(vectors)
        return np.asarray(flat, np.float64), ("t-SNE 1", "t-SNE 2")
    centred = vectors - vectors.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum()) or 1.0
    first, second = (sizes[:2] ** 2 / total * 100).tolist()
    axis_names = (
        f"component 1 ({first:.0f} % of the spread)",
        f"component 2 ({second:.0f} % of the spread)",
    )
    return centred @ directions[:2].T, axis_names


def plot_comparison(
    rows: Sequence[ComparisonRow],
    *,
    figure_name: str = "EER",
    reference: str = "",
    support: float = 0.0,
    title: str = "Comparison",
) -> Figure:
    """Draw systems with their intervals, and their differences from the reference.

    A difference whose interval leaves out 0 is drawn filled; intervals are paired, so they say
    more than the overlap of the bars on the left.

    Parameters
    ----------
    rows
        In the order to be shown.
    figure_name
        What is compared.
    reference
        Its name, for the axis.
    support
        Lowest rate that the people support, marked if above 0.
    title
        Above the plot.
    """
    if not rows:
        raise InputError("There is nothing to compare.")
    figure, (left, right) = new_figure(
        2, width=7.6, height=1.5 + 0.32 * len(rows), ratios=(1.15, 1.0)
    )
    places = np.arange(len(rows))
    for place, row in zip(places, rows, strict=True):
        _bar(left, place, (row.value, row.low, row.high), COLOURS[0], filled=True)
        _bar(
            right,
            place,
            (row.difference, row.difference_low, row.difference_high),
            COLOURS[1],
            filled=row.differs,
        )
    left.set_yticks(places, [row.name for row in rows])
    right.set_yticks(places, [])
    for axes in (left, right):
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
    right.axvline(0, color="black", linewidth=0.9)
    if support > 0:
        left.axvspan(0, support * 100, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0)
        left.set_xlim(left=0)
    label(left, title, f"{figure_name}, % (95 % over people)", "")
    than = f"minus {reference}" if reference else "minus the reference"
    label(right, "", f"{figure_name} {than}, points", "")
    return figure


def _bar(
    axes: Axes, place: float, values: tuple[float, float, float], colour: str, *, filled: bool
) -> None:
    value, low, high = (100 * number for number in values)
    axes.plot([low, high], [place, place], color=colour, linewidth=2.0, solid_capstyle="butt")
    for end in (low, high):
        axes.plot([end, end], [place - 0.14, place + 0.14], color=colour, linewidth=1.4)
    axes.plot(
        value,
        place,
        marker="o",
        markersize=6.5,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        clip_on=False,
    )


def plot_agreement(result: Preservation) -> Figure:
    """Draw how well the velocity of every joint follows the original's, and the noise floor.

    Raises
    ------
    ValueError
        If the two could not be aligned.
    """
    if result.agreement is None:
        raise ValueError("there is no agreement to draw")
    figure, (axes,) = new_figure(height=5.2)
    names = list(result.agreement.joints)
    places = np.arange(len(names))[::-1]
    axes.barh(
        places + 0.2,
        np.nan_to_num([result.agreement.joints[name] for name in names]),
        0.38,
        color=COLOURS[0],
        label="against the original",
    )
    if result.floor is not None:
        axes.barh(
            places - 0.2,
            np.nan_to_num([result.floor.joints[name] for name in names]),
            0.38,
            facecolor="white",
            edgecolor=GREY,
            hatch=HATCHES[1],
            label="the original encoded anew",
        )
    axes.set_yticks(places, [n.replace("foot_index", "toe").replace("_", " ") for n in names])
    axes.set_xlim(min(0.0, *(v for v in result.agreement.joints.values() if np.isfinite(v))), 1.02)
    label(
        axes,
        f"{result.outcome.value}: how the velocity of each joint follows the original's",
        "correlation",
        "",
    )
    # beside the bars there is no room: they fill the image
    figure.legend(loc="outside lower center", ncols=2, fontsize=8.5, frameon=False)
    return figure

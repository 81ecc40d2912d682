"""Plots of an evaluation; each returns a matplotlib figure and touches no global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval, bootstrap_figures
from gaitproof.evaluate.comparison import ComparisonRow
from gaitproof.evaluate.result import EmbeddingSample, PersonResult, SystemResult
from gaitproof.evaluate.table import format_bound
from gaitproof.evaluate.trials import KINDS_APART, Kind, Trials
from gaitproof.report.style import (
    COLOURS,
    FAINT,
    GREY,
    HATCHES,
    LINES,
    MARKERS,
    label,
    legend,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float64 = NDArray[np.float64]

BAND_DRAWS: Final = 300
"""Bootstrap draws behind a band; its ends are drawn, not printed."""

_BAND_POINTS: Final = np.concatenate([np.geomspace(1e-4, 0.1, 25), np.linspace(0.12, 0.98, 30)])
"""FMR at which a band is computed."""

_PERCENTS: Final = (0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 80)
_MOST_PEOPLE: Final = 40
_MOST_IDENTITIES: Final = 24


def plot_roc(
    systems: Mapping[str, Trials], *, title: str = "ROC", draws: int = BAND_DRAWS, seed: int = 0
) -> Figure:
    """Draw true match rate over false match rate.

    Parameters
    ----------
    systems
        Trials by system; the first gets a 95 % band over people.
    title
        Above the plot.
    draws, seed
        Of the band; 0 draws leave it out.
    """
    figure, (axes,) = new_figure()
    for i, (name, trials) in enumerate(systems.items()):
        curves = metrics.compute_error_curves(trials.scores, trials.mated)
        area = metrics.auc(trials.scores, trials.mated)
        if i == 0 and draws:
            low, high = _band(trials, draws, seed)
            axes.fill_between(
                _BAND_POINTS, 1 - high, 1 - low, color=COLOURS[0], alpha=0.18, linewidth=0
            )
        draw_line(axes, curves.fmr, 1 - curves.fnmr, i, f"{name} (AUC {area * 100:.1f} %)")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    in_percent(axes)
    what = f"{title} (band: 95 % over people)" if draws else title
    label(axes, what, "false match rate, %", "true match rate, %")
    legend(axes, "lower right")
    return figure


def plot_det(
    systems: Mapping[str, Trials], *, title: str = "DET", draws: int = BAND_DRAWS, seed: int = 0
) -> Figure:
    """Draw FNMR over FMR on normal-deviate axes (Martin et al., Eurospeech 1997).

    The hatched corner is below what the number of people supports at 95 %.

    Parameters
    ----------
    systems
        Trials by system; the first gets a 95 % band over people.
    title
        Above the plot.
    draws, seed
        Of the band; 0 draws leave it out.
    """
    from scipy.special import ndtri

    figure, (axes,) = new_figure(width=5.6, height=5.2)
    low, high = 0.0008, 0.85
    for i, (name, trials) in enumerate(systems.items()):
        curves = metrics.compute_error_curves(trials.scores, trials.mated)
        rate = metrics.eer(trials.scores, trials.mated)
        support = metrics.supported_rate(len(trials.subjects))
        if i == 0:
            if draws:
                best, worst = _band(trials, draws, seed)
                axes.fill_between(
                    ndtri(_BAND_POINTS),
                    _deviate(best, low),
                    _deviate(worst, low),
                    color=COLOURS[0],
                    alpha=0.18,
                    linewidth=0,
                )
            _hatch_unsupported(axes, float(ndtri(low)), float(ndtri(high)), support)
        bound = f"EER < {format_bound(support)} %"
        shown = bound if rate < support else f"EER {rate * 100:.1f} %"
        draw_line(
            axes, _deviate(curves.fmr, low), _deviate(curves.fnmr, low), i, f"{name} ({shown})"
        )
    ends = (float(ndtri(low)), float(ndtri(high)))
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_aspect("equal")
    ticks = [float(ndtri(p / 100)) for p in _PERCENTS]
    names = [f"{p:g}" for p in _PERCENTS]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    what = f"{title} (band: 95 % over people)" if draws else title
    label(axes, what, "false match rate, %", "false non-match rate, %")
    legend(axes, "upper right")
    return figure


def _hatch_unsupported(axes: Axes, low: float, high: float, support: float) -> None:
    from scipy.special import ndtri

    edge = float(ndtri(support))
    if edge <= low:
        return
    style: dict[str, Any] = {"facecolor": "none", "edgecolor": FAINT, "hatch": "////"}
    axes.fill_between([low, edge], low, high, linewidth=0, zorder=0, **style)
    axes.fill_between([edge, high], low, edge, linewidth=0, zorder=0, **style)
    axes.text(
        edge,
        low + 0.03,
        f" below {format_bound(support)} %: not supported by this many people",
        fontsize=7.5,
        color=GREY,
        va="bottom",
        ha="left" if edge < 0.3 * high + 0.7 * low else "center",
        backgroundcolor="white",
        clip_on=True,
    ).set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85})


def plot_tippett(
    log10_lr: ArrayLike, mated: ArrayLike, *, title: str = "Tippett", bound: float | None = None
) -> Figure:
    """Draw the share of trials whose likelihood ratio exceeds a value, by class.

    Tippett et al., J. Forensic Sci. Soc. 8, 1968. A trial without a score says nothing: ratio 1.

    Parameters
    ----------
    log10_lr
        Shape (N,), log10 likelihood ratios, NaN without a score.
    mated
        Shape (N,).
    title
        Above the plot.
    bound
        Largest magnitude that the calibration allows, marked if given.
    """
    values = np.nan_to_num(np.asarray(log10_lr, np.float64), nan=0.0)
    labels = np.asarray(mated, bool)
    figure, (axes,) = new_figure()
    for i, (name, keep) in enumerate((("genuine claims", labels), ("impostors", ~labels))):
        ordered = np.sort(values[keep])
        share = 1 - np.arange(len(ordered) + 1) / len(ordered)
        x = np.concatenate([[ordered[0] - 0.2], ordered, [ordered[-1] + 0.2]])
        axes.step(
            x,
            [1.0, *share[1:], 0.0],
            where="post",
            color=COLOURS[i],
            linestyle=LINES[i],
            linewidth=1.8,
            label=name,
        )
        wrong = float(np.mean(ordered < 0) if i == 0 else np.mean(ordered > 0))
        side = "below" if i == 0 else "above"
        axes.plot([], [], " ", label=f"   {wrong * 100:.1f} % {side} 0: misleading")
    axes.axvline(0, color=GREY, linewidth=0.9)
    for end in (-bound, bound) if bound is not None else ():
        axes.axvline(end, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(-0.01, 1.02)
    axes.yaxis.set_major_formatter(percent_ticks())
    label(axes, title, "log10 likelihood ratio", "trials with a larger ratio, %")
    legend(axes)
    return figure


def plot_scores(
    trials: Trials,
    *,
    threshold: float | None = None,
    title: str = "Scores",
    bins: int | None = None,
) -> Figure:
    """Draw histograms of the scores of genuine claims and of each kind of impostor.

    Parameters
    ----------
    trials
        Those without a score are counted in the title.
    threshold
        Marked if given.
    title
        Above the plot.
    bins
        Of the histogram; by default more for more genuine claims.
    """
    figure, (axes,) = new_figure()
    scored = np.isfinite(trials.scores)
    if not scored.any():
        raise InputError("No trial has a score.")
    count = int(np.clip(2 * np.sqrt(trials.mated.sum()), 15, 50)) if bins is None else bins
    low, high = float(trials.scores[scored].min()), float(trials.scores[scored].max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, count + 1).tolist()
    kinds = [Kind.MATED, *KINDS_APART]
    for i, kind in enumerate(kinds):
        values = trials.scores[scored & (trials.kind == str(kind))]
        if not len(values):
            continue
        name = "genuine claims" if kind is Kind.MATED else f"{kind}s"
        axes.hist(
            values,
            edges,
            weights=np.full(len(values), 100 / len(values)),
            histtype="stepfilled",
            facecolor=(*_rgb(COLOURS[i]), 0.25),
            edgecolor=COLOURS[i],
            hatch=HATCHES[i],
            linewidth=1.4,
            linestyle=LINES[i],
            label=f"{name} ({len(values):,})",
        )
    if threshold is not None:
        axes.axvline(threshold, color="black", linewidth=1.2, linestyle="--")
        axes.text(
            threshold,
            1.0,
            f"threshold {threshold:.3f} ",
            transform=axes.get_xaxis_transform(),
            ha="right",
            va="top",
            rotation=90,
            fontsize=8.5,
        )
    lost = f"; {trials.failures:,} trials without a score" if trials.failures else ""
    label(axes, title + lost, "score (higher = more genuine)", "share of its class, %")
    legend(axes, "upper left")
    return figure


def plot_confusion(found: SystemResult, *, title: str = "Decisions") -> Figure:
    """Draw the four outcomes as counts and rates with their intervals.

    Raises
    ------
    InputError
        If the result has no decisions.
    """
    if found.decisions is None:
        raise InputError("There is no threshold from other people, so there are no decisions.")
    figure, (axes,) = new_figure(width=5.4, height=3.8)
    axes.grid(False)
    rates = [
        [1 - found.decisions.fnmr, found.decisions.fnmr],
        [found.decisions.fmr, 1 - found.decisions.fmr],
    ]
    counts = (found.mated, found.nonmated)
    axes.imshow(rates, cmap="Blues", vmin=0, vmax=1.35, aspect="auto")
    for row in range(2):
        for column in range(2):
            value = rates[row][column]
            error = found.spread.get("fnmr" if row == 0 else "fmr")
            text = f"{round(value * counts[row]):,}"
            if error is not None:
                text += f"\n{_outcome(error, found.support, wrong=row != column)}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=11,
                color="white" if value > 0.8 else "black",
            )
    axes.set_xticks([0, 1], ["accepted", "refused"])
    axes.set_yticks([0, 1], [f"genuine claim\n({counts[0]:,})", f"impostor\n({counts[1]:,})"])
    axes.tick_params(length=0)
    what = f"{title}, threshold {found.decisions.threshold:.3f}"
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


def plot_people(
    people: Mapping[str, PersonResult], *, title: str = "Errors by person", most: int = _MOST_PEOPLE
) -> Figure:
    """Draw every person's error rates, worst first.

    Parameters
    ----------
    people
        By name.
    title
        Above the plot.
    most
        People shown.
    """

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
        axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    shown = f"{title} ({len(names)} of {len(people)}, worst first)"
    label(axes, shown, "rate at the pooled EER threshold, %", "")
    legend(axes, "lower right")
    return figure


def plot_embeddings(
    sample: EmbeddingSample,
    *,
    method: Literal["pca", "tsne"] = "pca",
    title: str = "Embeddings",
    most: int = _MOST_IDENTITIES,
    seed: int = 0,
) -> Figure:
    """Draw a map of clips in two dimensions, people told apart by colour and marker.

    Parameters
    ----------
    sample
        At least three clips.
    method
        ``pca``: the two directions of largest spread. ``tsne``: neighbours (van der Maaten &
        Hinton, JMLR 9, 2008); distances between groups mean nothing. It needs scikit-learn.
    title
        Above the plot.
    most
        People shown, first in name order.
    seed
        Of t-SNE.
    """
    names = sorted(set(sample.people))[:most]
    owners = np.array(sample.people)
    keep = np.isin(owners, names)
    points, axis_names = _flatten(sample.vectors[keep], method, seed)
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
    shown = f"{title}: {len(names)} of {everybody} people, one mark per clip"
    label(axes, shown, *axis_names)
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        fontsize=7.5,
        frameon=False,
        ncols=1 + (len(names) > 20),
    )
    return figure


def _flatten(vectors: Float64, method: str, seed: int) -> tuple[Float64, tuple[str, str]]:
    if len(vectors) < 3:
        raise InputError("A map needs at least three clips.", actual=str(len(vectors)))
    if method == "tsne":
        from sklearn.manifold import TSNE

        spread = min(30.0, (len(vectors) - 1) / 3)
        # the approximation pays off, and starts threads, for thousands of points only
        way: Any = "exact" if len(vectors) <= 1000 else "barnes_hut"
        mapper = TSNE(perplexity=spread, random_state=seed, init="pca", method=way)
        found = mapper.fit_transform(vectors)
        return np.asarray(found, np.float64), ("t-SNE 1", "t-SNE 2")
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
    axes: Axes, place: float, found: tuple[float, float, float], colour: str, *, filled: bool
) -> None:
    value, low, high = (100 * number for number in found)
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


def draw_line(axes: Axes, x: Float64, y: Float64, number: int, name: str) -> None:
    """Draw a curve in the colour and dashes of its number; the first is the thickest."""
    axes.plot(
        x,
        y,
        color=COLOURS[number % len(COLOURS)],
        linestyle=LINES[number % len(LINES)],
        linewidth=2.0 if number == 0 else 1.4,
        label=name,
    )


def _band(trials: Trials, draws: int, seed: int) -> tuple[Float64, Float64]:
    """95 % band of the FNMR over people at `_BAND_POINTS`: lower and upper end."""
    figures = {
        str(i): lambda fmr, fnmr, target=target: metrics.fnmr_at_fmr_from_rates(fmr, fnmr, target)
        for i, target in enumerate(_BAND_POINTS.tolist())
    }
    found = bootstrap_figures(trials, draws=draws, seed=seed, figures=figures)
    values = np.stack([found[str(i)] for i in range(len(_BAND_POINTS))])
    low, high = np.nanpercentile(values, (2.5, 97.5), axis=1)
    return low, high


def _deviate(rates: Float64, low: float) -> Float64:
    """Return the normal deviate of rates; those off the axes are put just outside them."""
    from scipy.special import ndtri

    result: Float64 = ndtri(np.clip(rates, low / 4, 1 - low / 4))
    return result


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def percent_ticks() -> Any:
    """Return a formatter that writes shares in percent, without the sign."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0, symbol="")


def in_percent(axes: Axes) -> None:
    """Label the ticks of both axes in percent."""
    axes.xaxis.set_major_formatter(percent_ticks())
    axes.yaxis.set_major_formatter(percent_ticks())

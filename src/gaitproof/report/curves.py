"""Curves of an evaluation: ROC, DET, Tippett, and the scores behind them.

Each function returns a matplotlib figure and touches no global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import bootstrap_figures
from gaitproof.evaluate.table import format_bound
from gaitproof.evaluate.trials import KINDS_APART, Kind, Trials
from gaitproof.report.style import (
    COLOURS,
    FAINT,
    GREY,
    HATCHES,
    LINES,
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
    whole_range(axes)
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
    """
    figure, (axes,) = new_figure()
    scored = np.isfinite(trials.scores)
    if not scored.any():
        raise InputError("No trial has a score.")
    count = int(np.clip(2 * np.sqrt(trials.mated.sum()), 15, 50))
    low, high = float(trials.scores[scored].min()), float(trials.scores[scored].max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, count + 1).tolist()
    kinds = [Kind.MATED, *KINDS_APART]
    for i, kind in enumerate(kinds):
        values = trials.scores[scored & (trials.kind == str(kind))]
        name = "genuine claims" if kind is Kind.MATED else f"{kind}s"
        draw_histogram(axes, values, edges, i, name)
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


def draw_histogram(
    axes: Axes, values: Float64, edges: Sequence[float], number: int, name: str
) -> None:
    """Draw the shares of values, if any, between edges in colour and hatches of a number."""
    if not len(values):
        return
    from matplotlib.colors import to_rgba

    axes.hist(
        values,
        edges,
        weights=np.full(len(values), 100 / len(values)),
        histtype="stepfilled",
        facecolor=to_rgba(COLOURS[number], 0.25),
        edgecolor=COLOURS[number],
        hatch=HATCHES[number],
        linewidth=1.4,
        linestyle=LINES[number],
        label=f"{name} ({len(values):,})",
    )


def _band(trials: Trials, draws: int, seed: int) -> tuple[Float64, Float64]:
    """95 % band of the FNMR over people at `_BAND_POINTS`: lower and upper end."""
    figures = {
        str(i): lambda fmr, fnmr, target=target: metrics.fnmr_at_fmr_from_rates(fmr, fnmr, target)
        for i, target in enumerate(_BAND_POINTS.tolist())
    }
    rates = bootstrap_figures(trials, draws=draws, seed=seed, figures=figures)
    values = np.stack([rates[str(i)] for i in range(len(_BAND_POINTS))])
    low, high = np.nanpercentile(values, (2.5, 97.5), axis=1)
    return low, high


def _deviate(rates: Float64, low: float) -> Float64:
    """Return the normal deviate of rates; those off the axes are put just outside them."""
    from scipy.special import ndtri

    return ndtri(np.clip(rates, low / 4, 1 - low / 4))


def percent_ticks() -> Any:
    """Return a formatter that writes shares in percent, without the sign."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0, symbol="")


def whole_range(axes: Axes) -> None:
    """Show shares from 0 to 1 on both axes, in percent."""
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.xaxis.set_major_formatter(percent_ticks())
    axes.yaxis.set_major_formatter(percent_ticks())

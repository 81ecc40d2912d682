"""Images of the evidence: where the score lies, and what it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gaitproof.report.style import COLOURS, FAINT, GREY, HATCHES, label, new_figure
from gaitproof.types.support import VERBAL_SCALE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gaitproof.nets.card import ScoreHistogram
    from gaitproof.types import InconclusiveBand

_SCALE_ENDS: Final = (*(end for end, _ in VERBAL_SCALE[:-1]), 7.2)
"""Log10 units; the last step of the verbal scale is open and drawn to here."""


def plot_score_position(
    scores: ScoreHistogram,
    *,
    similarity: float,
    threshold: float,
    band: InconclusiveBand | None = None,
) -> Figure:
    """Draw one similarity upon the distributions of the evaluation's claims.

    Parameters
    ----------
    scores
        Counts per bin of similarity.
    similarity
        Of the walk in question, in [0, 1].
    threshold, band
        The decision rule; the band is shaded.
    """
    figure, (axes,) = new_figure(height=4.1)
    kinds = (("genuine claims", scores.mated), ("claims to be somebody else", scores.nonmated))
    top = 0.0
    for i, (name, counts) in enumerate(kinds):
        total = sum(counts)
        if not total:
            continue
        shares = [100 * count / total for count in counts]
        top = max(top, *shares)
        axes.stairs(
            shares,
            list(scores.edges),
            fill=True,
            facecolor=(COLOURS[i], 0.28),
            edgecolor=COLOURS[i],
            hatch=("", "////")[i],
            linewidth=1.3,
            label=f"{name} ({total:,})",
        )
    if band is not None:
        axes.axvspan(
            band.low, band.high, facecolor=FAINT, alpha=0.9, zorder=0.5, label="nothing is decided"
        )
    axes.axvline(threshold, color=GREY, linestyle="--", linewidth=1.2, label="threshold")
    axes.axvline(similarity, color="black", linewidth=2.4)
    axes.plot([similarity], [1.0], marker="v", color="black", markersize=9, clip_on=False,
              transform=axes.get_xaxis_transform(), zorder=5)  # fmt: skip
    left = similarity > (scores.edges[0] + scores.edges[-1]) / 2
    axes.annotate(
        f"this walk: {similarity:.3f}",
        (similarity, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-8 if left else 8, 5),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=10,
        fontweight="bold",
        annotation_clip=False,
    )
    used = [i for i, n in enumerate(zip(*(k[1] for k in kinds), strict=True)) if any(n)]
    seen = [similarity, threshold]
    if used:
        seen += [scores.edges[used[0]], scores.edges[used[-1] + 1]]
    margin = 0.03 * max(max(seen) - min(seen), 0.1)
    axes.set_xlim(min(seen) - margin, max(seen) + margin)
    axes.set_ylim(0, 1.08 * top if top else 1)
    label(axes, "", "similarity of walk and template (higher = more alike)", "share of claims, %")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def plot_verbal_scale(log10_lr: float, bound: float) -> Figure:
    """Draw a log10 likelihood ratio on the verbal scale of ENFSI.

    Parameters
    ----------
    log10_lr
        Positive speaks for the claim.
    bound
        Largest magnitude that the calibration supports; what lies beyond is hatched.
    """
    figure, (axes,) = new_figure(height=3.0)
    (_, neutral), *steps = zip(_SCALE_ENDS, VERBAL_SCALE, strict=True)
    middle = _SCALE_ENDS[0]
    cells: list[tuple[float, float, str, Any]] = [(-middle, 2 * middle, neutral[1], "white")]
    for number, (end, (_, words)) in enumerate(steps):
        start, strength = _SCALE_ENDS[number], 0.12 * (number + 1)
        cells.append((start, end - start, words, (COLOURS[0], strength)))
        cells.append((-end, end - start, words, (COLOURS[1], strength)))
    for left, width, words, colour in cells:
        axes.barh(0, width, left=left, height=1, facecolor=colour, edgecolor=GREY, linewidth=0.8)
        name = words.removesuffix(" support") if words != neutral[1] else words
        axes.text(left + width / 2, 0, name.replace(" ", "\n", name.count(" ")), ha="center",
                  va="center", rotation=90, fontsize=9, zorder=4)  # fmt: skip
    for sign in (1, -1):
        width = _SCALE_ENDS[-1] - bound
        if width > 0:
            axes.barh(0, sign * width, left=sign * bound, height=1, facecolor="none",
                      edgecolor=(GREY, 0.5), hatch=HATCHES[1], linewidth=0, zorder=3)  # fmt: skip
    axes.plot([log10_lr, log10_lr], [-0.5, 0.6], color="black", linewidth=2.8, zorder=5)
    axes.plot([log10_lr], [0.6], marker="v", color="black", markersize=9, zorder=5)
    axes.annotate(
        f"this walk: {log10_lr:+.2f}".replace("-", "−"),
        (log10_lr, 0.68),
        ha="center",
        va="bottom",
        fontsize=10,
        fontweight="bold",
    )
    axes.set_xlim(-_SCALE_ENDS[-1], _SCALE_ENDS[-1])
    axes.set_ylim(-0.5, 0.95)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    powers = [round(end) for end in _SCALE_ENDS[1:-1]]
    ticks = [*(-p for p in reversed(powers)), 0, *powers]
    axes.set_xticks(ticks, [f"{10 ** abs(t):,}".replace(",", " ") for t in ticks])
    axes.tick_params(labelsize=8)
    label(
        axes, "", "times as probable: if somebody else walks  ←  →  if the claimed person walks", ""
    )
    return figure

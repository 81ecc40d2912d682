"""One look for every plot: colour-blind safe, legible in grey, no global state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from gaitproof.types.verdict import Decision

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C7A00",
)
"""Okabe & Ito's palette for all kinds of colour vision (jfly.uni-koeln.de, 2002); its yellow, which
is too light for lines on white, is darkened and comes last."""

LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
"""Lines differ by dashes too, so that a grey print still tells them apart."""

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")

HATCHES: Final = ("", "///", "...", "xx")

GREY: Final = "#595959"
MIDDLE: Final = "#9A9A9A"
SHADE: Final = "#B8B8B8"
FAINT: Final = "#D9D9D9"
PALE: Final = "#F0F0F0"
"""From dark to light, for what is not data, or is other people's."""

INK: Final = "#1b1f24"
SOFT: Final = "#57606a"
LINE: Final = "#d0d7de"
WASH: Final = "#f5f7f9"
"""Of text, borders and backgrounds on pages, as in ``base.html.j2``."""

ANSWERS: Final = {
    Decision.AUTHENTIC: ("#00609c", "#e5f1f9"),
    Decision.DEEPFAKE: ("#a94400", "#fcefe4"),
    Decision.INCONCLUSIVE: (SOFT, "#eef0f2"),
}
"""Ink and wash of the answers, as in ``base.html.j2``."""

WIDTH: Final = 6.4
"""Inches; a text column."""

DPI: Final = 160

_BASE: Final = 10.0

Place = Literal["best", "lower left", "lower right", "upper right", "upper left"]


def new_figure(
    columns: int = 1,
    rows: int = 1,
    *,
    width: float = WIDTH,
    height: float = 4.4,
    ratios: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Make a figure with plain axes beside and below each other, without pyplot.

    Parameters
    ----------
    columns, rows
        Numbers of axes; they come row by row.
    width, height
        Inches.
    ratios
        Relative widths of the axes.
    heights
        Relative heights of the rows.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    asked = {"width_ratios": ratios, "height_ratios": heights}
    options = {name: list(values) for name, values in asked.items() if values is not None}
    axes = list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=options).flat)
    for one in axes:
        _plain(one)
    return figure, axes


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(labelsize=_BASE - 1, color=GREY)
    axes.grid(True, color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Write title and axis labels in the sizes of the style."""
    axes.set_title(title, fontsize=_BASE + 1, loc="left")
    axes.set_xlabel(x, fontsize=_BASE)
    axes.set_ylabel(y, fontsize=_BASE)


def legend(axes: Axes, place: Place = "best") -> None:
    """Add a legend in the style."""
    axes.legend(loc=place, fontsize=_BASE - 1.5, framealpha=0.9, edgecolor=FAINT)


def draw_outcomes(
    axes: Axes,
    shares: ArrayLike,
    texts: Sequence[Sequence[str]],
    decisions: Sequence[str],
    truth: Sequence[str],
) -> None:
    """Draw outcomes as a map: shares (2, 2) from 0 to 1 as shades, with a text in each field."""
    values = np.asarray(shares, np.float64)
    axes.grid(False)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.35, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        colour = "white" if share > 0.8 else "black"
        place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 11}
        axes.text(column, row, texts[row][column], color=colour, **place)
    axes.set_xticks([0, 1], list(decisions))
    axes.set_yticks([0, 1], list(truth))
    axes.tick_params(length=0)


def save_figures(
    figures: Iterable[tuple[str, Figure]], folder: Path, kinds: Sequence[str] = ("png",)
) -> list[Path]:
    """Write figures under their names in an existing folder; return the files."""
    written = []
    for name, figure in figures:
        for kind in kinds:
            written.append(folder / f"{name}.{kind}")
            save_figure(figure, written[-1])
    return written


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically; the ending (``.png``, ``.svg``) says how.

    The same figure always gives the same bytes: no date and no random names inside.
    """
    import io

    import matplotlib as mpl

    from gaitproof.media.files import write_atomically

    out = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "gaitproof", "svg.fonttype": "none"}):
        figure.savefig(out, format=kind, dpi=DPI, metadata=metadata)
    # laid out now: in another format it need not be again, which takes as long as drawing
    figure.set_layout_engine("none")
    write_atomically(path, out.getvalue())

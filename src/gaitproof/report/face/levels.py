"""Thresholds and bands in the plots of a scan, and their names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.verdict import FaceVerdict, band, calibrated, to_probability
from gaitproof.report.style import FAINT, GREY, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_APART: Final = 0.075
"""Least distance of the names beside a time line, as a share of its height: a line of them."""


def draw_band(axes: Axes, card: FaceDetectorCard, *, upright: bool) -> list[tuple[float, str]]:
    """Draw threshold and inconclusive band of a whole face by itself; returns what they are."""
    high, low = band(card)
    threshold = card.operating_point.threshold
    at = to_probability(threshold, calibrated(threshold, card.calibration))
    span, line = (axes.axvspan, axes.axvline) if upright else (axes.axhspan, axes.axhline)
    if high > low:
        span(low, high, facecolor=PALE, edgecolor=FAINT, hatch="////", linewidth=0, zorder=0)
    line(at, color=GREY, linewidth=1.0, linestyle="--", zorder=1)
    return [(high, "whole face: FAKE above"), (low, "whole face: REAL below")]


def draw_relative(axes: Axes, faces: Sequence[FaceVerdict]) -> list[tuple[float, str]]:
    """Draw where a face lies relative to genuine video of its person, and from where it is FAKE."""
    levels = []
    for relative in (face.relative for face in faces if face.relative is not None):
        for y, text, line in (
            (relative.fake_above, "relative: FAKE above", ":"),
            (relative.probability_fake, "relative to genuine video", "-."),
        ):
            axes.axhline(y, color=GREY, linewidth=1.2, linestyle=line, zorder=1)
            levels.append((y, text))
    return levels


def name_levels(axes: Axes, levels: Sequence[tuple[float, str]]) -> None:
    """Write beside the axes what lies at each height; words cover neither curves nor each other."""
    ordered = sorted(levels)
    place = axes.get_yaxis_transform()
    for (y, text), at in zip(ordered, spread_apart([y for y, _ in ordered], _APART), strict=True):
        axes.annotate(
            text,
            (1.0, y),
            (1.02, at),
            xycoords=place,
            textcoords=place,
            fontsize=8,
            color=GREY,
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 1},
            annotation_clip=False,
        )


def spread_apart(places: Sequence[float], apart: float) -> list[float]:
    """Return increasing places in [0, 1], moved as little as leaves each `apart` from the next.

    Those that lie too close are centred on where they were; so many must fit.

    >>> [round(place, 2) for place in spread_apart([0.5, 0.52, 1.0], 0.1)]
    [0.46, 0.56, 1.0]
    """
    groups: list[tuple[float, int]] = []
    for place in places:
        middle, count = place, 1
        while True:
            half = apart * (count - 1) / 2
            middle = min(max(middle, half), 1 - half)
            if not groups or middle - half - groups[-1][0] - apart * groups[-1][1] / 2 >= apart / 2:
                break
            other, more = groups.pop()
            middle, count = (middle * count + other * more) / (count + more), count + more
        groups.append((middle, count))
    return [middle + apart * (i - (n - 1) / 2) for middle, n in groups for i in range(n)]

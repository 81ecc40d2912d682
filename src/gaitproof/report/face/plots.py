"""Plots of a scan's numbers: the scores over time, and how much they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.scan import FaceScan
from gaitproof.face.verdict import (
    FaceSegment,
    FaceVerdict,
    FrameScore,
    side_of,
)
from gaitproof.report.face.evidence import most_suspicious
from gaitproof.report.face.levels import draw_band, draw_relative, name_levels
from gaitproof.report.style import (
    COLOURS,
    FAINT,
    GREY,
    HATCHES,
    LINES,
    MARKERS,
    PALE,
    label,
    new_figure,
)
from gaitproof.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FACES: Final = 8
"""Faces that one plot tells apart, as many as there are colours; of more, the most suspicious."""

_MARKED: Final = 30
"""Frames of a face up to which each gets a mark on its line."""

_PAUSE: Final = 2.5
"""A line is broken where frames are this many times further apart than usual."""

_FAKE, _REAL = COLOURS[1], COLOURS[0]


def plot_timeline(scan: FaceScan, card: FaceDetectorCard) -> Figure:
    """Draw the probability of manipulation of every scored frame over time."""
    faces = most_suspicious(scan.faces, MOST_FACES)
    rows = max(1, len(faces))
    figure, (curve, strip) = new_figure(
        1, 2, width=9.0, height=4.1 + 0.24 * rows, heights=(3.1, 0.35 + 0.24 * rows)
    )
    end = max(scan.video.duration, 1e-3)
    span = (-0.01 * end, 1.01 * end)
    name_levels(curve, [*draw_band(curve, card, upright=False), *draw_relative(curve, faces)])
    for number, face in enumerate(faces):
        colour, line = COLOURS[number % len(COLOURS)], LINES[number % len(LINES)]
        times, values = _curve(face.frames)
        few = len(face.frames) <= _MARKED
        value = face.probability_fake
        mean = "not scored" if value is None else f"all together {value:.2f}"
        curve.plot(
            times,
            values,
            color=colour,
            linestyle=line,
            linewidth=1.6 if few else 0.9,
            marker=MARKERS[number % len(MARKERS)] if few else None,
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=f"face {face.number}: {face.decision.value} ({mean})",
        )
        _draw_seen(strip, number, face, colour)
    curve.set_xlim(span)
    curve.set_ylim(-0.02, 1.02)
    curve.tick_params(labelbottom=False)
    what = "Segments of frames judged together" if _in_segments(faces) else "Every scored frame"
    label(curve, f"Does it look manipulated? {what}", "", "P(manipulated)")
    if faces:
        figure.legend(
            *curve.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=min(len(faces), 3),
            fontsize=8.5,
            frameon=False,
        )
    else:
        curve.text(0.5, 0.5, "no face", transform=curve.transAxes, ha="center", color=GREY)
    strip.set_xlim(span)
    strip.set_ylim(rows - 0.4, -0.6)
    strip.set_yticks(range(len(faces)), [f"face {face.number}" for face in faces])
    strip.grid(False)
    label(strip, "", "seconds  (line: seen; marks: scored; hatched: seen but not usable)", "")
    _sign(figure, scan, faces)
    return figure


def _in_segments(faces: Sequence[FaceVerdict]) -> bool:
    return any(face.turns for face in faces)


def _curve(frames: Sequence[FrameScore]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and probabilities, with a hole where the face was away or a segment ends."""
    times = np.array([frame.time for frame in frames], np.float64)
    values = np.array([frame.probability_fake for frame in frames], np.float64)
    steps = np.diff(times)
    if not len(steps):
        return times, values
    away = steps > max(_PAUSE * float(np.median(steps)), 0.5)
    other = np.diff([frame.turn for frame in frames]) != 0
    holes = np.flatnonzero(away | other) + 1
    return np.insert(times, holes, times[holes]), np.insert(values, holes, np.nan)


def _draw_seen(axes: Axes, row: int, face: FaceVerdict, colour: str) -> None:
    axes.plot((face.first, face.last), (row, row), color=FAINT, linewidth=6, solid_capstyle="butt")
    for first, last in face.unusable_spans:
        axes.barh(
            row,
            max(last - first, 0.02),
            left=first,
            height=0.62,
            facecolor="white",
            edgecolor=GREY,
            hatch="xxxx",
            linewidth=0.5,
        )
    axes.plot(
        [frame.time for frame in face.frames],
        np.full(len(face.frames), row),
        linestyle="none",
        marker="|",
        markersize=8,
        markeredgewidth=1.6 if len(face.frames) <= _MARKED else 0.5,
        color=colour,
    )


def plot_statistics(scan: FaceScan, card: FaceDetectorCard) -> Figure:
    """Draw how the frames of each face are spread: scores, agreement, runs, flicker, quality."""
    faces = most_suspicious(scan.faces, MOST_FACES)
    rows = max(1, len(faces))
    figure, axes = new_figure(3, 2, width=10.0, height=2.9 + 0.78 * rows, ratios=(1.25, 1, 1))
    scores, sides, runs, flicker, size, sharpness = axes
    threshold = card.operating_point.threshold
    draw_band(scores, card, upright=True)
    for row, face in enumerate(faces):
        _draw_scores(scores, row, face, threshold)
        _draw_sides(sides, row, face, threshold)
        _draw_runs(runs, row, face)
        if face.consistency is not None:
            value = face.consistency.flicker
            flicker.barh(row, value, 0.5, color=COLOURS[2], hatch=HATCHES[1], edgecolor="white")
            _beside(flicker, value, row, f"{value:.1f}")
        _draw_range(size, row, [frame.quality.size_px for frame in face.frames])
        _draw_range(sharpness, row, [frame.quality.blur for frame in face.frames])
    if card.conditions is not None:
        known = card.conditions
        for one, reference in (
            (flicker, known.flicker),
            (size, known.size),
            (sharpness, known.sharpness),
        ):
            one.axvspan(reference[0], reference[2], facecolor=PALE, zorder=0)
            one.axvline(reference[1], color=GREY, linewidth=1.0, linestyle=":", zorder=1)
    names = [f"face {face.number}\n{face.decision.value}" for face in faces]
    for place, one in enumerate(axes):
        one.set_ylim(rows - 0.4, -0.6)
        one.set_yticks(range(len(faces)), names if place % 3 == 0 else [])
        one.grid(False, axis="y")
    scores.set_xlim(-0.02, 1.02)
    sides.set_xlim(0, 100)
    for one in (runs, flicker, size, sharpness):
        one.set_xlim(0, 1.2 * max(one.dataLim.x1, 1.0))
    unit = "segments" if _in_segments(faces) else "frames"
    label(scores, f"Scores of the {unit}", "P(manipulated); tall line: all together", "")
    label(sides, "What they support", f"share of the {unit}, %", "")
    label(runs, "Longest run", f"{unit} in a row", "")
    label(flicker, "Flicker of the aligned face", "grey levels of 255, median", "")
    label(size, "Size of the face", "pixels: least, median, most", "")
    label(sharpness, "Sharpness", "variance of the Laplacian", "")
    _legend(figure)
    _sign(figure, scan, faces)
    return figure


def _draw_scores(axes: Axes, row: int, face: FaceVerdict, threshold: float) -> None:
    parts = face.turns or face.frames
    values = np.array([part.probability_fake for part in parts])
    if not len(values):
        axes.text(0.5, row, "not scored", ha="center", va="center", color=GREY, fontsize=9)
        return
    # the same places at every run; they only keep equal scores apart
    jitter = np.random.default_rng(face.number).uniform(-0.2, 0.2, len(values))
    sides = np.array(_sides(parts, threshold))
    for side, colour, marker in ((-1, _FAKE, "s"), (0, GREY, "D"), (1, _REAL, "o")):
        keep = sides == side
        axes.plot(
            values[keep],
            (row + jitter)[keep],
            linestyle="none",
            marker=marker,
            markersize=5,
            color=colour,
            markeredgecolor="none",
            alpha=float(np.clip(20 / len(values), 0.08, 0.7)),
        )
    if face.probability_fake is not None:
        whole = (face.probability_fake, face.probability_fake)
        axes.plot(whole, (row - 0.36, row + 0.36), color="black", linewidth=2.2)


def _sides(parts: Sequence[FrameScore | FaceSegment], threshold: float) -> list[int]:
    return [side_of(part.score, part.log10_lr, threshold) for part in parts]


def _draw_sides(axes: Axes, row: int, face: FaceVerdict, threshold: float) -> None:
    if not face.frames:
        return
    sides = _sides(face.turns or face.frames, threshold)
    left = 0.0
    for side, colour, hatch in ((-1, _FAKE, HATCHES[1]), (0, FAINT, ""), (1, _REAL, "")):
        share = 100 * sides.count(side) / len(sides)
        axes.barh(row, share, 0.5, left=left, color=colour, hatch=hatch, edgecolor="white")
        if share >= 15:
            text = axes.text(
                left + share / 2, row, f"{share:.0f}", ha="center", va="center", fontsize=9
            )
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9})
        left += share


def _draw_runs(axes: Axes, row: int, face: FaceVerdict) -> None:
    steady = face.consistency
    if steady is None:
        return
    for length, shift, colour, hatch in (
        (steady.longest_fake, -0.17, _FAKE, HATCHES[1]),
        (steady.longest_real, 0.17, _REAL, HATCHES[0]),
    ):
        axes.barh(row + shift, length, 0.3, color=colour, hatch=hatch, edgecolor="white")
        _beside(axes, length, row + shift, f"{length}")


def _draw_range(axes: Axes, row: int, values: Sequence[float]) -> None:
    if not values:
        return
    low, middle, high = (float(v) for v in np.percentile(values, (0, 50, 100)))
    axes.plot((low, high), (row, row), color=GREY, linewidth=3, solid_capstyle="round")
    axes.plot(middle, row, marker="D", color="black", markersize=6)
    axes.annotate(
        f"{middle:.0f}", (middle, row), (0, 8), textcoords="offset points", ha="center", fontsize=9
    )


def _beside(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text,
        (x, y),
        (5, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
    )


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(
                facecolor=_FAKE,
                hatch=HATCHES[1],
                edgecolor="white",
                label="supports a manipulated face",
            ),
            Patch(facecolor=_REAL, label="supports a genuine face"),
            Patch(facecolor=FAINT, label="supports neither"),
            Patch(
                facecolor=PALE,
                edgecolor=FAINT,
                hatch="////",
                label="whole face left undecided",
            ),
        ],
        loc="outside lower center",
        ncols=4,
        fontsize=8.5,
        frameon=False,
    )


def _sign(figure: Figure, scan: FaceScan, shown: Sequence[FaceVerdict]) -> None:
    """Write above a figure which video and model it is about, for an image travels alone."""
    text = signature(scan)
    if len(shown) < len(scan.faces):
        text += f"  ·  shown: the {len(shown)} most suspicious of {len(scan.faces)} faces"
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.06 / height, text, va="top", fontsize=7, color=GREY, parse_math=False)
    # what is laid out leaves a line's height free above
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - 0.22 / height))


def signature(scan: FaceScan) -> str:
    """Return video, its SHA-256 and the model as one line that the plots' font can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    name = printable(scan.video.path.name)
    name = name if len(name) <= 60 else f"{name[:40]}…{name[-18:]}"
    text = f"{name}  ·  SHA-256 {scan.video.sha256[:16]}…  ·  model {printable(scan.model_id)}"
    return "".join(c if ord(c) in known else "□" for c in text)

"""Images of why a score came out as it did; each returns a matplotlib figure.

What speaks for the claim is blue and solid, what speaks against it vermilion and hatched or
hollow, so that a grey print tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.events import GaitEvents, walking_direction
from gaitproof.gait.features import gait_points, is_flat
from gaitproof.report.style import (
    COLOURS,
    FAINT,
    GREY,
    label,
    legend,
    new_figure,
)
from gaitproof.types import GAIT_LANDMARKS, Landmark, PoseSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gaitproof.explain.importance import Importance

Float64 = NDArray[np.float64]

FOR: Final = COLOURS[0]
AGAINST: Final = COLOURS[1]


MAX_STANCE: Final = 2.0
"""Seconds: a toe-off later than that after a strike belongs to another step."""

_GAIT: Final = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
_BONES: Final = tuple(
    (_GAIT[Landmark[f"{side}_{a}"]], _GAIT[Landmark[f"{side}_{b}"]])
    for side in ("LEFT", "RIGHT")
    for a, b in (
        *pairwise(("SHOULDER", "HIP", "KNEE", "ANKLE", "HEEL", "FOOT_INDEX")),
        ("ANKLE", "FOOT_INDEX"),
    )
) + tuple(
    (_GAIT[Landmark[f"LEFT_{name}"]], _GAIT[Landmark[f"RIGHT_{name}"]])
    for name in ("SHOULDER", "HIP")
)
_TURN, _TILT = np.radians([30.0, 10.0])
"""The skeleton is turned this much towards the reader out of its right side view and seen from this
much above, so that the legs do not cover each other."""


def landmark_name(landmark: Landmark) -> str:
    """Return a landmark's name as people say it.

    >>> landmark_name(Landmark.LEFT_FOOT_INDEX)
    'left toe'
    """
    return landmark.name.replace("FOOT_INDEX", "TOE").replace("_", " ").lower()


def plot_skeleton(importance: Importance, pose: PoseSequence) -> Figure:
    """Draw a skeleton with joints sized by their contribution to the similarity.

    Parameters
    ----------
    importance
        Whose `joints` are drawn.
    pose
        Cleaned landmarks of the walk; the frame with the widest step is drawn, turned to face
        right.

    Returns
    -------
    Figure
        The skeleton beside one bar per joint.
    """
    from matplotlib.lines import Line2D

    figure, (body, bars) = new_figure(2, height=4.6, ratios=(1.0, 1.35))
    place = _widest_step(pose)
    body.set_axis_off()
    body.set_aspect("equal")
    for a, b in _BONES:
        left = GAIT_LANDMARKS[a].name.startswith("LEFT")
        body.plot(
            *place[[a, b]].T,
            color=GREY,
            linewidth=3.0 if not left else 1.6,
            solid_capstyle="round",
            zorder=1,
        )
    shoulders = place[:2].mean(axis=0)
    torso = shoulders - place[2:4].mean(axis=0)
    head = shoulders + 0.5 * torso
    size = 0.2 * float(np.linalg.norm(torso))
    turn = np.linspace(0, 2 * np.pi, 60)
    body.plot(head[0] + 0.8 * size * np.cos(turn), head[1] + size * np.sin(turn), color=FAINT)
    top = max((abs(v) for v in importance.joints.values()), default=0.0) or 1.0
    for landmark, value in importance.joints.items():
        x, y = place[_GAIT[landmark]]
        if not (np.isfinite(x) and np.isfinite(value)):
            continue
        favourable = value >= 0
        body.scatter(
            [x],
            [y],
            s=14 + 420 * abs(value) / top,
            color=FOR if favourable else "white",
            edgecolor=FOR if favourable else AGAINST,
            linewidth=1.0 if favourable else 2.5,
            alpha=0.85,
            zorder=2,
        )
    body.margins(0.16, 0.08)
    body.legend(
        handles=[
            Line2D([], [], marker="o", linestyle="", color=FOR, label="for the claim"),
            Line2D(
                [],
                [],
                marker="o",
                linestyle="",
                markerfacecolor="white",
                markeredgewidth=2,
                color=AGAINST,
                label="against it",
            ),
            Line2D([], [], color=GREY, linewidth=3.0, label="right side"),
            Line2D([], [], color=GREY, linewidth=1.6, label="left side"),
        ],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=2,
        fontsize=8,
        frameon=False,
        handletextpad=0.4,
        columnspacing=0.8,
    )
    _signed_bars(bars, {landmark_name(k): v for k, v in importance.joints.items()})
    label(bars, "Contribution of each joint", "contribution to the similarity", "")
    return figure


def plot_time_strip(importance: Importance, events: GaitEvents | None = None) -> Figure:
    """Draw the contribution over time in step with the gait events.

    Parameters
    ----------
    importance
        Whose `over_time` is drawn.
    events
        Heel strikes and toe-offs of the same walk; each foot's time on the ground is drawn below.
        Left out if None.
    """
    figure, (curve, strip, feet) = new_figure(1, 3, height=3.6, heights=(3.0, 0.7, 1.0))
    times, values = _with_holes(importance)
    span = time_span(importance)
    looks: tuple[tuple[NDArray[np.bool_], dict[str, Any], str], ...] = (
        (values >= 0, {"facecolor": FOR, "alpha": 0.75, "linewidth": 0.0}, "for the claim"),
        (
            values <= 0,
            {"facecolor": "none", "edgecolor": AGAINST, "hatch": "////", "linewidth": 0.0},
            "against it",
        ),
    )
    for keep, options, name in looks:
        curve.fill_between(times, values, 0.0, where=keep, interpolate=True, label=name, **options)
    curve.plot(times, values, color="black", linewidth=0.9)
    curve.axhline(0.0, color=GREY, linewidth=0.8)
    draw_strip(strip, importance)
    _draw_feet(feet, events, span)
    for axes in (curve, strip, feet):
        axes.set_xlim(span)
    for axes in (curve, strip):
        axes.tick_params(labelbottom=False)
        for strike in () if events is None else events.left_strikes:
            axes.axvline(strike, color=GREY, linewidth=0.7, linestyle="-")
        for strike in () if events is None else events.right_strikes:
            axes.axvline(strike, color=GREY, linewidth=0.7, linestyle=":")
    label(curve, "Contribution over time", "", "contribution")
    feet.set_xlabel("seconds in the video", fontsize=10)
    legend(curve)
    return figure


def _with_holes(importance: Importance) -> tuple[Float64, Float64]:
    """Return moments and contributions with a NaN wherever the walk was interrupted."""
    times = np.asarray(importance.times, np.float64)
    values = np.asarray(importance.over_time, np.float64)
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    holes = np.flatnonzero(steps > 1.5 * usual) + 1
    return np.insert(times, holes, times[holes]), np.insert(values, holes, np.nan)


def time_span(importance: Importance) -> tuple[float, float]:
    """Return the seconds that a strip over the explained time begins and ends with."""
    times = np.asarray(importance.times, np.float64)
    if not len(times):
        return 0.0, 1.0
    half = float(np.median(np.diff(times))) / 2 if len(times) > 1 else 0.5
    return float(times[0]) - half, float(times[-1]) + half


def draw_strip(axes: Axes, importance: Importance) -> None:
    """Draw the contribution over time as a strip of colours."""
    from matplotlib.colors import LinearSegmentedColormap

    values = np.asarray(importance.over_time, np.float64)
    top = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    # the times may have holes, between two stretches of a walk, which stay grey
    times = np.asarray(importance.times, np.float64)
    span = time_span(importance)
    grid = np.linspace(*span, 1200)
    near = np.abs(grid[:, None] - times).argmin(axis=1) if len(times) else np.zeros(0, int)
    half = (span[1] - span[0]) if len(times) < 2 else float(np.median(np.diff(times)))
    shown = np.where(np.abs(grid - times[near]) <= half, values[near], np.nan)
    axes.set_facecolor(FAINT)
    axes.imshow(
        shown[None],
        cmap=LinearSegmentedColormap.from_list("gaitproof-signed", [AGAINST, "white", FOR]),
        vmin=-top,
        vmax=top,
        aspect="auto",
        interpolation="nearest",
        extent=(*span, 0, 1),
    )
    axes.grid(False)
    axes.set_yticks([])


def _draw_feet(axes: Axes, events: GaitEvents | None, span: tuple[float, float]) -> None:
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([0, 1], ["right foot", "left foot"], fontsize=8.5)
    axes.grid(False)
    if events is None:
        axes.text(sum(span) / 2, 0.5, "no gait events", ha="center", va="center", color=GREY)
        return
    sides = (
        (1, events.left_strikes, events.left_offs, "-"),
        (0, events.right_strikes, events.right_offs, ":"),
    )
    for row, strikes, offs, line in sides:
        for strike in strikes:
            later = offs[(offs > strike) & (offs - strike <= MAX_STANCE)]
            if len(later):
                axes.barh(row, later[0] - strike, left=strike, height=0.6, color=FAINT)
            axes.plot([strike, strike], [row - 0.4, row + 0.4], color="black", linestyle=line)


def plot_groups(importance: Importance) -> Figure:
    """Draw what the groups of features and the joint angles contributed to the similarity."""
    figure, (groups, angles) = new_figure(2, height=2.6)
    _signed_bars(groups, importance.groups)
    _signed_bars(angles, importance.angles)
    label(groups, "Kinds of features", "contribution to the similarity", "")
    label(angles, "Joint angles", "contribution to the similarity", "")
    return figure


def _signed_bars(axes: Axes, values: Mapping[str, float]) -> None:
    """Draw one horizontal bar per value, the first on top."""
    names = list(values)
    sizes = np.array([values[name] for name in names], np.float64)
    rows = np.arange(len(names))[::-1]
    for keep, colour, hatch in ((sizes >= 0, FOR, None), (sizes < 0, AGAINST, "////")):
        axes.barh(
            rows[keep],
            sizes[keep],
            height=0.7,
            facecolor=colour if hatch is None else "white",
            edgecolor=colour,
            hatch=hatch,
        )
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    axes.set_yticks(rows, names, fontsize=8.5)
    axes.grid(False, axis="y")
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)


def _widest_step(pose: PoseSequence) -> Float64:
    """Return the gait landmarks of the frame with the widest step, shape (12, 2), y up."""
    points = gait_points(pose)
    complete = np.isfinite(points[:, :8]).all(axis=(1, 2))
    if not complete.any():
        return np.full((12, 2), np.nan)
    times, points = pose.timestamps[complete], points[complete]
    forward = walking_direction(times, points)
    hips = points[:, [_GAIT[Landmark.LEFT_HIP], _GAIT[Landmark.RIGHT_HIP]]].mean(axis=1)
    ankles = points[:, [_GAIT[Landmark.LEFT_ANKLE], _GAIT[Landmark.RIGHT_ANKLE]]]
    apart = np.abs(np.sum((ankles[:, 0] - ankles[:, 1]) * forward, axis=1))
    frame = int(np.argmax(apart))
    relative = points[frame] - hips[frame]
    ahead = relative @ forward[frame]
    if is_flat(points):
        return np.stack([ahead, relative[:, 1]], axis=1)
    # up times forward is the walker's left, which is away from somebody on their right
    aside = relative @ np.cross([0.0, 1.0, 0.0], forward[frame])
    x = ahead * np.cos(_TURN) + aside * np.sin(_TURN)
    away = aside * np.cos(_TURN) - ahead * np.sin(_TURN)
    return np.stack([x, relative[:, 1] * np.cos(_TILT) + away * np.sin(_TILT)], axis=1)


def plain_text(text: str) -> str:
    """Return a name that is no formula to matplotlib."""
    return text.replace("$", r"\$")

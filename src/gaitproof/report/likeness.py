"""How a probe lies beside its template: bands over the gait cycle, and a map of the embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.cycles import ANGLES, GaitProfile
from gaitproof.report.explanation import FOR, plain_text
from gaitproof.report.style import (
    GREY,
    MARKERS,
    MIDDLE,
    SHADE,
    label,
    legend,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gaitproof.verify.templates import Template

Float64 = NDArray[np.float64]

BAND_SDS: Final = 2.0
"""Standard deviations either way that a person's normal band spans, about 95 % of their cycles."""


def plot_cycle_bands(probe: GaitProfile, template: GaitProfile | None, *, name: str = "") -> Figure:
    """Draw the joint angles of a probe over the gait cycle against a person's normal band.

    Parameters
    ----------
    probe
        The walk in question.
    template
        Of the claimed person, pooled over the enrolled recordings; None if the gallery has none.
    name
        Of the claimed person.
    """
    figure, axes = new_figure(3, 2, height=4.8)
    share = np.linspace(0, 100, probe.mean.shape[1])
    order = [f"{side} {joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    for one, title in zip(axes, order, strict=True):
        row = ANGLES.index(title)
        said = ""
        if template is not None and np.isfinite(template.mean[row]).all():
            mean, sd = template.mean[row], template.sd[row]
            one.plot(share, mean, color=GREY, linewidth=1.2, linestyle="--")
            if np.isfinite(sd).all():
                low, high = mean - BAND_SDS * sd, mean + BAND_SDS * sd
                one.fill_between(share, low, high, color=SHADE, alpha=0.65, linewidth=0)
                inside = share_inside(probe, template)[title]
                said = f"{inside:.0%} inside" if np.isfinite(inside) else ""
        one.plot(share, probe.mean[row], color=FOR, linewidth=2.0)
        if not np.isfinite(probe.mean[row]).any():
            said = "not measured"
        one.set_title(title, fontsize=9.5, loc="left")
        one.set_title(said, fontsize=8.5, loc="right", color=GREY)
        one.set_xlim(0, 100)
        one.set_xticks([0, 25, 50, 75, 100])
    for left, right in zip(axes[:3], axes[3:], strict=True):
        left.tick_params(labelbottom=False)
        # the same scale on both sides, or a limp would not show
        low = min(left.get_ylim()[0], right.get_ylim()[0])
        high = max(left.get_ylim()[1], right.get_ylim()[1])
        left.set_ylim(low, high)
        right.set_ylim(low, high)
        right.set_xlabel("% of the gait cycle", fontsize=9)
    axes[0].set_ylabel("flexion, degrees", fontsize=9)
    axes[3].set_ylabel("flexion, degrees", fontsize=9)
    _cycle_legend(figure, probe, template, name or "the claimed person")
    return figure


def _cycle_legend(
    figure: Figure, probe: GaitProfile, template: GaitProfile | None, name: str
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=FOR, linewidth=2.0, label=f"this video, {probe.cycles} cycles")
    ]
    if template is not None:
        shown = plain_text(name)
        handles += [
            Line2D(
                [],
                [],
                color=GREY,
                linestyle="--",
                label=f"{shown} as enrolled, {template.cycles} cycles",
            ),
            Patch(color=SHADE, label=f"± {BAND_SDS:g} standard deviations"),
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8.5, frameon=False)


def share_inside(probe: GaitProfile, template: GaitProfile) -> dict[str, float]:
    """Return by angle which share of the cycle the probe lies in the template's band, 0 to 1.

    NaN where either was not measured, or from fewer than two cycles.
    """
    off = np.abs(probe.mean - template.mean)
    known = np.isfinite(off) & np.isfinite(template.sd)
    inside = off <= BAND_SDS * template.sd
    return {
        name: float(inside[row].mean()) if known[row].all() else float("nan")
        for row, name in enumerate(ANGLES)
    }


def plot_embedding_map(
    probe: NDArray[np.floating[Any]],
    template: Template,
    others: Sequence[Template] = (),
    enrolled: NDArray[np.floating[Any]] | None = None,
    *,
    show_names: bool = False,
) -> Figure:
    """Draw where a walk lies among the enrolled people, in two dimensions.

    Parameters
    ----------
    probe
        Shape (N, D), unit length: the windows of the video.
    template
        Of the claimed person.
    others
        Templates of other enrolled people; the claimed person among them is left out.
    enrolled
        Shape (M, D): the windows of the claimed person's recordings, or None.
    show_names
        Whether the others are named; they have nothing to do with the case as a rule.

    Notes
    -----
    Principal components of one direction per person, so that nobody weighs more by a longer video.
    The map leaves most dimensions out; decisions are made in all of them.
    """
    figure, (axes,) = new_figure(height=4.4)
    strangers = [t for t in others if t.template_id != template.template_id]
    windows = np.asarray(probe, np.float64)
    own = np.asarray(
        enrolled if enrolled is not None else np.zeros((0, windows.shape[1])), np.float64
    )
    people = np.stack(
        [template.vector, windows.mean(axis=0), *(t.vector for t in strangers)]
    ).astype(np.float64)
    # a third direction is needed for two components: with few people their windows help out
    fitted = people if len(people) > 3 else np.concatenate([people, windows, own])
    centre = fitted.mean(axis=0)
    _, scales, components = np.linalg.svd(fitted - centre, full_matrices=False)
    shares = scales**2 / max(float((scales**2).sum()), 1e-12)
    plane = components[:2]
    if len(plane) < 2:
        plane = np.concatenate([plane, np.zeros((2 - len(plane), plane.shape[1]))])
        shares = np.append(shares, 0.0)

    def flat(vectors: NDArray[np.floating[Any]]) -> Float64:
        projected: Float64 = (np.asarray(vectors, np.float64) - centre) @ plane.T
        return projected

    shown = plain_text(template.name)
    if strangers:
        spots = flat(np.stack([t.vector for t in strangers]))
        axes.scatter(
            *_xy(spots), s=34, color=MIDDLE, marker=MARKERS[2], label="other enrolled people"
        )
        for spot, other in zip(spots, strangers, strict=True) if show_names else ():
            axes.annotate(
                plain_text(other.name), spot, xytext=(5, 4), textcoords="offset points", fontsize=8
            )
    if len(own):
        axes.scatter(
            *_xy(flat(own)), s=16, facecolor="none", edgecolor="black", label=f"enrolled: {shown}"
        )
    axes.scatter(
        *_xy(flat(template.vector[None])),
        s=150,
        color="black",
        marker=MARKERS[7],
        label=f"template of {shown}",
        zorder=4,
    )
    axes.scatter(
        *_xy(flat(windows)), s=26, color=FOR, marker=MARKERS[1], alpha=0.8, label="this video"
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(labelbottom=False, labelleft=False)
    label(
        axes,
        f"Principal components ({shares[:2].sum():.0%} of the differences)",
        f"first component, {shares[0]:.0%}",
        f"second component, {shares[1]:.0%}",
    )
    legend(axes)
    return figure


def _xy(points: Float64) -> tuple[Float64, Float64]:
    return points[:, 0], points[:, 1]

"""Heat strips: which images of a clip counted for networks that look at them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.face.clips import FaceClip
from gaitproof.report.style import GREY, label, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_attention(
    attention: Mapping[str, Sequence[NDArray[np.float64] | None]], clips: Sequence[FaceClip]
) -> Figure:
    """Draw the mean attention over a clip's time, by kind of forgery and network.

    Parameters
    ----------
    attention
        By network, of every clip: shape (T,), adding up to 1. T may differ between clips; each is
        stretched to the longest.
    clips
        What they are.
    """
    kinds = sorted({clip.manipulation for clip in clips})
    longest = max(len(one) for rows in attention.values() for one in rows if one is not None)
    figure, axes = new_figure(1, len(kinds), height=0.9 + 0.28 * len(kinds) * (1 + len(attention)))
    means = {kind: mean_attention(attention, clips, kind, longest) for kind in kinds}
    top = max(float(np.nanmax(one)) for one in means.values())
    for place, (one, kind) in enumerate(zip(axes, kinds, strict=True)):
        drawn = one.imshow(
            means[kind],
            aspect="auto",
            cmap="viridis",
            vmin=0,
            vmax=top,
            extent=(0, 100, len(attention), 0),
            interpolation="nearest",
        )
        one.grid(False)
        one.axvline(50, color="white", linewidth=0.8, linestyle=":")
        one.set_yticks(np.arange(len(attention)) + 0.5, list(attention), fontsize=8)
        last = place == len(kinds) - 1
        one.tick_params(labelbottom=last)
        label(one, kind, "share of the clip, %" if last else "", "")
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6)
    bar.set_label("counts, times an even share", fontsize=9, color=GREY)
    return figure


def mean_attention(
    attention: Mapping[str, Sequence[NDArray[np.float64] | None]],
    clips: Sequence[FaceClip],
    kind: str,
    longest: int,
) -> NDArray[np.float64]:
    """Return mean attention over the clips of a kind, (networks, longest); 1 is an even share.

    Parameters
    ----------
    attention, clips
        As for `plot_attention`.
    kind
        Manipulation.
    longest
        Places that a clip's time is cut into.
    """
    places = (np.arange(longest) + 0.5) / longest
    rows = []
    for by_clip in attention.values():
        own = [
            np.interp(places, (np.arange(len(one)) + 0.5) / len(one), one * len(one))
            for one, clip in zip(by_clip, clips, strict=True)
            if one is not None and clip.manipulation == kind
        ]
        rows.append(np.mean(own, axis=0) if own else np.full(longest, np.nan))
    return np.stack(rows)

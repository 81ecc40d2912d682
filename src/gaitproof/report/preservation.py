"""Images of how well a manipulated video carries the walk of its original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gaitproof.report.style import COLOURS, GREY, HATCHES, label, new_figure
from gaitproof.types.preservation import Preservation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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

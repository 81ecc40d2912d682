"""Networks compared on the same clips: figures by kind of forgery, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.data.face.clips import ORIGINAL, FaceClip
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Difference,
    Interval,
    draw_people,
    draw_rates,
    paired_difference,
)
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.evaluate.face.scores import FaceScores

ALL: Final = "all"
"""All kinds of forgeries together."""


@dataclass(frozen=True)
class Compared:
    """One network among others.

    Parameters
    ----------
    name
        Which.
    auc
        By kind of forgery, against all genuine clips; `ALL` is all of them.
    gain
        AUC minus that of the network compared with, by kind; empty for that network itself.
    """

    name: str
    auc: dict[str, Interval]
    gain: dict[str, Difference]


def compare_networks(
    scores: Mapping[str, NDArray[np.float64]],
    clips: Sequence[FaceClip],
    reference: str,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Compared, ...]:
    """Compare networks that scored the same clips.

    Parameters
    ----------
    scores
        By network, shape (N,), 0 (forged) to 1 (genuine).
    clips
        The N clips.
    reference
        The network that the others are compared with.
    draws, seed
        Of the bootstrap over people; every network is measured on the same draws.

    Raises
    ------
    InputError
        If there is no such network, or a kind is missing.
    """
    if reference not in scores:
        raise InputError(f"There are no scores of {reference!r}.", expected=", ".join(scores))
    kinds = sorted({clip.manipulation for clip in clips} - {ORIGINAL})
    if not kinds or all(clip.manipulation != ORIGINAL for clip in clips):
        raise InputError("A comparison needs genuine and forged clips.")
    masks = {
        kind: np.array([clip.manipulation in (ORIGINAL, kind) for clip in clips]) for kind in kinds
    }
    masks[ALL] = np.ones(len(clips), np.bool_)
    comparisons = []
    for name, values in scores.items():
        auc, gain = {}, {}
        for kind, mask in masks.items():
            own = FaceScores.of_clips(values, clips).select(mask)
            auc[kind] = compute_figures(own, 0.5, draws=draws, seed=seed).values["auc"]
            if name != reference:
                other = FaceScores.of_clips(scores[reference], clips).select(mask)
                gain[kind] = auc_gain(own, other, draws=draws, seed=seed)
        comparisons.append(Compared(name, auc, gain))
    return tuple(comparisons)


def auc_gain(
    own: FaceScores, other: FaceScores, *, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """Return how much larger one AUC is than another on the same clips, people drawn at once."""
    measured = metrics.auc(own.scores, own.genuine) - metrics.auc(other.scores, other.genuine)
    drawn = draw_people(own.units.count, draws, seed)
    curves: list[NDArray[np.float64]] = [
        np.concatenate(
            [metrics.auc_from_rates(*rates) for rates in draw_rates(own.units, values, drawn)]
        )
        for values in (own.scores, other.scores)
    ]
    return paired_difference(float(measured), curves[0] - curves[1])


def to_dict(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return a comparison as plain values for JSON."""
    return [
        {
            "network": one.name,
            "auc": {kind: vars(value) for kind, value in one.auc.items()},
            "gain": {kind: vars(value) for kind, value in one.gain.items()},
        }
        for one in compared
    ]

"""What tells genuine from forged clips without looking at a single face.

Where forged clips are longer, of another frame rate or sampled in another way than genuine ones, a
temporal network learns that instead of forgeries, and a test on the same data praises it for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from gaitproof import metrics
from gaitproof.data.face.clips import Label
from gaitproof.data.face.splits import group_clips
from gaitproof.data.face.store import StoredClip

Float64 = NDArray[np.float64]

TOGETHER: Final = "all of it together"

LEAST_AUC: Final = 0.6
"""What tells the classes apart less well is not worth a warning."""

DEVIATIONS: Final = 2.5
"""Nor what is within so many standard deviations of chance, given the number of clips."""

_MOST_CLIPS: Final = 2000
"""Drawn from larger data sets: distances are computed between all of them."""
_HALVINGS: Final = 10


@dataclass(frozen=True)
class Giveaways:
    """How well what is not a face predicts the label.

    Parameters
    ----------
    auc
        By statistic: area under the curve, 0 to 1, of clips of people whom the guess was not
        learnt from; 0.5 is chance. Empty if there are not two classes to tell apart.
    deviation
        Standard deviation of such a figure where nothing is to be learnt.
    """

    auc: Mapping[str, float]
    deviation: float

    @property
    def telling(self) -> tuple[str, ...]:
        """The statistics that tell the classes apart, the best one first."""
        least = max(LEAST_AUC, 0.5 + DEVIATIONS * self.deviation)
        names = [name for name, value in self.auc.items() if value >= least]
        return tuple(sorted(names, key=lambda name: -self.auc[name]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"auc": dict(self.auc), "found": list(self.telling)}


def find_giveaways(clips: Sequence[StoredClip]) -> Giveaways:
    """Try to tell forged from genuine clips by number and spacing of images, rate and length.

    Half of the people's clips are guessed by the most similar clips of the other half; the mean of
    several halvings counts. Differences below one per cent are none.

    Parameters
    ----------
    clips
        Of one data set.
    """
    rng = np.random.default_rng(0)
    if len(clips) > _MOST_CLIPS:
        clips = [clips[place] for place in rng.choice(len(clips), _MOST_CLIPS, replace=False)]
    forged = np.array([stored.clip.label is Label.FAKE for stored in clips], bool)
    if len(set(forged.tolist())) < 2:
        return Giveaways({}, 0.0)
    statistics = {name: _ranks(values) for name, values in _measure(clips).items()}
    statistics[TOGETHER] = np.column_stack(list(statistics.values()))
    groups = np.array(group_clips([stored.clip for stored in clips]))
    halves = [_halve(groups, rng) for _ in range(_HALVINGS)]
    aucs = {name: _guess(values, forged, halves) for name, values in statistics.items()}
    genuine, fake = int((~forged).sum()), int(forged.sum())
    # of a Mann-Whitney statistic without ties, the cautious case
    deviation = math.sqrt((genuine + fake + 1) / (12 * genuine * fake))
    return Giveaways({name: value for name, value in aucs.items() if value is not None}, deviation)


def _measure(clips: Sequence[StoredClip]) -> dict[str, Float64]:
    """Return statistics of shape (N,), 0 where unknown."""
    columns = {
        "the number of images": [stored.images for stored in clips],
        "the time between images": [stored.spacing for stored in clips],
        "the frame rate": [stored.frame_rate for stored in clips],
        "the length of the clip": [stored.seconds for stored in clips],
    }
    return {name: np.array(values, float) for name, values in columns.items()}


def _ranks(values: Float64) -> Float64:
    """Return ranks of shape (N, 1), 0 to 1; values within a per cent share one."""
    # what is unknown is unlike everything else
    steps = np.log(np.where(values > 0, values, 1e-9)).round(2)
    return (rankdata(np.nan_to_num(steps, nan=-99.0)) / len(values))[:, None]


def _halve(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose half of the groups; return which clips are theirs, shape (N,)."""
    names = rng.permutation(np.unique(groups))
    return np.isin(groups, names[: len(names) // 2])


def _guess(
    values: Float64, forged: NDArray[np.bool_], halves: Sequence[NDArray[np.bool_]]
) -> float | None:
    """Return the mean AUC over all halves that have both classes, or None."""
    aucs = []
    for chosen in halves:
        for half in (chosen, ~chosen):
            if 0 < forged[half].sum() < half.sum() and not half.all():
                likeness = _share_nearby(values[half], values[~half], forged[~half])
                aucs.append(float(metrics.auc(likeness, forged[half])))
    return float(np.mean(aucs)) if aucs else None


def _share_nearby(values: Float64, known: Float64, forged: NDArray[np.bool_]) -> Float64:
    """Return the share of forged clips among the nearest known ones, all equally near included."""
    distances = np.linalg.norm(values[:, None] - known[None], axis=2)
    nearest = max(1, round(math.sqrt(len(known))))
    bound = np.partition(distances, nearest - 1, axis=1)[:, nearest - 1 : nearest]
    near = distances <= bound + 1e-9
    share: Float64 = (near * forged).sum(axis=1) / near.sum(axis=1)
    return share

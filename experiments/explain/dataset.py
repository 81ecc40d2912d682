"""Explanations of many people's probes: what matters on average, and can it be believed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.shared import Progress, no_progress
from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people, percentile_interval
from gaitproof.explain.importance import Float64, Importance, ProbeScore
from gaitproof.explain.methods import explain_score
from gaitproof.explain.trust import (
    compare_explanations,
    delete_moments,
    delete_parts,
)
from gaitproof.nets.encoder import Encoder
from gaitproof.types import GaitWindows

MIN_PEOPLE: Final = 3
"""Fewer people give no interval over people."""


@dataclass(frozen=True, eq=False)
class Case:
    """A genuine probe and the template it is compared with."""

    person: str
    windows: GaitWindows
    template: NDArray[np.float32]


@dataclass(frozen=True)
class Trust:
    """How far the explanations of one method can be believed, over people.

    Parameters
    ----------
    area, random_area
        Mean similarity while parts are taken away in the order of the explanation, and at random.
    gain
        Mean of `random_area` minus `area` of the same probe; above 0 is better than chance.
    sanity
        Mean rank correlation with the explanation of the network with shuffled weights.
    """

    area: Interval
    random_area: Interval
    gain: Interval
    sanity: Interval


@dataclass(frozen=True)
class DatasetExplanation:
    """What one method says of many probes.

    Parameters
    ----------
    method
        How they were explained.
    people
        Number of probes, one per person.
    score
        Mean similarity.
    joints, angles, groups
        Mean contribution to the similarity, by name.
    parts, moments
        Trust in the contributions of joints and angles, and of moments.
    seconds
        Median wall-clock time of one explanation.
    """

    method: str
    people: int
    score: Interval
    joints: Mapping[str, Interval]
    angles: Mapping[str, Interval]
    groups: Mapping[str, Interval]
    parts: Trust
    moments: Trust
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def explain_dataset(
    encoder: Encoder,
    shuffled: Encoder,
    cases: Sequence[Case],
    method: str = "occlusion",
    *,
    seed: int = 0,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> DatasetExplanation:
    """Explain and test every probe, and average over people.

    Parameters
    ----------
    encoder
        What is explained.
    shuffled
        The same with shuffled weights, see `gaitproof.explain.trust`.
    cases
        One per person, at least `MIN_PEOPLE`.
    method
        One of `gaitproof.explain.methods.METHODS`.
    seed, draws
        Of random orders, and of the bootstrap over people.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    ValueError
        If there are too few people, or one of them is there twice.
    """
    if len({case.person for case in cases}) < max(len(cases), MIN_PEOPLE):
        raise ValueError(f"at least {MIN_PEOPLE} people are needed, each once")
    rng = np.random.default_rng(seed)
    importances: list[Importance] = []
    seconds, trust = [], []
    for done, case in enumerate(cases, start=1):
        score = ProbeScore(encoder, case.template)
        begun = time.perf_counter()
        importance = explain_score(encoder, case.windows, case.template, method, seed=seed)
        seconds.append(time.perf_counter() - begun)
        other = explain_score(shuffled, case.windows, case.template, method, seed=seed)
        sanity = compare_explanations(importance, other)
        parts = delete_parts(score, case.windows, importance, rng)
        moments = delete_moments(score, case.windows, importance, rng)
        importances.append(importance)
        trust.append(
            [
                (d.area, d.random_area, d.random_area - d.area, s)
                for d, s in ((parts, sanity.parts), (moments, sanity.moments))
            ]
        )
        progress(done / len(cases))
    weights = draw_people(len(cases), draws, seed)

    def mean(values: Sequence[float] | Float64) -> Interval:
        return _mean(np.asarray(values, np.float64), weights)

    figures = np.array(trust)
    parts_trust, moments_trust = (
        Trust(*(mean(figures[:, kind, i]) for i in range(figures.shape[2]))) for kind in (0, 1)
    )
    return DatasetExplanation(
        method=method,
        people=len(cases),
        score=mean([i.score for i in importances]),
        joints={
            joint.name.lower(): mean([i.joints[joint] for i in importances])
            for joint in importances[0].joints
        },
        angles={
            name: mean([i.angles[name] for i in importances]) for name in importances[0].angles
        },
        groups={
            name: mean([i.groups[name] for i in importances]) for name in importances[0].groups
        },
        parts=parts_trust,
        moments=moments_trust,
        seconds=float(np.median(seconds)),
    )


def _mean(values: Float64, weights: Float64) -> Interval:
    """Average over people, with the interval of a bootstrap; unknown values are left out."""
    known = np.isfinite(values)
    if not known.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    drawn = weights[:, known]
    total = drawn.sum(axis=1)
    means = (drawn @ values[known])[total > 0] / total[total > 0]
    return Interval(float(values[known].mean()), *percentile_interval(means))

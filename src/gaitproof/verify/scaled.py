"""Similarities in units of how alike the people of the reference footage look.

After the common offset is taken off, strangers in one kind of footage still look more alike than in
another: rendered walkers share one body model, people in coats differ in their coats. How far the
references lie apart from each other, and from probe and template, shows by how much, so a cosine is
divided by that. What is the same everywhere can then be decided by one threshold.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

CENTRE_WEIGHT: Final = 0.25
"""So many people as the model's own centre counts for beside the references."""

USUAL_SPREAD: Final = 0.2
"""Standard deviation of cosines of strangers that is believed where references are few; on the
domains of docs/results/domains.md it is .15 to .3."""

SPREAD_WEIGHT: Final = 1.5
"""So many references as `USUAL_SPREAD` counts for: of five, three quarters of what they show."""

LEAST_SPREAD: Final = 3
"""References below which nothing is told of how they differ."""


def scaled_cosines(probe: Float64, templates: Float64, people: Float64) -> Float64:
    """Compare a probe with templates, each relative to people of its own.

    Parameters
    ----------
    probe
        Shape (D,).
    templates
        Shape (N, D).
    people
        Shape (N, R, D), R at least 1: neither the person in the probe nor the claimed one.

    Returns
    -------
    ndarray
        Shape (N,), cosines in units of how much the people differ, clipped to [-1, 1]; with fewer
        than `LEAST_SPREAD` people the cosines themselves.
    """
    count = people.shape[1]
    probes = np.broadcast_to(probe, templates.shape)
    everybody = np.concatenate([probes[:, None], templates[:, None], people], axis=1)
    products = everybody @ everybody.transpose(0, 2, 1)
    left, right, kinds = _comparisons(count)
    first, second = left @ products, right @ products
    lengths = (first * left).sum(axis=-1) * (second * right).sum(axis=-1)
    least = np.finfo(np.float64).tiny
    cosines = (first * right).sum(axis=-1) / np.sqrt(np.maximum(lengths, least))
    scaled: Float64 = cosines[:, 0]
    if count >= LEAST_SPREAD:
        spread = np.mean([cosines[:, kinds == kind].var(axis=1) for kind in (1, 2, 3)], axis=0)
        share = count / (count + SPREAD_WEIGHT)
        usual = USUAL_SPREAD**2
        scaled = scaled * USUAL_SPREAD / np.sqrt((1 - share) * usual + share * spread)
    return np.clip(scaled, -1.0, 1.0)


@cache
def _comparisons(count: int) -> tuple[Float64, Float64, NDArray[Any]]:
    """Return who is compared with whom, as sums over probe, template and people.

    First probe with template (kind 0), then the probe with every person (1), the template with
    every person (2) and every two people (3), each relative to the people who are neither.
    """
    size = count + 2
    pairs = [(0, 1, 0)]
    pairs += [(0, i, 1) for i in range(2, size)] + [(1, i, 2) for i in range(2, size)]
    pairs += [(i, j, 3) for i, j in combinations(range(2, size), 2)]
    left, right = np.zeros((len(pairs), size)), np.zeros((len(pairs), size))
    for row, (a, b, _) in enumerate(pairs):
        rest = [i for i in range(2, size) if i not in (a, b)]
        for side, one in ((left, a), (right, b)):
            side[row, rest] = -1 / (len(rest) + CENTRE_WEIGHT)
            side[row, one] = 1
    return left, right, np.array([kind for _, _, kind in pairs])

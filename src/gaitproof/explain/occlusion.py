"""Explanations without gradients: what happens to the score without a part of the walk.

A part that is taken away is replaced by the mean of the training walkers, which is what the network
sees of a joint that a sensor does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.explain.importance import (
    ANGLE_COLUMNS,
    GROUP_COLUMNS,
    JOINT_COLUMNS,
    Float32,
    Float64,
    Importance,
    ProbeScore,
    Timeline,
)
from gaitproof.types import GaitWindows, Landmark

PLAYERS: Final = 3

COALITIONS: Final = tuple(product((False, True), repeat=PLAYERS))
"""Who takes part, in the order of the players."""


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Shapley value of each of three players from the worth of every coalition.

    Parameters
    ----------
    worth
        Shape (2, 2, 2, ...): ``worth[1, 0, 0]`` is that of the first player alone. Further axes
        are further games.

    Returns
    -------
    ndarray of float64
        Shape (3, ...); sums over players to ``worth[1, 1, 1] - worth[0, 0, 0]``.
    """
    values = np.zeros((PLAYERS, *worth.shape[PLAYERS:]))
    for player in range(PLAYERS):
        for coalition in COALITIONS:
            if coalition[player]:
                continue
            size = sum(coalition)
            weight = factorial(size) * factorial(PLAYERS - size - 1) / factorial(PLAYERS)
            joined = tuple(int(own or i == player) for i, own in enumerate(coalition))
            alone = tuple(int(own) for own in coalition)
            values[player] += weight * (worth[joined] - worth[alone])
    return values


BASELINE: Final = "the average of the training walkers"

SLOT_FRAMES: Final = 6
"""Frames that are taken away together: 0.2 s, about a fifth of a stride. Single frames hardly
change a window of 60."""

PERMUTATIONS: Final = 8
"""Orders that a Shapley value is averaged over, each also reversed."""


def explain_by_occlusion(score: ProbeScore, windows: GaitWindows) -> Importance:
    """Take away one joint, angle, group or moment at a time (Zeiler & Fergus, ECCV 2014).

    The contribution of a part is the similarity with it minus the similarity without it.

    Parameters
    ----------
    score
        What is explained.
    windows
        The usable windows of the probe, at least one.
    """
    inputs = score.encoder.normalise(windows)
    whole = score(inputs)

    def without(columns: Sequence[int]) -> float:
        return whole - score(_without(inputs, columns))

    return _explained(
        "occlusion",
        score,
        windows,
        inputs,
        joints={joint: without(columns) for joint, columns in JOINT_COLUMNS.items()},
        angles={name: without(columns) for name, columns in ANGLE_COLUMNS.items()},
        groups={name: without(columns) for name, columns in GROUP_COLUMNS.items()},
    )


def explain_by_shapley(
    score: ProbeScore, windows: GaitWindows, *, seed: int = 0, permutations: int = PERMUTATIONS
) -> Importance:
    """Share the score out fairly among joints and angles, and among groups (Shapley values).

    The contributions of all joints and angles add up to the similarity minus that of the average
    walker, and so do those of the groups. Those of the groups are exact, the others estimated from
    random orders, each taken forwards and backwards (Mitchell et al., "Sampling permutations for
    Shapley value estimation", JMLR 2022). Moments are taken away one at a time, as in
    `explain_by_occlusion`.

    Parameters
    ----------
    score, windows
        As in `explain_by_occlusion`.
    seed
        Draws the orders.
    permutations
        Number of orders.
    """
    inputs = score.encoder.normalise(windows)
    columns = [*JOINT_COLUMNS.values(), *ANGLE_COLUMNS.values()]
    values = _shapley(score, inputs, columns, np.random.default_rng(seed), permutations)
    return _explained(
        "shapley",
        score,
        windows,
        inputs,
        joints=dict(zip(JOINT_COLUMNS, values.tolist(), strict=False)),
        angles=dict(zip(ANGLE_COLUMNS, values[len(JOINT_COLUMNS) :].tolist(), strict=True)),
        groups=_exact(score, inputs),
    )


def _occlude_moments(
    score: ProbeScore, windows: GaitWindows, inputs: Float32
) -> tuple[Timeline, Float64]:
    """Return moments, and what taking away each one's short slot of time contributes (M,)."""
    line = Timeline.of(windows, inputs.shape[1])
    embeddings = score.encoder.embed_inputs(inputs)
    whole = score.of_embeddings(embeddings)
    losses = np.zeros(len(line.times))
    for moments in line.slots(SLOT_FRAMES):
        hidden = np.isin(line.places, moments)
        touched = hidden.any(axis=1)
        changed = embeddings.copy()
        changed[touched] = score.encoder.embed_inputs(
            np.where(hidden[touched][..., None], np.float32(0), inputs[touched])
        )
        losses[moments] = whole - score.of_embeddings(changed)
    return line, losses


def _explained(
    method: str,
    score: ProbeScore,
    windows: GaitWindows,
    inputs: Float32,
    *,
    joints: Mapping[Landmark, float],
    angles: Mapping[str, float],
    groups: Mapping[str, float],
) -> Importance:
    line, over_time = _occlude_moments(score, windows, inputs)
    return Importance(
        method=method,
        baseline=BASELINE,
        score=score(inputs),
        times=line.times,
        over_time=over_time,
        joints=joints,
        angles=angles,
        groups=groups,
    )


def _without(inputs: Float32, columns: Sequence[int]) -> Float32:
    changed = inputs.copy()
    changed[..., list(columns)] = 0
    return changed


def _exact(score: ProbeScore, inputs: Float32) -> dict[str, float]:
    worth = np.zeros((2, 2, 2))
    for present in np.ndindex(*worth.shape):
        hidden = [
            c
            for name, on in zip(GROUP_COLUMNS, present, strict=True)
            if not on
            for c in GROUP_COLUMNS[name]
        ]
        worth[present] = score(_without(inputs, hidden))
    return dict(zip(GROUP_COLUMNS, shapley_values(worth).tolist(), strict=True))


def _shapley(
    score: ProbeScore,
    inputs: Float32,
    parts: Sequence[Sequence[int]],
    rng: np.random.Generator,
    permutations: int,
) -> Float64:
    values = np.zeros(len(parts))
    empty, full = score(np.zeros_like(inputs)), score(inputs)
    for _ in range(permutations):
        order = rng.permutation(len(parts))
        for way in (order, order[::-1]):
            seen, before = np.zeros_like(inputs), empty
            for place, part in enumerate(way, start=1):
                columns = list(parts[part])
                seen[..., columns] = inputs[..., columns]
                after = full if place == len(way) else score(seen)
                values[part] += (after - before) / (2 * permutations)
                before = after
    return values

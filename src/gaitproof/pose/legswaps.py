"""Find the frames in which an estimator exchanged the left and the right leg.

Seen from the side, the legs cross in the picture twice a stride, and an estimator may come out of
the crossing with the labels exchanged: the legs then seem to bounce off each other. The labelling
that makes the motion smoothest is found by dynamic programming (Viterbi 1967) over "as labelled"
and "exchanged", with the error of a constant-velocity prediction from the two frames before as the
cost. All lengths are in torso lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

SWITCH_COST: Final = 0.1
"""Price of a change of labelling. Exchanged legs miss the prediction by 0.15 to 1 torso length
each time they do; jitter of 0.03 moves the mean error of eight joints by about 0.02."""

EXCHANGED_COST: Final = 0.001
"""Price per frame of the labelling that differs from the estimator's: where both are equally
smooth, the one that changes fewer frames is taken."""

ERROR_LIMIT: Final = 0.6
"""Prediction errors are cut off here, so that a wild frame cannot decide for its neighbours."""

AMBIGUOUS_MARGIN: Final = 0.03
"""A crossing whose two readings differ by less than this is not decided."""


@dataclass(frozen=True)
class Labelling:
    """What was found in one unbroken run of frames, each array of shape (T,).

    `exchanged`: left and right must be exchanged. `ambiguous`: between the previous frame and
    this one it cannot be told whether the labels changed.
    """

    exchanged: Bools
    ambiguous: Bools


def find_labelling(times: Float64, left: Float64, right: Float64) -> Labelling:
    """Find the smoothest labelling of two legs.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    left, right
        Shape (T, J, D): the same J joints of either leg relative to the hips, in torso lengths;
        NaN where unknown.

    Returns
    -------
    Labelling
        All False for fewer than three frames.
    """
    n = len(times)
    if n < 3:
        return Labelling(np.zeros(n, bool), np.zeros(n, bool))
    costs = _transition_costs(times, left, right)
    state = _viterbi(costs)
    return Labelling(state, _undecided(costs, state))


def _transition_costs(times: Float64, left: Float64, right: Float64) -> Float64:
    """Cost (T, 2, 2) of frame t, by whether labels changed since t-1 and since t-2."""
    pair = np.stack([left, right])
    steps = np.diff(times)
    ratio = np.ones(len(times))
    ratio[2:] = np.minimum(steps[1:] / steps[:-1], 2.0)
    costs = np.zeros((len(times), 2, 2))
    for since_1 in (0, 1):
        one = pair if not since_1 else pair[::-1]
        for since_2 in (0, 1):
            two = pair if not since_2 else pair[::-1]
            predicted = one[:, 1:-1] + (one[:, 1:-1] - two[:, :-2]) * ratio[2:, None, None]
            error = np.linalg.norm(pair[:, 2:] - predicted, axis=-1)
            # both legs' joints known, or neither: else one reading had fewer errors to pay for
            known = np.isfinite(error)
            both = np.broadcast_to(known.all(axis=0), known.shape)
            total = np.where(both, np.minimum(error, ERROR_LIMIT), 0.0).sum(axis=(0, 2))
            costs[2:, since_1, since_2] = total / np.maximum(both.sum(axis=(0, 2)), 1)
    costs[:, 1, :] += SWITCH_COST
    return costs


def _viterbi(costs: Float64) -> Bools:
    n = len(costs)
    # best[a, b]: cheapest path with states a at t-1 and b at t
    best = np.array([[0.0, costs[1, 1, 0]], [costs[1, 1, 0], 0.0]]) + EXCHANGED_COST * np.array(
        [[0, 1], [1, 2]]
    )
    came_from = np.zeros((n, 2, 2), np.int8)
    for t in range(2, n):
        # candidate[z, a, b]: states z, a, b at t-2, t-1, t
        c = costs[t]
        step = np.array(
            [
                [[c[a ^ b, z ^ b] + EXCHANGED_COST * b for b in (0, 1)] for a in (0, 1)]
                for z in (0, 1)
            ]
        )
        candidate = best[:, :, None] + step
        came_from[t] = candidate.argmin(axis=0)
        best = candidate.min(axis=0)
    state = np.zeros(n, bool)
    a, b = (int(i) for i in np.unravel_index(int(best.argmin()), best.shape))
    state[n - 1], state[n - 2] = bool(b), bool(a)
    for t in range(n - 1, 1, -1):
        a, b = int(came_from[t, a, b]), a
        state[t - 2] = bool(a)
    return state


def _undecided(costs: Float64, state: Bools) -> Bools:
    """Frames where exchanging everything from here on would cost next to nothing."""
    n = len(state)
    s = state.astype(np.int8)
    t = np.arange(2, n)
    since_1, since_2 = s[1:-1] ^ s[2:], s[:-2] ^ s[2:]
    base = np.zeros(n + 1)
    base[2:n] = costs[t, since_1, since_2]
    first = np.zeros(n + 1)  # the exchange begins at t: t-1 and t-2 keep their labels
    first[2:n] = costs[t, 1 - since_1, 1 - since_2]
    second = np.zeros(n + 1)  # it began at t-1: only t-2 keeps its label
    second[2:n] = costs[t, since_1, 1 - since_2]
    margin = first[:n] + second[1:] - base[:n] - base[1:]
    undecided: Bools = np.abs(margin) < AMBIGUOUS_MARGIN
    # a change before the second frame has hardly a motion to be judged by, nor at the last one
    undecided[:2] = undecided[n - 1 :] = False
    return undecided

"""Find the frames in which an estimator exchanged the left and the right leg.

Seen from the side, the legs cross in the picture twice a stride, and an estimator may come out of
the crossing with the labels exchanged: the legs then seem to bounce off each other. The best
labelling is found by dynamic programming (Viterbi 1967) over "as labelled" and "exchanged". It pays
for the error of a constant-velocity prediction from the two frames before, for every change, for
every frame that contradicts the estimator, and for the distance from the rhythm of the walk, which
can be seen without knowing which leg is which. All lengths are in torso lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

SWITCH_COST: Final = 0.06
"""Price of a change of labelling. Exchanged legs miss the prediction by 0.15 to 1 torso length
each time they do; jitter of 0.03 moves the mean error of eight joints by about 0.02."""

EXCHANGED_COST: Final = 0.02
"""Price per frame of the labelling that differs from the estimator's, which is right far more often
than not. On clips of people seen from the side, smoothness alone (a price of 0.001) left fewer
windows with a regular swing of the legs than no repair at all."""

ERROR_LIMIT: Final = 0.6
"""Prediction errors are cut off here, so that a wild frame cannot decide for its neighbours."""

AMBIGUOUS_MARGIN: Final = 0.03
"""A frame whose two readings differ by less than this is not decided."""


RHYTHM_COST: Final = 0.1
"""Price per frame and torso length of distance between the legs' separation and the one that the
rhythm of the walk makes expect."""

MIN_RHYTHM: Final = 0.3
"""Share of the variance of the squared separation that one rhythm must explain to count."""

_RHYTHM_SECONDS: Final = 2.0
_STRIDE_FREQUENCIES: Final = np.arange(0.5, 1.5, 0.025)


@dataclass(frozen=True)
class Labelling:
    """What was found in one unbroken run of frames, each array of shape (T,).

    `exchanged`: left and right must be exchanged. `ambiguous`: it cannot be told which is which.
    """

    exchanged: Bools
    ambiguous: Bools


def find_labelling(times: Float64, left: Float64, right: Float64, apart: Float64) -> Labelling:
    """Find the smoothest labelling of two legs.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    left, right
        Shape (T, J, D): the same J joints of either leg relative to the hips, in torso lengths;
        NaN where unknown.
    apart
        Shape (T,): how far the left leg is ahead of the right one, torso lengths; finite.

    Returns
    -------
    Labelling
        All False for fewer than three frames.
    """
    n = len(times)
    if n < 3:
        return Labelling(np.zeros(n, bool), np.zeros(n, bool))
    costs = _transition_costs(times, left, right)
    unary = _label_costs(times, apart)
    _, exchanged, margin = min((_decide(costs, u) for u in unary), key=lambda found: found[0])
    return Labelling(exchanged, margin < AMBIGUOUS_MARGIN)


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


def expected_separation(times: Float64, apart: Float64) -> Float64:
    """Predict the separation of the legs from their rhythm, without knowing which leg is which.

    The square of the separation does not change when labels are exchanged. In a walk it beats at
    twice the stride's frequency and is smallest where the legs cross; a sinusoid fitted to it over
    2 s gives the phase, and with it the separation but for its sign.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    apart
        Shape (T,), separation of the ankles in the picture, torso lengths, finite.

    Returns
    -------
    ndarray of float64
        Shape (T,): the expected separation; its sign is consistent but arbitrary. 0 where there
        is no rhythm.
    """
    total, weight = np.zeros(len(times)), np.zeros(len(times))
    begin = times[0]
    while True:
        inside = slice(*np.searchsorted(times, [begin, begin + _RHYTHM_SECONDS]))
        if inside.stop - inside.start >= 8:
            fitted = _fit_rhythm(times[inside], apart[inside])
            if np.dot(fitted, total[inside]) < 0:
                fitted = -fitted
            total[inside] += fitted
            weight[inside] += 1.0
        if begin + _RHYTHM_SECONDS >= times[-1]:
            break
        begin += _RHYTHM_SECONDS / 4
    expected: Float64 = total / np.maximum(weight, 1.0)
    return expected


def _fit_rhythm(times: Float64, apart: Float64) -> Float64:
    """Fit ``(offset + amplitude sin(w t + phase))^2``; the root without the square's sign."""
    silent: Float64 = np.zeros(len(times))
    squared = np.minimum(np.abs(apart), 2.0) ** 2
    power = float(np.var(squared))
    if power < 1e-6:
        return silent
    highest, best, signal = 0.0, MIN_RHYTHM, silent
    for frequency in _STRIDE_FREQUENCIES:
        phase = 2 * np.pi * frequency * (times - times[0])
        base = np.stack(
            [
                np.cos(2 * phase),
                np.sin(2 * phase),
                np.cos(phase),
                np.sin(phase),
                np.ones_like(phase),
            ],
            axis=1,
        )
        c = np.linalg.lstsq(base, squared, rcond=None)[0]
        explained = 1.0 - float(np.mean((squared - base @ c) ** 2)) / power
        highest = max(highest, explained)
        # the square has -A^2/2 cos 2(wt + p) and 2 o A sin(wt + p)
        shift = np.arctan2(c[1], -c[0]) / 2
        amplitude = float(np.sqrt(2 * np.hypot(c[0], c[1])))
        offset = (c[2] * np.sin(shift) + c[3] * np.cos(shift)) / max(2 * amplitude, 1e-9)
        if explained > best and abs(offset) < amplitude:
            best = explained
            signal = (offset + amplitude * np.sin(phase + shift)) * explained
    # where legs that never cross explain the square better, nothing can be expected of crossings
    return signal if best > highest - 0.02 else silent


def _label_costs(times: Float64, apart: Float64) -> list[Float64]:
    """Cost (T, 2) of either label by itself, for both signs of the expected separation."""
    expected = expected_separation(times, apart)
    fixed = np.array([0.0, EXCHANGED_COST])
    both = np.stack([apart, -apart], axis=1)
    return [
        fixed + RHYTHM_COST * np.abs(np.clip(both, -1, 1) - sign * expected[:, None])
        for sign in (1.0, -1.0)
    ]


def _decide(costs: Float64, unary: Float64) -> tuple[float, Bools, Float64]:
    """Return the cheapest cost, its labels (T,), and per frame what the other label costs more."""
    n = len(costs)
    labels = np.arange(2)
    z, a, b = labels[:, None, None], labels[:, None], labels
    # moves[t, z, a, b]: states z, a, b at t-2, t-1, t
    moves = costs[:, a ^ b, z ^ b] + unary[:, None, None, :]
    forward = np.empty((n, 2, 2))
    forward[1] = costs[1][a ^ b, 0] + unary[0][:, None] + unary[1]
    for t in range(2, n):
        forward[t] = (forward[t - 1][:, :, None] + moves[t]).min(axis=0)
    backward = np.zeros((n, 2, 2))
    for t in range(n - 1, 1, -1):
        backward[t - 1] = (backward[t] + moves[t]).min(axis=2)
    # cheapest path through each label of each frame: exact min-marginals
    through = np.empty((n, 2))
    through[1:] = (forward[1:] + backward[1:]).min(axis=1)
    through[0] = (forward[1] + backward[1]).min(axis=1)
    return float(through[0].min()), through[:, 1] < through[:, 0], np.abs(np.diff(through))[:, 0]

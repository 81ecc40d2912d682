"""Find the frames in which an estimator exchanged the left and the right leg.

Seen from the side, the legs cross in the frame twice a stride, and an estimator may come out of
the crossing with the labels exchanged: the legs then seem to bounce off each other. The best
labelling is found by dynamic programming (Viterbi 1967) over "as labelled" and "exchanged". It pays
for the error of a constant-velocity prediction from the two frames before, for every change, for
every frame that contradicts the estimator, and for the distance from the rhythm of the walk, which
can be seen without knowing which leg is which. All lengths are in torso lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

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

_SOUND: Final = 1e6
"""Condition number of normal equations up to which they are solved: ten of the sixteen digits of
a double are left."""

_EVEN: Final = 1e-9
"""Seconds that the frames of a window may be off an even grid to be taken as even."""


@dataclass(frozen=True)
class Labelling:
    """What was found in one unbroken run of frames, each array of shape (T,).

    `exchanged`: left and right must be exchanged. `ambiguous`: which is which is unclear.
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
    through = _through_costs(costs, _label_costs(times, apart))
    # of the two signs of the rhythm the one that has the cheaper labelling
    through = through[np.argmin(through[:, 0].min(axis=1))]
    margin = np.abs(through[:, 1] - through[:, 0])
    return Labelling(through[:, 1] < through[:, 0], margin < AMBIGUOUS_MARGIN)


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
        Shape (T,), separation of the ankles in the frame, torso lengths, finite.

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
    squared = np.square(np.minimum(np.abs(apart), 2.0))
    power = float(np.var(squared))
    if power < 1e-6:
        return silent
    since = times - times[0]
    c, errors = _rhythm_bases(since).fit(squared)
    explained = 1.0 - errors / power
    # the square has -A^2/2 cos 2(wt + p) and 2 o A sin(wt + p)
    shift = np.arctan2(c[:, 1], -c[:, 0]) / 2
    amplitude = np.sqrt(2 * np.hypot(c[:, 0], c[:, 1]))
    offset = c[:, 2] * np.sin(shift) + c[:, 3] * np.cos(shift)
    offset /= np.maximum(2 * amplitude, 1e-9)
    crossing = np.where(np.abs(offset) < amplitude, explained, -np.inf)
    best = int(np.argmax(crossing))
    # where legs that never cross explain the square better, nothing can be expected of crossings
    if crossing[best] <= max(MIN_RHYTHM, float(explained.max()) - 0.02):
        return silent
    phase = 2 * np.pi * _STRIDE_FREQUENCIES[best] * since
    swing = offset[best] + amplitude[best] * np.sin(phase + shift[best])
    return np.asarray(swing * explained[best])


@dataclass(frozen=True)
class _Bases:
    """Bases (F, K, T) that are fitted to the same values at once.

    `squares` (F, K, K) are those of the normal equations, `sound` (F,) which of them are solved.
    """

    values: Float64
    squares: Float64
    sound: Bools

    @classmethod
    def prepare(cls, values: Float64) -> Self:
        # the normal equations are ten times as fast as F orthogonal decompositions, and as good
        # unless the base is near-degenerate: very short runs, or a frequency near the frame rate's
        squares = values @ values.transpose(0, 2, 1)
        sound = np.linalg.cond(squares, 1) < _SOUND
        for array in (values, squares, sound):
            array.setflags(write=False)
        return cls(values, squares, sound)

    def fit(self, target: Float64) -> tuple[Float64, Float64]:
        """Return coefficients (F, K) and mean squared errors (F,) of the fits to `target` (T,)."""
        coefficients = np.empty(self.values.shape[:2])
        sides = (self.values @ target)[self.sound]
        coefficients[self.sound] = np.linalg.solve(self.squares[self.sound], sides[..., None])[
            ..., 0
        ]
        for i in np.flatnonzero(~self.sound):
            coefficients[i] = np.linalg.lstsq(self.values[i].T, target, rcond=None)[0]
        fitted = (coefficients[:, None] @ self.values)[:, 0]
        errors: Float64 = np.square(target - fitted).mean(axis=1)
        return coefficients, errors


def _rhythm_bases(since: Float64) -> _Bases:
    """Return the bases of all stride frequencies at those seconds (T,), the first of them 0."""
    step = round(float(since[-1]) / (len(since) - 1), 12)
    if np.abs(since - step * np.arange(len(since))).max() < _EVEN:
        return _even_rhythm_bases(len(since), step)
    return _make_rhythm_bases(since)


@lru_cache(maxsize=16)
def _even_rhythm_bases(count: int, step: float) -> _Bases:
    """Remember the bases of evenly spaced frames: nearly all windows of a data set share one."""
    return _make_rhythm_bases(step * np.arange(count))


def _make_rhythm_bases(since: Float64) -> _Bases:
    phases = 2 * np.pi * _STRIDE_FREQUENCIES[:, None] * since
    bases = np.ones((len(phases), 5, phases.shape[1]))
    bases[:, 0], bases[:, 1] = np.cos(2 * phases), np.sin(2 * phases)
    bases[:, 2], bases[:, 3] = np.cos(phases), np.sin(phases)
    return _Bases.prepare(bases)


def _label_costs(times: Float64, apart: Float64) -> Float64:
    """Cost (2, T, 2) of either label by itself, for both signs of the expected separation."""
    expected = expected_separation(times, apart)[:, None]
    fixed = np.array([0.0, EXCHANGED_COST])
    both = np.clip(np.stack([apart, -apart], axis=1), -1, 1)
    costs: Float64 = fixed + RHYTHM_COST * np.abs(np.stack([both - expected, both + expected]))
    return costs


def _through_costs(costs: Float64, unary: Float64) -> Float64:
    """Return the cost of the cheapest labelling through each label of each frame.

    `costs` (T, 2, 2) as of `_transition_costs`, `unary` (S, T, 2) as of `_label_costs`; the result
    has the shape (S, T, 2). These are exact min-marginals.
    """
    n = len(costs)
    labels = np.arange(2)
    z, a, b = labels[:, None, None], labels[:, None], labels
    # moves[t, s, z, a, b]: states z, a, b at t-2, t-1, t
    moves = costs[:, None, a ^ b, z ^ b] + unary.swapaxes(0, 1)[:, :, None, None, :]
    forward = np.empty((n, len(unary), 2, 2))
    forward[1] = costs[1][a ^ b, 0] + unary[:, 0, :, None] + unary[:, 1, None, :]
    for t in range(2, n):
        sums = forward[t - 1][..., None] + moves[t]
        # of two small arrays, np.minimum is much faster than min along an axis
        np.minimum(sums[:, 0], sums[:, 1], out=forward[t])
    backward = np.zeros(forward.shape)
    for t in range(n - 1, 1, -1):
        sums = backward[t][:, None] + moves[t]
        np.minimum(sums[..., 0], sums[..., 1], out=backward[t - 1])
    through = np.empty((n, len(unary), 2))
    through[1:] = (forward[1:] + backward[1:]).min(axis=2)
    through[0] = (forward[1] + backward[1]).min(axis=2)
    return through.swapaxes(0, 1)

"""Dynamic time warping of gait cycles: the classical comparison of two walks."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import align_heading
from gaitproof.types.layouts import N_ANGLES, layout_of
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

Float64 = NDArray[np.float64]

PHASES: Final = 50
"""Points of a cycle curve."""

BAND: Final = 5
"""Phases by which one cycle may run ahead of another: a tenth of a cycle (Sakoe & Chiba 1978)."""

_HARMONICS: Final = 6
"""Of the stride rate; joint angles of walking hold 99 % of their power in them (Winter 2009)."""

_STRIDE_RATES: Final = np.arange(0.50, 1.41, 0.01)
"""Strides per second that are tried: 60 to 168 steps a minute."""

_CHUNK: Final = 16384
"""Pairs warped at once: their rows stay in the processor's cache."""


def cycle_curves(features: NDArray[np.floating[Any]]) -> Float64:
    """Average the joint angles of every window over its gait cycles.

    The stride rate is where a sinusoid fits best how far the left ankle is before the right one;
    its peak, about left heel strike, begins the cycle. The angles are then fitted by harmonics of
    that rate, which averages a window over its one to two and a half cycles.

    Parameters
    ----------
    features
        Shape (N, 60, F), as in `gaitproof.types.GaitWindows`.

    Returns
    -------
    ndarray of float64
        Shape (N, 50, 6): left and right knee, hip, ankle angles in radians over the cycle.
    """
    turned = align_heading(np.asarray(features, np.float64))
    layout = layout_of(turned.shape[-1])
    left, right = layout.pair("ANKLE")
    ahead = turned[..., 3 * left + 2] - turned[..., 3 * right + 2]
    spans, sinusoids, solvers = _stride_fits()
    power = ((ahead @ spans) ** 2).reshape(len(ahead), len(_STRIDE_RATES), -1).sum(axis=2)
    best = power.argmax(axis=1)
    curves = np.empty((len(turned), PHASES, N_ANGLES))
    grid = np.arange(PHASES) / PHASES
    for rate in np.unique(best):
        chosen = best == rate
        _, cosine, sine = sinusoids[rate] @ ahead[chosen].T
        strike = np.arctan2(sine, cosine) / (2 * np.pi)
        weights = solvers[rate] @ turned[chosen][..., layout.angles]
        where = _harmonics((grid + strike[:, None]).reshape(-1), _HARMONICS)
        curves[chosen] = where.reshape(len(strike), PHASES, -1) @ weights
    return curves


@cache
def _stride_fits() -> tuple[Float64, list[Float64], list[Float64]]:
    """Return what does not depend on the window, by stride rate R.

    Orthonormal spans (60, 3 R) of a constant and a sinusoid, and the solvers (3, 60) and
    (1 + 2 * harmonics, 60) of the least-squares fits of a sinusoid and of all harmonics.
    """
    phases = np.outer(_STRIDE_RATES, np.arange(WINDOW_FRAMES) / WINDOW_RATE)
    single = [_harmonics(phase, 1) for phase in phases]
    spans = np.concatenate([np.linalg.qr(basis)[0] for basis in single], axis=1)
    every = [np.linalg.pinv(_harmonics(phase, _HARMONICS)) for phase in phases]
    return spans, [np.linalg.pinv(basis) for basis in single], every


def _harmonics(phase: Float64, count: int) -> Float64:
    """Return 1, cosines and sines of a phase (T,) in cycles: shape (T, 1 + 2 * count)."""
    angle = 2 * np.pi * phase[:, None] * np.arange(1, count + 1)
    return np.concatenate([np.ones((len(phase), 1)), np.cos(angle), np.sin(angle)], axis=1)


def dtw_distances(first: Float64, second: Float64, band: int = BAND) -> Float64:
    """Warp every series of one set onto every series of another.

    Parameters
    ----------
    first, second
        Shapes (P, T, F) and (C, T, F).
    band
        Steps by which the two may be out of step (Sakoe & Chiba, IEEE Trans. ASSP 26, 1978).

    Returns
    -------
    ndarray of float64
        Shape (P, C): root of the least sum of squared distances along a path of steps (1, 0),
        (0, 1), (1, 1) from both starts to both ends. NaN where a series is.
    """
    size = max(1, _CHUNK // max(1, len(second)))
    parts = [
        _warp(first[start : start + size], second, band) for start in range(0, len(first), size)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(second)))


def _warp(first: Float64, second: Float64, band: int) -> Float64:
    steps = first.shape[1]
    squares = (first**2).sum(axis=2), (second**2).sum(axis=2)
    far = np.full((len(first), len(second)), np.inf)
    before = [far] * steps
    for i in range(steps):
        row = [far] * steps
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            cost = first[:, i] @ (-2 * second[:, j].T)
            cost += squares[0][:, i, None]
            cost += squares[1][None, :, j]
            if i or j:
                best = before[j] if i else far
                if j:
                    best = np.minimum(best, row[j - 1])
                    best = np.minimum(best, before[j - 1]) if i else best
                cost += best
            row[j] = cost
        before = row
    distance: Float64 = np.sqrt(np.maximum(before[-1], 0.0))
    return distance


def warped_similarity(probes: Float64, templates: Float64) -> Float64:
    """Compare flattened cycle curves (P, 300) and (C, 300): minus `dtw_distances`, (P, C)."""
    shape = (-1, PHASES, N_ANGLES)
    return -dtw_distances(probes.reshape(shape), templates.reshape(shape))

"""What a gait network must beat, on the same trials: bone lengths, posture, warped angles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import COSINE, DISTANCE, GaitRecording, Level, Scoring, person
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


Describe = Callable[[GaitRecording], Float64]
"""From a walk to its vectors, shape (N, D): one row per clip or per window."""

TORSO_BONES: Final = (0, 1)
"""Left and right shoulder-to-hip, in the order of `gaitproof.data.gait.Recording.bones`."""

WARPED: Final = Scoring(DISTANCE.template, DISTANCE.probe, warped_similarity)
"""Flattened cycle curves: minus the distance after dynamic time warping of the means."""


@dataclass(frozen=True)
class Standardised:
    """Vectors standardised on training people, compared by minus the Euclidean distance.

    Parameters
    ----------
    describe
        Vectors of a walk before standardising.
    levels
        Where it applies.
    """

    describe: Describe
    levels: tuple[Level, ...]
    scoring: Scoring = DISTANCE

    def fit(self, train: Sequence[GaitRecording]) -> Describe:
        """Take mean and standard deviation of the training walks."""
        mean, std = _mean_and_spread(_rows(self.describe, train))
        return lambda recording: (self.describe(recording) - mean) / std


@dataclass(frozen=True)
class Discriminant:
    """Vectors in the directions that tell training people apart best, compared by cosine.

    Fisher's linear discriminants (Annals of Eugenics 7, 1936; Rao 1948 for many classes).

    Parameters
    ----------
    describe
        Vectors of a walk.
    size
        Directions kept, at most one fewer than training people.
    shrinkage
        Share of the spread within people that is taken as equal in all directions.
    levels
        Where it applies.
    """

    describe: Describe
    size: int = 40
    shrinkage: float = 0.1
    levels: tuple[Level, ...] = ("clip", "window")
    scoring: Scoring = COSINE

    def fit(self, train: Sequence[GaitRecording]) -> Describe:
        """Find the directions on training people; at least two are needed."""
        from scipy.linalg import eigh

        used = [r for r in train if len(r.windows)]
        rows = _rows(self.describe, used)
        mean, std = _mean_and_spread(rows)
        rows = (rows - mean) / std
        owners = np.repeat([person(r) for r in used], [len(self.describe(r)) for r in used])
        names, label = np.unique(owners, return_inverse=True)
        if len(names) < 2:
            raise InputError("Discriminants need two training people or more.")
        counts = np.bincount(label)
        centres = np.zeros((len(names), rows.shape[1]))
        np.add.at(centres, label, rows)
        centres /= counts[:, None]
        apart = rows - centres[label]
        within = apart.T @ apart / len(rows)
        even = np.eye(len(within)) * np.trace(within) / len(within)
        within = (1 - self.shrinkage) * within + self.shrinkage * even
        between = (centres * counts[:, None]).T @ centres / len(rows)
        kept = min(self.size, len(names) - 1, len(within))
        _, directions = eigh(between, within, subset_by_index=(len(within) - kept, len(within) - 1))

        def describe(recording: GaitRecording) -> Float64:
            projected = (self.describe(recording) - mean) / std @ directions
            unit: Float64 = projected / np.linalg.norm(projected, axis=1, keepdims=True)
            return unit

        return describe


@dataclass(frozen=True)
class WarpedAngles:
    """Dynamic time warping of the six joint angles over the gait cycle.

    Templates and probes are means of cycle curves, which begin at the same event; the warping
    takes up what is left. Every angle is divided by its spread among the training walks.
    """

    levels: tuple[Level, ...] = ("clip", "window")
    scoring: Scoring = WARPED

    def fit(self, train: Sequence[GaitRecording]) -> Describe:
        """Measure the spread of every angle about its mean curve."""
        _, spread = _mean_and_spread(_rows(angle_curves, train))
        by_angle = np.sqrt((spread.reshape(-1, N_ANGLES) ** 2).mean(axis=0))
        scale = np.tile(by_angle, len(spread) // N_ANGLES)
        return lambda recording: angle_curves(recording) / scale


Baseline = Standardised | Discriminant | WarpedAngles
"""A comparison system without a network: `fit` on training people returns the vectors of a held-out
walk, `scoring` says how they are compared, and `levels` where that makes sense: lengths of a whole
clip say nothing about single windows.
"""


def _rows(describe: Describe, train: Sequence[GaitRecording]) -> Float64:
    rows = [describe(r) for r in train if len(r.windows)]
    if not rows:
        raise InputError("A baseline has no training recording to be fitted on.")
    return np.concatenate(rows)


def _mean_and_spread(rows: Float64) -> tuple[Float64, Float64]:
    spread: Float64 = rows.std(axis=0)
    return rows.mean(axis=0), np.where(spread > 0, spread, 1.0)


def has_bones(recordings: Sequence[GaitRecording]) -> bool:
    """Whether every walk knows the length of every bone."""
    return all(r.bones is not None and np.isfinite(r.bones).all() for r in recordings)


def metric_bones(recording: GaitRecording) -> Float64:
    """Return the ten bone lengths as measured, shape (1, 10)."""
    return _bones(recording)[None]


def scaled_bones(recording: GaitRecording) -> Float64:
    """Return the ten bone lengths in units of the torso, shape (1, 10)."""
    bones = _bones(recording)
    scaled: Float64 = (bones / bones[list(TORSO_BONES)].mean())[None]
    return scaled


def mean_pose(recording: GaitRecording) -> Float64:
    """Return the mean posture of every window, shape (N, 36): no motion at all."""
    features: NDArray[Any] = recording.windows.features
    coordinates = layout_of(features.shape[-1]).coordinates
    pose: Float64 = features[:, :, coordinates].mean(axis=1, dtype=np.float64)
    return pose


def statistics(recording: GaitRecording) -> Float64:
    """Return mean and standard deviation of every feature per window, shape (N, 156)."""
    features: NDArray[Any] = recording.windows.features
    mean = features.mean(axis=1, dtype=np.float64)
    return np.concatenate([mean, features.std(axis=1, dtype=np.float64)], axis=1)


def angle_curves(recording: GaitRecording) -> Float64:
    """Return the joint angles over the gait cycle of every window, shape (N, 300)."""
    curves = cycle_curves(recording.windows.features)
    return curves.reshape(len(curves), -1)


def _bones(recording: GaitRecording) -> Float64:
    if recording.bones is None:
        raise InputError(f"The recording {recording.recording!r} has no bone lengths.")
    return np.asarray(recording.bones, np.float64)


BASELINES: Final[dict[str, Baseline]] = {
    "bone lengths, metric": Standardised(metric_bones, ("clip",)),
    "bone lengths, torso-scaled": Standardised(scaled_bones, ("clip",)),
    "static mean pose": Standardised(mean_pose, ("clip", "window")),
    "joint angles, dynamic time warping": WarpedAngles(),
    "feature statistics, linear discriminants": Discriminant(statistics),
}

"""Motion that nobody walked: made from captured walks in the ways that generators make it.

Every kind takes captured movement and returns as many frames of movement that was not captured.
`watch` then adds what an estimator would get wrong of a video of it, so that a lack of errors gives
nothing away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from gaitproof.gait.features import HIPS, SHOULDERS
from gaitproof.gait.plausibility import BODY
from gaitproof.synth.motion import simulate
from gaitproof.synth.walker import Walker
from gaitproof.types import GAIT_LANDMARKS
from gaitproof.types.rotations import axis_rotations
from gaitproof.types.windows import WINDOW_RATE

Float64 = NDArray[np.float64]

_STRIDE: Final = (22, 50)
"""Frames at 30 Hz in which a stride is looked for."""
_ERROR: Final = 0.02
_PARENT: Final = (2, 3, -1, -1, 2, 3, 4, 5)
"""Of shoulders, hips, knees, ankles: the joint that a bone comes from, -1 for the mid-hip."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Captured walks of other people, to make motion from.

    Parameters
    ----------
    paths
        Each (M, 8, 3) at 30 Hz, torso lengths, mid-hip in the origin, facing +z.
    """

    paths: Sequence[Float64]

    def draw(self, rng: np.random.Generator, frames: int) -> Float64:
        """Return `frames` frames of a random walk; of a shorter one it is played to and fro."""
        long = [path for path in self.paths if len(path) >= frames]
        if not long:
            path = max(self.paths, key=len)
            return path[to_and_fro(np.arange(frames), len(path)).astype(np.int64)]
        path = long[rng.integers(len(long))]
        start = rng.integers(len(path) - frames + 1)
        return path[start : start + frames]


Generator = Callable[[Float64, Pool, np.random.Generator], Float64]


def to_and_fro(times: NDArray[Any], frames: int) -> Float64:
    """Fold times, in frames, into 0 to `frames` - 1, forwards and backwards by turns."""
    last = frames - 1
    return np.asarray(np.abs((times + last) % (2 * last) - last), np.float64)


def watch(path: Float64, rng: np.random.Generator) -> Float64:
    """Add slow random errors, 0 to 2 % of the torso, to every joint: cleaning lets them through."""
    errors = gaussian_filter1d(rng.normal(size=path.shape), 2.0, axis=0, mode="wrap")
    errors *= rng.uniform(0, _ERROR) / (errors.std() + 1e-9)
    shown = path + errors
    return np.asarray(shown - shown[:, list(HIPS)].mean(axis=1, keepdims=True))


def find_stride(path: Float64) -> int:
    """Return the frames after which a path (M, 8, 3) resembles itself most."""
    flat = path.reshape(len(path), -1)
    lags = range(_STRIDE[0], min(_STRIDE[1], len(flat) - 10))
    return min(lags, key=lambda lag: float(np.mean((flat[lag:] - flat[:-lag]) ** 2)))


def smoothed(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Take out what is fast, as a filter or a denoising network does."""
    return gaussian_filter1d(path, rng.uniform(2.0, 4.5), axis=0, mode="nearest")


def keyframed(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Keep every 4th to 9th pose, straight lines between them."""
    keys = _keys(len(path), rng)
    flat = path.reshape(len(path), -1)
    lines = [np.interp(np.arange(len(path)), keys, column[keys]) for column in flat.T]
    return np.stack(lines, axis=1).reshape(path.shape)


def splined(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Keep every 4th to 9th pose, cubic splines between them."""
    keys = _keys(len(path), rng)
    return np.asarray(CubicSpline(keys, path[keys])(np.arange(len(path))))


def _keys(frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    keys = np.arange(rng.integers(4), frames, rng.integers(5, 10))
    return np.asarray(np.unique(np.concatenate([[0], keys, [frames - 1]])), np.int64)


def retimed(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Play at another, changing speed: 0.55 to 0.8 or 1.25 to 1.8 times, swaying by a quarter."""
    pace = rng.uniform(1.25, 1.8)
    pace = pace if rng.random() < 0.5 else 1 / pace
    sway = gaussian_filter1d(rng.normal(size=len(path)), 8, mode="wrap")
    sway = 0.25 * sway / (sway.std() + 1e-9)
    times = np.cumsum(pace * np.exp(np.clip(sway, -0.6, 0.6)))
    times = to_and_fro(times - times[0], len(path))
    return np.asarray(CubicSpline(np.arange(len(path)), path)(times))


def looped(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Repeat one stride, its ends faded into each other, as games and avatars do."""
    period = find_stride(path)
    start = rng.integers(max(len(path) - period - 5, 1))
    cycle = path[start : start + period].copy()
    ramp = np.linspace(0, 1, 5)[:, None, None]
    after = path[start + period : start + period + 5]
    fade = min(len(after), 5)
    cycle[:fade] = ramp[:fade] * cycle[:fade] + (1 - ramp[:fade]) * after
    return np.asarray(cycle[np.arange(len(path)) % period])


def harmonic(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Fit mean and 2 to 5 harmonics of the stride to every coordinate."""
    turns = np.arange(len(path)) / find_stride(path)
    angles = 2 * np.pi * np.arange(1, rng.integers(3, 7)) * turns[:, None]
    base = np.concatenate([np.ones((len(path), 1)), np.cos(angles), np.sin(angles)], axis=1)
    flat = path.reshape(len(path), -1)
    return np.asarray(base @ np.linalg.lstsq(base, flat, rcond=None)[0]).reshape(path.shape)


def blended(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Average with somebody else's walk, brought to the same stride and phase."""
    other = pool.draw(rng, len(path))
    ratio = find_stride(other) / find_stride(path)
    steps = to_and_fro(np.arange(len(path)) * ratio, len(other))
    stretched = CubicSpline(np.arange(len(other)), other)(steps)
    lag = min(
        range(max(len(path) // 3, 1)),
        key=lambda lag: float(np.mean((np.roll(stretched, -lag, axis=0) - path) ** 2)),
    )
    share = rng.uniform(0.35, 0.65)
    return np.asarray(share * np.roll(stretched, -lag, axis=0) + (1 - share) * path)


def reenacted(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Put the movement on somebody else's bones: directions of one, lengths of the other."""
    other = np.linalg.norm(bones(pool.draw(rng, min(len(path), 60))), axis=2).mean(axis=0)
    own = bones(path)
    length = np.linalg.norm(own, axis=2, keepdims=True)
    return joints_of(own / np.maximum(length, 1e-9) * other[:, None])


def compressed(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Decode 4 to 9 linear codes per pose, learnt from others: the plainest autoencoder."""
    poses = np.concatenate([pool.draw(rng, min(len(path), 60)) for _ in range(40)])
    flat = poses.reshape(len(poses), -1)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean, full_matrices=False)[2][: rng.integers(4, 10)]
    own = path.reshape(len(path), -1) - mean
    return np.asarray(own @ axes.T @ axes + mean).reshape(path.shape)


def sampled(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Draw from a second-order autoregression on 12 codes, learnt from others."""
    walks = [pool.draw(rng, len(path)).reshape(len(path), -1) for _ in range(40)]
    mean = np.concatenate(walks).mean(axis=0)
    axes = np.linalg.svd(np.concatenate(walks) - mean, full_matrices=False)[2][:12]
    codes = [(walk - mean) @ axes.T for walk in walks]
    before = np.concatenate([np.concatenate([c[1:-1], c[:-2]], axis=1) for c in codes])
    after = np.concatenate([c[2:] for c in codes])
    power = before.T @ before
    rule = np.linalg.solve(
        power + 1e-3 * np.trace(power) / len(power) * np.eye(24), before.T @ after
    )
    noise = rng.uniform(0.3, 1.0) * np.std(after - before @ rule, axis=0)
    own = (path.reshape(len(path), -1) - mean) @ axes.T
    limit = 1.2 * np.abs(np.concatenate(codes)).max(axis=0)
    angles = [own[0], own[1]]
    for _ in range(len(path) - 2):
        step = np.concatenate([angles[-1], angles[-2]]) @ rule + noise * rng.normal(size=12)
        angles.append(np.clip(step, -limit, limit))
    return np.asarray(np.array(angles) @ axes + mean).reshape(path.shape)


def parametric(path: Float64, pool: Pool, rng: np.random.Generator) -> Float64:
    """Draw a walker of `gaitproof.synth`: joint-angle curves, planted feet, rigid bones."""
    walker = Walker.random(int(rng.integers(2**31)))
    motion = simulate(walker, seed=int(rng.integers(2**31)), seconds=len(path) / WINDOW_RATE)
    points = motion.joints[:, [int(joint) for joint in GAIT_LANDMARKS[:BODY]]]
    return normalise_path(points[: len(path)])


KINDS: Final[dict[str, Generator]] = {
    "parametric": parametric,
    "looped": looped,
    "harmonic": harmonic,
    "keyframed": keyframed,
    "splined": splined,
    "smoothed": smoothed,
    "retimed": retimed,
    "blended": blended,
    "reenacted": reenacted,
    "compressed": compressed,
    "sampled": sampled,
}
"""Ways to make motion, by name."""


def bones(path: Float64) -> Float64:
    """Return the vectors (M, 8, 3) of every joint from the one before it."""
    parents = np.stack([np.zeros_like(path[:, 0]) if p < 0 else path[:, p] for p in _PARENT], 1)
    return np.asarray(path - parents)


def joints_of(vectors: Float64) -> Float64:
    """Chain bones up again, undoing `bones`."""
    path = vectors.copy()
    for joint in (0, 1, 4, 5, 6, 7):
        path[:, joint] += path[:, _PARENT[joint]]
    return path


def normalise_path(points: Float64) -> Float64:
    """Return a path (M, 8, 3) in torso lengths, mid-hip in the origin, facing +z on average."""
    hip = points[:, list(HIPS)].mean(axis=1, keepdims=True)
    centred = points - hip
    torso = np.median(np.linalg.norm(centred[:, list(SHOULDERS)].mean(axis=1), axis=1))
    across = sum(centred[:, pair[0]] - centred[:, pair[1]] for pair in (HIPS, SHOULDERS)).mean(
        axis=0
    )
    turn = axis_rotations("y", np.degrees(np.arctan2(across[2], across[0])))
    return np.asarray(centred @ turn.T / max(float(torso), 1e-9))

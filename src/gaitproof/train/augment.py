"""Random virtual cameras and estimator errors for training windows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.train.config import AugmentSettings
from gaitproof.train.estimator_error import in_torsos, shipped_error
from gaitproof.types.layouts import layout_of
from gaitproof.types.rotations import axis_rotations
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

Float64 = NDArray[np.float64]

_SMOOTH_BAND: Final = (0.5, 3.0)
"""Hz: between drift, which is a bias within 2 s, and the landmark smoother's cut-off."""


def rotations(rng: np.random.Generator, count: int, yaw: float, tilt: float) -> Float64:
    """Draw camera rotations: yaw about the vertical, then pitch and roll.

    Parameters
    ----------
    rng
        Random generator.
    count
        Number of rotations.
    yaw, tilt
        Largest turn and tilt, degrees; uniform in ±.

    Returns
    -------
    ndarray of float64
        Shape (count, 3, 3).
    """
    y, p, r = rng.uniform(-1, 1, (3, count)) * np.array([[yaw], [tilt], [tilt]])
    return axis_rotations("x", p) @ axis_rotations("z", r) @ axis_rotations("y", y)


def augment(points: Float64, settings: AugmentSettings, rng: np.random.Generator) -> Float64:
    """Show windows to another camera through another estimator.

    Parameters
    ----------
    points
        Shape (B, 60, J, 3) at 30 Hz, y up, any length unit.
    settings
        How strong.
    rng
        Random generator.

    Returns
    -------
    ndarray of float64
        The changed windows, hip-centred, in torso lengths; heels NaN in some.
    """
    batch = len(points)
    if settings.estimator_error:
        moved, yaw = shipped_error().show(points, rng), 0.0
    else:
        moved, yaw = in_torsos(points), settings.yaw
    turn = rotations(rng, batch, yaw, settings.tilt)
    moved = moved @ turn.transpose(0, 2, 1)[:, None]
    flat = ~np.nan_to_num(moved[..., 2]).any(axis=(1, 2))
    moved[..., 2] *= rng.uniform(1 - settings.depth, 1 + settings.depth, (batch, 1, 1))
    shape = moved.shape
    moved += rng.normal(0, settings.bias_noise, (batch, 1, *shape[2:]))
    moved += rng.normal(0, settings.white_noise, shape)
    moved += smooth_noise(rng, shape, settings.smooth_noise)
    # a two-dimensional estimator makes no errors in depth
    moved[flat, ..., 2] *= 0
    without = rng.random(batch) < settings.heel_dropout
    for heel in _called(moved, "_HEEL"):
        moved[without, :, heel] = np.nan
    if settings.joint_dropout:
        moved = drop_joints(moved, settings.joint_dropout, rng)
    return moved


def drop_joints(points: Float64, share: float, rng: np.random.Generator) -> Float64:
    """Hide whole joints of whole windows, as a sensor or a bad view would.

    Parameters
    ----------
    points
        Shape (B, T, J, 3).
    share
        Probability of every joint but shoulders and hips, which every feature is measured by.
    rng
        Random generator.

    Returns
    -------
    ndarray of float64
        A copy, NaN where hidden.
    """
    trunk = _called(points, "_SHOULDER", "_HIP")
    others = np.setdiff1d(np.arange(points.shape[2]), trunk)
    hidden = rng.random((len(points), len(others))) < share
    shown = points.copy()
    window, joint = np.nonzero(hidden)
    shown[window, :, others[joint]] = np.nan
    return shown


def _called(points: Float64, *ends: str) -> list[int]:
    """Return the places of the joints whose names end so."""
    joints = layout_of(points.shape[2]).landmarks
    return [i for i, joint in enumerate(joints) if joint.name.endswith(ends)]


def change_tempo(
    frames: NDArray[np.floating[Any]],
    starts: Float64,
    factors: Float64,
    ends: NDArray[np.int64] | None = None,
) -> Float64:
    """Cut windows out of paths as if they were walked faster or slower.

    Used by `gaitproof.train.sampler.WindowSampler.draw`.

    Parameters
    ----------
    frames
        Shape (M, J, 3) at 30 Hz.
    starts
        Shape (B,), frame at which each window begins; fractions are allowed.
    factors
        Shape (B,): 1.2 walks 1.2 times as fast. ``start + 59 * factor`` is at most ``M - 1``,
        unless there are `ends`.
    ends
        Shape (B,): frame that a window stays at once it is reached.

    Returns
    -------
    ndarray of float64
        Shape (B, 60, J, 3), interpolated linearly.
    """
    places = starts[:, None] + factors[:, None] * np.arange(WINDOW_FRAMES)
    if ends is not None:
        places = np.minimum(places, ends[:, None])
    # rounding may lead a hair beyond the end, where no frame is
    before = np.floor(places + 1e-9).astype(np.int64).clip(0, len(frames) - 1)
    after = np.minimum(before + 1, len(frames) - 1)
    weight = (places - before).clip(0, 1)[..., None, None]
    resampled: Float64 = frames[before] * (1 - weight) + frames[after] * weight
    return resampled


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Float64:
    """Draw slow joint noise as a sum of two sinusoids of random phase.

    Parameters
    ----------
    rng
        Random generator.
    shape
        (B, T, J, 3).
    scale
        Standard deviation.
    """
    times = np.arange(shape[1]) / WINDOW_RATE
    waves, amplitudes = [], []
    for _ in range(2):
        angle = 2 * np.pi * rng.uniform(*_SMOOTH_BAND, (shape[0], 1)) * times
        phase = rng.uniform(0, 2 * np.pi, (shape[0], *shape[2:]))
        amplitude = rng.normal(0, scale, (shape[0], *shape[2:]))
        waves += [np.sin(angle), np.cos(angle)]
        amplitudes += [amplitude * np.cos(phase), amplitude * np.sin(phase)]
    # sin(a + b) as products of few sines: one sine per joint and frame took a fifth of a step
    flat = np.stack(amplitudes, axis=1).reshape(shape[0], len(waves), -1)
    total: Float64 = (np.stack(waves, axis=2) @ flat).reshape(shape)
    return total

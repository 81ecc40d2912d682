"""What a body's movement must keep to: measures of 2-s windows for telling generated motion.

Bones keep their lengths, a foot that stands does not slide, muscles neither jerk nor glide, a knee
does not bend backwards, no stride is the copy of another. Everything is measured on shoulders,
hips, knees and ankles relative to the hips, which every sensor has.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import HIPS, SHOULDERS, align_heading, compute_angle
from gaitproof.types.windows import WINDOW_RATE

Float64 = NDArray[np.float64]

BODY: Final = 8
"""The first so many of `gaitproof.types.GAIT_LANDMARKS`: shoulders, hips, knees, ankles."""

_KNEES: Final = (4, 5)
_ANKLES: Final = (6, 7)
_PARTS: Final = {"shoulders": SHOULDERS, "knees": _KNEES, "ankles": _ANKLES}
_BANDS: Final = ((1.25, 2.75), (2.75, 4.25), (4.25, 6.25), (6.25, 15.5))
"""Hz; cleaning leaves little above 6."""
_STRIDE: Final = (22, 56)
"""Frames at 30 Hz: strides of 0.73 to 1.83 s."""
_OVERLAP: Final = 12
"""Frames that two strides must share to be compared."""
_TINY: Final = 1e-6

MEASURES: Final = (
    *(f"{bone} length varies" for bone in ("thigh", "shank", "trunk", "pelvis", "shoulder")),
    "standing foot: speed varies",
    "standing foot: sideways",
    "standing foot: upwards",
    "both feet standing: slide",
    *(f"{part}: {name}" for part in _PARTS for name in ("jerk", "bursts", "kinks")),
    *(f"{part}: power at {low:g} to {high:g} Hz" for part in _PARTS for low, high in _BANDS),
    "knee: straightest",
    "knee: most bent",
    "knee: range",
    "hip: range",
    "strides differ",
    "sides differ",
    "stride time",
    "stride length",
    "tempo varies",
    "movement outside 2 components",
    "movement outside 4 components",
    "movement outside 7 components",
)
"""Names of the columns of `measure_motion`."""


def body_coordinates(features: NDArray[np.floating[Any]]) -> Float64:
    """Return shoulders, hips, knees and ankles of windows, facing along +z.

    Parameters
    ----------
    features
        Shape (N, 60, 78), three-dimensional, not z-scored.

    Returns
    -------
    ndarray of float64
        Shape (N, 60, 8, 3), torso lengths, the mid-hip in the origin.
    """
    turned = align_heading(np.asarray(features, np.float64))
    return turned[..., : 3 * BODY].reshape(*features.shape[:-1], BODY, 3)


def measure_motion(body: Float64) -> Float64:
    """Measure windows of movement.

    Parameters
    ----------
    body
        Shape (N, 60, 8, 3), from `body_coordinates`.

    Returns
    -------
    ndarray of float64
        Shape (N, K), one column per entry of `MEASURES`; ratios as natural logarithms.
    """
    if not len(body):
        return np.zeros((0, len(MEASURES)))
    columns = [
        *_bones(body),
        *_feet(body),
        *_smoothness(body),
        *_joints(body),
        *_strides(body),
        *_rank(body),
    ]
    return np.stack(columns, axis=1)


def _log(values: Float64) -> Float64:
    return np.asarray(np.log(np.maximum(values, _TINY)))


def _rms(values: Float64, axis: int | tuple[int, ...]) -> Float64:
    return np.asarray(np.sqrt(np.mean(values**2, axis=axis)))


def _bones(body: Float64) -> list[Float64]:
    pairs = [(HIPS, _KNEES), (_KNEES, _ANKLES)]
    spreads = []
    for tops, ends in pairs:
        length = np.linalg.norm(body[:, :, list(tops)] - body[:, :, list(ends)], axis=3)
        spreads.append(_log((length.std(axis=1) / (length.mean(axis=1) + _TINY)).mean(axis=1)))
    trunk = body[:, :, list(SHOULDERS)].mean(axis=2)
    across = [body[:, :, pair[0]] - body[:, :, pair[1]] for pair in (HIPS, SHOULDERS)]
    for vector in (trunk, *across):
        length = np.linalg.norm(vector, axis=2)
        spreads.append(_log(length.std(axis=1) / (length.mean(axis=1) + _TINY)))
    return spreads


def _feet(body: Float64) -> list[Float64]:
    """Measure the lower ankle, which stands: the hips leave it as fast as the body goes ahead."""
    ankles = body[:, :, list(_ANKLES)]
    speed = np.gradient(ankles, 1 / WINDOW_RATE, axis=1)
    left = ankles[:, :, 0, 1] < ankles[:, :, 1, 1]
    standing = np.where(left[..., None], speed[:, :, 0], speed[:, :, 1])
    clear = np.abs(ankles[:, :, 0, 1] - ankles[:, :, 1, 1])
    weight = clear / (clear.sum(axis=1, keepdims=True) + _TINY)
    mean = (weight[..., None] * standing).sum(axis=1)
    spread = np.sqrt((weight[..., None] * (standing - mean[:, None]) ** 2).sum(axis=1))
    ahead = np.abs(mean[:, 2]) + _TINY
    apart = np.linalg.norm(speed[:, :, 0] - speed[:, :, 1], axis=2)
    slide = np.quantile(apart, 0.1, axis=1) / (_rms(apart, 1) + _TINY)
    return [
        _log(spread[:, 2] / ahead),
        _log(spread[:, 0] / ahead),
        _log(spread[:, 1] / ahead),
        _log(slide),
    ]


def _smoothness(body: Float64) -> list[Float64]:
    measures, powers = [], []
    taper = np.hanning(body.shape[1])[:, None, None]
    frequencies = np.fft.rfftfreq(body.shape[1], 1 / WINDOW_RATE)
    for part in _PARTS.values():
        path = body[:, :, list(part)]
        speed = np.diff(path, axis=1) * WINDOW_RATE
        bend = np.diff(speed, axis=1) * WINDOW_RATE
        jerk = np.diff(bend, axis=1) * WINDOW_RATE
        size = _rms(speed, (1, 2, 3)) + _TINY
        measures.append(_log(_rms(jerk, (1, 2, 3)) / size))
        for rates in (jerk, bend):
            energy = (rates**2).sum(axis=(2, 3))
            measures.append(_log((energy**2).mean(axis=1) / (energy.mean(axis=1) ** 2 + _TINY)))
        velocity = np.gradient(path, 1 / WINDOW_RATE, axis=1)
        velocity = velocity - velocity.mean(axis=1, keepdims=True)
        power = (np.abs(np.fft.rfft(velocity * taper, axis=1)) ** 2).sum(axis=(2, 3))
        whole = power.sum(axis=1) + _TINY
        for low, high in _BANDS:
            inside = (frequencies >= low) & (frequencies < high)
            powers.append(_log(power[:, inside].sum(axis=1) / whole))
    return measures + powers


def _joints(body: Float64) -> list[Float64]:
    knee = np.stack(
        [
            compute_angle(body[:, :, hip], body[:, :, knee], body[:, :, ankle])
            for hip, knee, ankle in zip(HIPS, _KNEES, _ANKLES, strict=True)
        ],
        axis=2,
    )
    hip = np.stack(
        [
            compute_angle(body[:, :, shoulder], body[:, :, hip], body[:, :, knee])
            for shoulder, hip, knee in zip(SHOULDERS, HIPS, _KNEES, strict=True)
        ],
        axis=2,
    )
    straight, bent = (np.quantile(knee, q, axis=1).mean(axis=1) for q in (0.95, 0.05))
    ranges = np.quantile(hip, 0.95, axis=1) - np.quantile(hip, 0.05, axis=1)
    return [straight, bent, straight - bent, ranges.mean(axis=1)]


def _strides(body: Float64) -> list[Float64]:
    """Compare every window with itself a stride, and mirrored half a stride, later."""
    flat = body.reshape(len(body), body.shape[1], -1)
    swapped = body.reshape(len(body), body.shape[1], BODY // 2, 2, 3)[:, :, :, ::-1] * [-1, 1, 1]
    mirrored = swapped.reshape(flat.shape)
    size = flat.std(axis=1).mean(axis=1) + _TINY
    lags = range(_STRIDE[0], min(_STRIDE[1], flat.shape[1] - _OVERLAP))
    repeats = np.stack([_rms(flat[:, lag:] - flat[:, :-lag], (1, 2)) for lag in lags])
    best = repeats.argmin(axis=0)
    halves = np.stack(
        [
            _rms(flat[:, lag:] - mirrored[:, :-lag], (1, 2))
            for lag in range(_STRIDE[0] // 2, _STRIDE[1] // 2)
        ]
    )
    swing = body[:, :, _ANKLES[0], 2] - body[:, :, _ANKLES[1], 2]
    stride = (best + _STRIDE[0]) / WINDOW_RATE
    return [
        _log(repeats.min(axis=0) / size),
        _log(halves.min(axis=0) / size),
        np.log(stride),
        _log(np.quantile(swing, 0.95, axis=1) - np.quantile(swing, 0.05, axis=1)),
        _log(_tempo(swing)),
    ]


def _tempo(swing: Float64) -> Float64:
    """Return the spread of the swing's tempo over its mean, by the phase of its analytic signal."""
    from scipy.signal import hilbert

    phase = np.unwrap(np.angle(hilbert(swing - swing.mean(axis=1, keepdims=True), axis=1)), axis=1)
    tempo = np.diff(phase[:, 6:-6], axis=1)
    return np.asarray(tempo.std(axis=1) / (np.abs(tempo.mean(axis=1)) + _TINY))


def _rank(body: Float64) -> list[Float64]:
    flat = body.reshape(len(body), body.shape[1], -1)
    values = np.linalg.svd(flat - flat.mean(axis=1, keepdims=True), compute_uv=False) ** 2
    whole = values.sum(axis=1) + _TINY
    return [_log(values[:, count:].sum(axis=1) / whole) for count in (2, 4, 7)]

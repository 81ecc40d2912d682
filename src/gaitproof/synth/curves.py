"""Curves of joints over the gait cycle as Fourier series, and the normative ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Float64 = NDArray[np.float64]

HARMONICS: Final = 8
"""Fourier harmonics per joint curve: the knee needs six, the ankle's push-off eight."""

NORMATIVE: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "hip": ((0, 33), (20, 20), (30, 9), (52, -11), (70, 15), (90, 34)),
    "knee": ((0, 5), (14, 18), (40, 5), (55, 19), (62, 38), (72, 60), (88, 23), (95, 5)),
    "ankle": ((0, 0), (7, -6), (46, 11), (63, -18), (76, 1), (85, 4)),
    "adduction": ((0, 0), (16, 6), (40, 3), (66, -6), (85, -2)),
    "shoulder": ((2, -23), (27, -7), (52, 9), (77, -7)),
    "elbow": ((2, 18), (27, 27), (52, 36), (77, 27)),
}
"""Joint angles of a leg (or the arm of the same side) over its own gait cycle: percent of the
cycle from heel strike, degrees. Flexion, dorsiflexion and adduction positive; the hip relative to a
pelvis tilted 10 degrees forward (Perry; Winter; Kadaba et al. 1990)."""

NORMATIVE_SWAY: Final[dict[str, tuple[int, float, float]]] = {
    "obliquity": (1, 4.0, 13.0),
    "rotation": (1, 4.5, 2.0),
    "thorax_rotation": (1, 5.0, 52.0),
    "thorax_list": (1, 1.5, 60.0),
    "nod": (2, 1.2, 20.0),
}
"""Trunk curves over the cycle of the left leg: harmonic, amplitude in degrees, percent of the
cycle at which it peaks. Obliquity: left side up; rotation: left side forward."""

LIMB_CURVES: Final = tuple(NORMATIVE)

TRUNK_CURVES: Final = tuple(NORMATIVE_SWAY)


def _fourier(values: Float64) -> Float64:
    """Return (1 + 2 * HARMONICS,) coefficients of one evenly sampled period."""
    spectrum = np.fft.rfft(values) / len(values)
    inner = 2 * spectrum[1 : HARMONICS + 1]
    return np.concatenate([[spectrum[0].real], inner.real, -inner.imag])


def evaluate_fourier(coefficients: Float64, phase: Float64) -> Float64:
    """Evaluate Fourier series at a phase.

    Parameters
    ----------
    coefficients
        Shape (..., 1 + 2 * HARMONICS): mean, cosine terms, sine terms.
    phase
        Shape (T,), cycles.

    Returns
    -------
    ndarray of float64
        Shape (..., T).
    """
    angle = 2 * np.pi * np.outer(np.arange(1, HARMONICS + 1), phase)
    basis = np.concatenate([np.ones((1, len(phase))), np.cos(angle), np.sin(angle)])
    values: Float64 = coefficients @ basis
    return values


def shifted(coefficients: Float64, cycles: float) -> Float64:
    """Return the series of the same curve, delayed by a part of a cycle."""
    harmonic = np.arange(1, HARMONICS + 1)
    angle = 2 * np.pi * harmonic * cycles
    cos, sin = coefficients[1 : HARMONICS + 1], coefficients[HARMONICS + 1 :]
    return np.concatenate(
        [
            coefficients[:1],
            cos * np.cos(angle) - sin * np.sin(angle),
            cos * np.sin(angle) + sin * np.cos(angle),
        ]
    )


def normative_curve(name: str) -> Float64:
    """Return the Fourier coefficients of one normative limb curve, degrees."""
    knots = np.array(NORMATIVE[name])
    x = np.append(knots[:, 0], knots[0, 0] + 100)
    y = np.append(knots[:, 1], knots[0, 1])
    spline = CubicSpline(x, y, bc_type="periodic")
    grid = np.arange(200) / 2.0
    return _fourier(spline((grid - x[0]) % 100 + x[0]))


def normative_sway(name: str) -> Float64:
    """Return the Fourier coefficients of one normative movement of the trunk."""
    harmonic, amplitude, peak = NORMATIVE_SWAY[name]
    phase = np.arange(200) / 200
    return _fourier(amplitude * np.cos(2 * np.pi * harmonic * (phase - peak / 100)))

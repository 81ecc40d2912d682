"""Legs that stand: feet planted on the floor, knees and pelvis that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from gaitproof.synth.curves import LIMB_CURVES, TRUNK_CURVES
from gaitproof.synth.skeleton import (
    BALL_FRONT,
    HEEL_BACK,
    Leg,
    UpperBody,
    hip_offset,
    transform,
)
from gaitproof.synth.walker import PELVIC_TILT, Build, Walker
from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]

DENSE_RATE: Final = 120
"""Hz: internal time grid, fine enough for the contact phases."""

MAX_REACH: Final = 0.998
"""Longest hip-ankle distance as a part of the leg: no knee is quite straight while walking."""

SWING_CLEARANCE: Final = 0.012
"""Metres: smallest height of the sole in mid-swing (Winter 1992: 1.3 cm)."""


def smoothstep(x: Float64) -> Float64:
    """Rise from 0 to 1 with level ends; held outside."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


@dataclass(frozen=True, eq=False)
class Curves:
    """Angles on the time grid, degrees: limbs (6, 2, T), trunk (5, T)."""

    limbs: Float64
    trunk: Float64

    def limb(self, name: str, side: int) -> Float64:
        """Return the angle of a joint of one side, 0 left and 1 right, shape (T,)."""
        values: Float64 = self.limbs[LIMB_CURVES.index(name), side]
        return values

    def sway(self, name: str) -> Float64:
        """Return an angle of the trunk, shape (T,)."""
        values: Float64 = self.trunk[TRUNK_CURVES.index(name)]
        return values


def _foot_pitch(curves: Curves, phase: Float64, stance: float, side: int) -> Float64:
    """Return toe-up pitch of the foot, degrees; level while the whole sole carries."""
    pitch = curves.limb("hip", side) - PELVIC_TILT - curves.limb("knee", side)
    pitch = pitch + curves.limb("ankle", side)
    part = phase % 1
    level = smoothstep((part - 0.02) / 0.08) * (1 - smoothstep((part - 0.32) / (stance - 0.40)))
    return pitch * (1 - level)


def _foot_matrix(pitch: Float64, toe_out: float, side: int) -> Float64:
    yaw = toe_out if side == 0 else -toe_out
    return axis_rotations("y", yaw) @ axis_rotations("x", -pitch)


def _ankle_over(build: Build, foot: Float64, flat: Float64, pitch: Float64) -> Float64:
    """Return the ankle relative to the planted ball point as the foot rolls.

    Toe up the foot turns about the heel, toe down about the ball; both agree at zero.
    """
    ball = np.array([0.0, -build.ankle, BALL_FRONT * build.foot])
    heel = np.array([0.0, -build.ankle, -HEEL_BACK * build.foot])
    about_ball = -transform(foot, ball)
    about_heel = transform(flat, heel - ball) - transform(foot, heel)
    return np.where((pitch < 0)[:, None], about_ball, about_heel)


def _leg_vectors(
    build: Build, curves: Curves, pelvis: Float64, side: int
) -> tuple[Float64, Float64]:
    """Return hip and ankle relative to the pelvis by forward kinematics."""
    sign = 1.0 if side == 0 else -1.0
    flexion = curves.limb("hip", side) - PELVIC_TILT
    thigh = (
        pelvis
        @ axis_rotations("z", -sign * curves.limb("adduction", side))
        @ axis_rotations("x", -flexion)
    )
    shank = thigh @ axis_rotations("x", curves.limb("knee", side))
    hip = transform(pelvis, hip_offset(build, side))
    ankle = hip + transform(thigh, (0, -build.thigh, 0)) + transform(shank, (0, -build.shank, 0))
    return hip, ankle


def _unit(vector: Float64) -> Float64:
    unit: Float64 = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return unit


def solve_leg(
    hip: Float64, ankle: Float64, forward: Float64, lengths: tuple[float, float]
) -> tuple[Float64, Float64, Float64, Float64]:
    """Solve a two-bone leg that bends forwards at the knee.

    Parameters
    ----------
    hip, ankle, forward
        Shape (T, 3): the joints, and the direction in which the knee points.
    lengths
        Thigh and shank, metres. An ankle out of reach is drawn in.

    Returns
    -------
    tuple of ndarray
        Thigh and shank rotations (T, 3, 3), knee and ankle (T, 3).
    """
    upper, lower = lengths
    span = ankle - hip
    distance = np.linalg.norm(span, axis=1)
    reach = np.clip(distance, abs(upper - lower) + 0.05, MAX_REACH * (upper + lower))
    down = span / distance[:, None]
    ankle = hip + down * reach[:, None]
    left = _unit(np.cross(-down, forward))
    ahead = np.cross(left, -down)
    cos = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    sin = np.sqrt(np.maximum(0, 1 - cos**2))
    knee = hip + upper * (down * cos[:, None] + ahead * sin[:, None])

    def frame(axis: Float64) -> Float64:
        up = -_unit(axis)
        return np.stack([left, up, np.cross(left, up)], axis=-1)

    return frame(knee - hip), frame(ankle - knee), knee, ankle


@dataclass(frozen=True, eq=False)
class _Limb:
    """One leg before it is solved; all over time, relative to the pelvis where not said."""

    hip: Float64
    ankle: Float64
    foot: Float64
    pitch: Float64
    roll: Float64
    planted: NDArray[np.bool_]
    strides: NDArray[np.int64]
    middle: NDArray[np.bool_]


def _limb(walker: Walker, curves: Curves, phase: Float64, pelvis: Float64, side: int) -> _Limb:
    build, stance = walker.build, walker.stance[side]
    hip, ankle = _leg_vectors(build, curves, pelvis, side)
    pitch = _foot_pitch(curves, phase, stance, side)
    foot = _foot_matrix(pitch, walker.toe_out[side], side)
    flat = _foot_matrix(np.zeros_like(pitch), walker.toe_out[side], side)
    part = phase % 1
    return _Limb(
        hip=hip,
        ankle=ankle,
        foot=foot,
        pitch=pitch,
        roll=_ankle_over(build, foot, flat, pitch),
        planted=part < stance,
        strides=np.floor(phase).astype(np.int64),
        middle=part < stance - 0.02,
    )


def _stride_length(limb: _Limb, phase: Float64) -> float:
    """Return metres per cycle: how fast the standing foot moves back under the pelvis."""
    behind = -(limb.ankle - limb.roll)[:, 2]
    slopes = [
        np.polyfit(phase[chosen], behind[chosen], 1)[0]
        for n in np.unique(limb.strides)
        if (chosen := limb.middle & (limb.strides == n)).sum() > 10
    ]
    return float(np.median(slopes))


def _planted_ankle(limb: _Limb, pelvis: Float64, line: float) -> Float64:
    """Return where the ankle is while its foot stands: (T, 3), floor at y = 0, NaN in swing."""
    free = pelvis + limb.ankle - limb.roll
    path = np.full_like(free, np.nan)
    for n in np.unique(limb.strides):
        stance = limb.planted & (limb.strides == n)
        middle = limb.middle & (limb.strides == n)
        # a stance cut by the end of the simulated span lies outside the part that is kept
        if middle.any():
            anchor = np.array([line, 0.0, free[middle, 2].mean()])
            path[stance] = anchor + limb.roll[stance]
    return path


def _bridge(values: Float64) -> Float64:
    """Fill the NaN gaps of (T, 3) by smooth steps between their edges; ends are held."""
    known = np.isfinite(values[:, 0])
    index = np.arange(len(values))
    right = np.searchsorted(index[known], index)
    edges = index[known]
    after = edges[np.minimum(right, len(edges) - 1)]
    before = np.where(known, index, edges[np.maximum(right - 1, 0)])
    weight = smoothstep((index - before) / np.maximum(after - before, 1))[:, None]
    return np.where(known[:, None], values, values[before] * (1 - weight) + values[after] * weight)


def _fit_pelvis(
    build: Build,
    limbs: list[_Limb],
    standing: list[Float64],
    knees: list[Float64],
    path: Float64,
) -> tuple[float, float]:
    """Return how high and how far back the pelvis goes for the knees to bend as the curves say.

    A search over the two numbers: planted feet and rigid legs leave nothing else free. A leg too
    short for its foothold costs as much as a knee that is wrong by 40 degrees per centimetre.
    """
    upper, lower = build.thigh, build.shank
    ahead, wanted = [], []
    for limb, ankle, knee in zip(limbs, standing, knees, strict=True):
        known = np.isfinite(ankle[:, 0])
        ahead.append((ankle - path - limb.hip)[known])
        wanted.append(knee[known])
    span, bend = np.concatenate(ahead)[::4], np.concatenate(wanted)[::4]
    heights = upper + lower + build.ankle + np.linspace(-0.09, 0.01, 26)
    backs = np.linspace(-0.05, 0.11, 17)
    distance = np.sqrt(
        span[:, 0, None, None] ** 2
        + (span[:, 1, None, None] - heights[:, None]) ** 2
        + (span[:, 2, None, None] + backs) ** 2
    )
    longest = MAX_REACH * (upper + lower)
    cos = (upper**2 + lower**2 - np.minimum(distance, longest) ** 2) / (2 * upper * lower)
    angle = 180 - np.degrees(np.arccos(np.clip(cos, -1, 1)))
    wrong = angle - bend[:, None, None] + 4000 * np.maximum(distance - longest, 0)
    best = np.unravel_index(np.argmin((wrong**2).mean(axis=0)), (len(heights), len(backs)))
    return float(heights[best[0]]), float(backs[best[1]])


def _lift_swing(build: Build, limb: _Limb, ankle: Float64) -> Float64:
    """Raise the swinging foot where its sole would come too near to the floor."""
    soles = [
        transform(limb.foot, (0.0, -build.ankle, z * build.foot))[:, 1]
        for z in (-HEEL_BACK, BALL_FRONT, 0.72)
    ]
    lowest = ankle[:, 1] + np.min(soles, axis=0)
    lift = np.where(limb.planted, 0.0, np.maximum(SWING_CLEARANCE - lowest, 0))
    lift = gaussian_filter1d(lift, 0.03 * DENSE_RATE)
    # the floor itself is hard: near contact the smoothed lift alone may be too small
    hard = np.where(limb.planted, 0.0, np.maximum(-lowest, 0))
    raised = ankle.copy()
    raised[:, 1] += np.maximum(np.where(limb.planted, 0.0, lift), hard)
    return raised


def plant_legs(
    walker: Walker, curves: Curves, phases: tuple[Float64, Float64], upper: UpperBody
) -> tuple[Float64, tuple[Leg, Leg], list[_Limb], float]:
    """Plant the feet: return pelvis path (T, 3), solved legs, limbs and stride length."""
    build = walker.build
    limbs = [_limb(walker, curves, phases[side], upper.pelvis, side) for side in (0, 1)]
    stride = float(np.mean([_stride_length(limbs[side], phases[side]) for side in (0, 1)]))
    double = 4 * np.pi * phases[0]
    pelvis = np.zeros((len(phases[0]), 3))
    # lowest and fastest about double support, highest in mid-stance (Inman 1981; Zatsiorsky)
    pelvis[:, 2] = stride * phases[0] + 0.010 * np.sin(double - 4 * np.pi * 0.17)
    pelvis[:, 0] = walker.sway * np.cos(2 * np.pi * (phases[0] - 0.30))
    pelvis[:, 1] = 0.019 * (stride / 1.4) ** 2 * np.cos(double - 4 * np.pi * 0.30)
    standing = [
        _planted_ankle(limbs[side], pelvis, (0.5 - side) * walker.step_width) for side in (0, 1)
    ]
    knees = [curves.limb("knee", side) for side in (0, 1)]
    height, back = _fit_pelvis(build, limbs, standing, knees, pelvis)
    pelvis[:, 1] += height
    pelvis[:, 2] -= back
    legs = []
    for side in (0, 1):
        limb = limbs[side]
        free = pelvis + limb.ankle
        ankle = _lift_swing(build, limb, free + _bridge(standing[side] - free))
        yaw = (1 - 2 * side) * 0.6 * walker.toe_out[side] - 0.5 * curves.sway("rotation")
        forward = transform(axis_rotations("y", yaw), (0.0, 0.0, 1.0))
        thigh, shank, knee, reached = solve_leg(
            pelvis + limb.hip, ankle, forward, (build.thigh, build.shank)
        )
        # the toes stay on the floor while the heel lifts
        down = np.clip(-limb.pitch, 0, 55)
        bend = down * gaussian_filter1d(limb.planted.astype(float), 0.02 * DENSE_RATE)
        toes = limb.foot @ axis_rotations("x", -bend)
        legs.append(Leg(thigh, shank, limb.foot, toes, knee, reached))
    return pelvis, (legs[0], legs[1]), limbs, stride

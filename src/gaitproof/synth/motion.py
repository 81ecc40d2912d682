"""From gait curves to moving bones: forward kinematics, planted feet, pelvis path.

The curves give the legs relative to the pelvis. Where the feet would slide or sink, the standing
foot is planted (it rolls over heel, sole and ball without slipping) and the leg re-solved by
two-bone inverse kinematics; that changes the joint angles by a few degrees only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from gaitproof.errors import ConfigError
from gaitproof.synth.curves import LIMB_CURVES, TRUNK_CURVES, evaluate_fourier
from gaitproof.synth.legs import DENSE_RATE, Curves, plant_legs
from gaitproof.synth.skeleton import (
    Bones,
    UpperBody,
    assemble,
    landmarks,
)
from gaitproof.synth.walker import Walker, vary
from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motion:
    """One walk of one person, in body axes at the start, floor at y = 0, going along +z.

    Parameters
    ----------
    times
        Shape (T,), seconds.
    bones
        Placed bones.
    joints
        Shape (T, 33, 3), metres.
    contact
        Shape (T, 2): left and right foot on the ground.
    phase
        Shape (T,): gait cycles since some left heel strike.
    speed
        Mean speed over the ground, m/s (also on a treadmill).
    cadence
        Steps per minute.
    """

    times: Float64
    bones: Bones
    joints: Float64
    contact: NDArray[np.bool_]
    phase: Float64
    speed: float
    cadence: float


def _phase(walker: Walker, rng: np.random.Generator, seconds: float) -> PchipInterpolator:
    """Draw the run of the gait phase over time, with stride-time noise that lasts over strides."""
    step = 60 / walker.cadence
    count = int(np.ceil(seconds / step)) + 8
    noise = np.zeros(count)
    for i in range(1, count):
        # Hausdorff 1995: stride times remember earlier strides
        noise[i] = 0.4 * noise[i - 1] + 0.9 * rng.normal(0, walker.stride_noise)
    knots = np.cumsum(step * np.exp(np.clip(noise, -0.12, 0.12)))
    start = knots[2] + rng.uniform(0, 2 * step)
    return PchipInterpolator(knots - start, np.arange(count) / 2)


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], seconds: float) -> Float64:
    """Draw unit-variance noise along the last axis that changes over about `seconds`."""
    sigma = seconds * DENSE_RATE
    pad = int(4 * sigma)
    raw = rng.normal(size=(*shape[:-1], shape[-1] + 2 * pad))
    smooth = gaussian_filter1d(raw, sigma, axis=-1) * np.sqrt(2 * sigma * np.sqrt(np.pi))
    inner: Float64 = smooth[..., pad:-pad]
    return inner


def _curves(walker: Walker, phase: tuple[Float64, Float64], rng: np.random.Generator) -> Curves:
    n = len(phase[0])
    coefficients = np.array(walker.limbs)
    limbs = np.stack(
        [evaluate_fourier(coefficients[:, side], phase[side]) for side in (0, 1)], axis=1
    )
    limbs = limbs + 0.5 * _smooth_noise(rng, (len(LIMB_CURVES), 2, n), 0.35)
    knee = LIMB_CURVES.index("knee")
    # a knee does not bend backwards: soft floor at 2 degrees
    limbs[knee] = 2 + np.logaddexp(0, (limbs[knee] - 2) / 2.5) * 2.5
    elbow = LIMB_CURVES.index("elbow")
    limbs[elbow] = 5 + np.logaddexp(0, (limbs[elbow] - 5) / 4) * 4
    trunk = evaluate_fourier(np.array(walker.trunk), phase[0])
    return Curves(limbs, trunk + 0.3 * _smooth_noise(rng, (len(TRUNK_CURVES), n), 0.5))


def _upper_body(walker: Walker, curves: Curves) -> UpperBody:
    obliquity, turn = curves.sway("obliquity"), curves.sway("rotation")
    thorax_turn, tip = curves.sway("thorax_rotation"), curves.sway("thorax_list")
    pelvis = axis_rotations("y", -turn) @ axis_rotations("z", obliquity)
    level = axis_rotations("y", -thorax_turn) @ axis_rotations("z", tip)
    thorax = level @ axis_rotations("x", walker.lean)
    abdomen = (
        axis_rotations("y", -(turn + thorax_turn) / 2)
        @ axis_rotations("z", (obliquity + tip) / 2)
        @ axis_rotations("x", 0.6 * walker.lean)
    )
    # the head keeps its direction while the trunk turns under it
    pitch = walker.head_pitch + curves.sway("nod")
    head = (
        axis_rotations("y", -0.2 * thorax_turn)
        @ axis_rotations("z", 0.3 * tip)
        @ axis_rotations("x", pitch)
    )
    neck = axis_rotations("y", -0.6 * thorax_turn) @ axis_rotations(
        "x", 0.5 * walker.lean + 0.5 * pitch + 6
    )
    upper_arm, forearm, hand = [], [], []
    for side, sign in ((0, 1.0), (1, -1.0)):
        flexion, bend = curves.limb("shoulder", side), curves.limb("elbow", side)
        arm = (
            level
            @ axis_rotations("z", sign * walker.arm_abduction[side])
            @ axis_rotations("x", -flexion)
        )
        lower = arm @ axis_rotations("y", -sign * 14.0) @ axis_rotations("x", -bend)
        upper_arm.append(arm)
        forearm.append(lower)
        hand.append(lower @ axis_rotations("z", -sign * 5.0) @ axis_rotations("x", -6.0))
    return UpperBody(
        pelvis,
        abdomen,
        thorax,
        neck,
        head,
        (upper_arm[0], upper_arm[1]),
        (forearm[0], forearm[1]),
        (hand[0], hand[1]),
    )


MARGIN: Final = 1.6
"""Seconds simulated before and after the walk, so that every stance in it is whole."""


def simulate(
    walker: Walker,
    *,
    seed: int,
    seconds: float,
    frame_rate: float = 30.0,
    treadmill: bool = False,
    session: bool = True,
) -> Motion:
    """Make one walk.

    Parameters
    ----------
    walker
        Who walks.
    seed
        Draws this walk: the small change of the person's gait from day to day (`vary`), stride
        times, starting phase and noise.
    seconds, frame_rate
        Length and sampling of the walk.
    treadmill
        Subtract the mean progress, so that the walker stays in place.
    session
        Apply the day-to-day change; without it only the noise differs.

    Raises
    ------
    ConfigError
        If `seconds` or `frame_rate` is not positive and finite.
    """
    if not (0 < seconds < 3600 and 1 <= frame_rate <= DENSE_RATE):
        raise ConfigError(
            "A walk needs a length and a frame rate.",
            expected=f"0 to 3600 seconds, 1 to {DENSE_RATE} frames per second",
            actual=f"{seconds} seconds, {frame_rate} frames per second",
        )
    person = vary(walker, seed) if session else walker
    rng = np.random.default_rng([walker.seed, seed, 0x3071])
    span = seconds + 2 * MARGIN
    dense = np.arange(int(span * DENSE_RATE) + 1) / DENSE_RATE - MARGIN
    run = _phase(person, rng, span)
    left = run(dense + MARGIN)
    phases = (left, left - 0.5 - person.asymmetry)
    curves = _curves(person, phases, rng)
    upper = _upper_body(person, curves)
    pelvis, legs, limbs, stride = plant_legs(person, curves, phases, upper)
    frames = np.arange(max(1, round(seconds * frame_rate)))
    times = frames / frame_rate
    # the grid is fine enough to take the nearest step; frames then never mix two contact states
    pick = np.rint((times + MARGIN) * DENSE_RATE).astype(int)
    bones = assemble(person.build, pelvis, upper, legs)
    rotations, origins = bones.rotations[pick], bones.origins[pick].copy()
    duration = (pick[-1] - pick[0]) / DENSE_RATE
    cycles = float(left[pick[-1]] - left[pick[0]]) if len(pick) > 1 else 0.0
    cadence = 120 * cycles / duration if duration > 0 else person.cadence
    speed = stride * cadence / 120
    start = float(pelvis[pick[0], 2])
    origins[..., 2] -= start
    if treadmill:
        origins[..., 2] -= (speed * (dense[pick] - dense[pick[0]]))[:, None]
    kept = Bones(rotations, origins)
    return Motion(
        times=times,
        bones=kept,
        joints=landmarks(person.build, kept),
        contact=np.stack([limb.planted[pick] for limb in limbs], axis=1),
        phase=left[pick],
        speed=speed,
        cadence=cadence,
    )

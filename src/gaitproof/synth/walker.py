"""Who a synthetic walker is: the build, the gait and the face that stay the same from walk to walk.

Everything is drawn from a seed. What may change between two walks of one person (speed, small
curve changes, clothes) is drawn elsewhere: `vary` here, `outfit.Outfit` for the clothes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ConfigError
from gaitproof.synth.curves import (
    HARMONICS,
    LIMB_CURVES,
    TRUNK_CURVES,
    normative_curve,
    normative_sway,
    shifted,
)

Float64 = NDArray[np.float64]


_SPREAD: Final[dict[str, tuple[float, float, float]]] = {
    "hip": (0.13, 4.5, 1.8),
    "knee": (0.13, 4.5, 2.0),
    "ankle": (0.25, 4.0, 2.0),
    "adduction": (0.35, 2.5, 2.0),
    "shoulder": (0.35, 4.0, 1.5),
    "elbow": (0.35, 7.0, 1.5),
}
"""Between-people standard deviations: gain, offset in degrees, phase in percent of the cycle.

The offsets are those of the normative bands, about 4 to 6 degrees at hip, knee and ankle (Kadaba et
al. 1990; Winter 2009); a day's change is a small part of that, see `vary`.
"""

_STRAIGHTEST_KNEE: Final = -4.0
"""Degrees that a person's knee curve may lie below the normative one: it rests at 5."""

PELVIC_TILT: Final = 10.0
"""Degrees of forward tilt to which the hip curve refers."""


@dataclass(frozen=True)
class Build:
    """Lengths in metres and girth factors (1 = average) of a body.

    The segment fractions of the average are Winter's (2009, after Drillis and Contini).
    """

    height: float
    thigh: float
    shank: float
    ankle: float
    foot: float
    trunk: float
    upper_arm: float
    forearm: float
    hand: float
    hip_width: float
    shoulder_width: float
    girth: float
    belly: float
    muscle: float
    chest: float


@dataclass(frozen=True)
class Head:
    """Looks of a head: what a face swap exchanges.

    Colours are sRGB in [0, 1]; widths and lengths are factors of the average.
    """

    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    lips: tuple[float, float, float]
    style: str
    beard: float
    brow: float
    skull_width: float
    jaw_width: float
    jaw_length: float
    nose_length: float
    nose_width: float
    eye_spacing: float
    mouth_width: float
    ear: float


HAIR_STYLES: Final = ("short", "cropped", "bob", "long", "bun", "bald", "curly")

_SKIN: Final = (
    (0.96, 0.80, 0.70),
    (0.91, 0.72, 0.59),
    (0.83, 0.64, 0.49),
    (0.72, 0.52, 0.37),
    (0.56, 0.38, 0.26),
    (0.40, 0.27, 0.19),
)
_HAIR: Final = (
    (0.07, 0.06, 0.06),
    (0.18, 0.11, 0.07),
    (0.33, 0.20, 0.11),
    (0.55, 0.38, 0.20),
    (0.76, 0.62, 0.38),
    (0.55, 0.25, 0.12),
    (0.62, 0.61, 0.60),
)
_IRIS: Final = ((0.25, 0.15, 0.08), (0.30, 0.42, 0.55), (0.30, 0.40, 0.25), (0.15, 0.10, 0.07))


def _random_head(rng: np.random.Generator, feminine: float) -> Head:
    tone = int(rng.integers(len(_SKIN)))
    skin = np.clip(np.array(_SKIN[tone]) + rng.normal(0, 0.015, 3), 0, 1)
    # fair hair with dark skin is rare enough to look odd
    hair = np.array(_HAIR[int(rng.integers(2 if tone >= 4 else len(_HAIR)))])
    styles = ("bob", "long", "bun", "curly", "short") if feminine > 0.5 else HAIR_STYLES[:2]
    style = str(rng.choice(styles))
    if feminine <= 0.5 and rng.random() < 0.22:
        style = str(rng.choice(["bald", "curly"]))
    lips = 0.62 * skin + 0.38 * np.array([0.70, 0.22, 0.24])
    beard = float(rng.random() < 0.4) * rng.uniform(0.35, 1.0) if feminine <= 0.5 else 0.0

    def triple(colour: Float64) -> tuple[float, float, float]:
        return float(colour[0]), float(colour[1]), float(colour[2])

    def factor(spread: float) -> float:
        return float(np.clip(rng.normal(1, spread), 1 - 2.2 * spread, 1 + 2.2 * spread))

    return Head(
        skin=triple(skin),
        hair=triple(np.clip(hair * rng.uniform(0.8, 1.2), 0, 1)),
        iris=_IRIS[int(rng.integers(len(_IRIS)))],
        lips=triple(lips),
        style=style,
        beard=beard,
        brow=factor(0.25),
        skull_width=factor(0.05),
        jaw_width=factor(0.08),
        jaw_length=factor(0.06),
        nose_length=factor(0.15),
        nose_width=factor(0.15),
        eye_spacing=factor(0.07),
        mouth_width=factor(0.12),
        ear=factor(0.15),
    )


def _random_build(rng: np.random.Generator, feminine: float) -> Build:
    height = float(np.clip(rng.normal(1.775 - 0.125 * feminine, 0.065), 1.50, 1.98))

    def part(fraction: float, spread: float) -> float:
        return float(
            height * fraction * np.clip(rng.normal(1, spread), 1 - 2.5 * spread, 1 + 2.5 * spread)
        )

    return Build(
        height=height,
        thigh=part(0.245, 0.035),
        shank=part(0.246, 0.035),
        ankle=part(0.045, 0.03),
        foot=part(0.152, 0.03),
        trunk=part(0.288, 0.035),
        upper_arm=part(0.186, 0.03),
        forearm=part(0.146, 0.03),
        hand=part(0.105, 0.03),
        hip_width=part(0.104 + 0.004 * feminine, 0.07),
        shoulder_width=part(0.222 - 0.018 * feminine, 0.06),
        girth=float(np.clip(rng.normal(1.0, 0.09), 0.82, 1.28)),
        belly=float(np.clip(rng.normal(0.0, 0.6), -0.5, 1.6)),
        muscle=float(np.clip(rng.normal(1.0 - 0.08 * feminine, 0.06), 0.82, 1.15)),
        chest=feminine,
    )


@dataclass(frozen=True)
class Walker:
    """One synthetic person: build, head and way of walking.

    Parameters
    ----------
    seed
        Seed the person was drawn from.
    build, head
        The body and the face.
    limbs
        Fourier coefficients, degrees, by ``[curve][side]`` with the curves of `LIMB_CURVES` and
        side 0 = left, 1 = right; each over the cycle of its own leg.
    trunk
        Fourier coefficients, degrees, of `TRUNK_CURVES` over the cycle of the left leg.
    cadence
        Steps per minute at the person's own speed.
    stance
        Share of the cycle a foot is on the ground, left and right.
    lean, head_pitch
        Forward lean of the trunk and of the head, degrees.
    arm_abduction
        Arms away from the body, degrees.
    toe_out
        Degrees, left and right.
    step_width
        Distance of the two lines of feet, metres.
    sway
        Sideways movement of the pelvis, metres (amplitude).
    asymmetry
        Delay of the right step as a part of the cycle, about 0.
    stride_noise
        Coefficient of variation of the stride time.
    """

    seed: int
    build: Build
    head: Head
    limbs: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    trunk: tuple[tuple[float, ...], ...]
    cadence: float
    stance: tuple[float, float]
    lean: float
    head_pitch: float
    arm_abduction: tuple[float, float]
    toe_out: tuple[float, float]
    step_width: float
    sway: float
    asymmetry: float
    stride_noise: float

    @classmethod
    def random(cls, seed: int) -> Self:
        """Draw a person.

        Parameters
        ----------
        seed
            Non-negative; the same seed gives the same person.

        Raises
        ------
        ConfigError
            If the seed is negative.
        """
        if seed < 0:
            raise ConfigError("The seed of a walker must not be negative.", actual=str(seed))
        rng = np.random.default_rng([seed, 0x3A17])
        feminine = float(rng.random() < 0.5)
        build = _random_build(rng, feminine)
        head = _random_head(rng, feminine)
        limbs = []
        for name in LIMB_CURVES:
            gain, offset, phase = (rng.normal(0, s) for s in _SPREAD[name])
            shape = _wiggle(rng, 2.0 if name in ("hip", "knee", "ankle") else 0.6)
            base = normative_curve(name)
            sides = []
            for sign in (1, -1):
                # half of a left-right difference on either side
                side_gain = np.clip(
                    1 + gain + sign * _SPREAD[name][0] * 0.35 * rng.normal(), 0.3, 1.8
                )
                side_offset = offset + sign * 0.3 * _SPREAD[name][1] * rng.normal()
                if name == "knee":
                    side_offset = max(side_offset, _STRAIGHTEST_KNEE)
                side_phase = (phase + sign * 0.25 * _SPREAD[name][2] * rng.normal()) / 100
                curve = (base + shape) * side_gain
                curve[0] = base[0] + side_offset
                sides.append(tuple(float(c) for c in shifted(curve, side_phase)))
            limbs.append((sides[0], sides[1]))
        trunk = []
        for name in TRUNK_CURVES:
            curve = normative_sway(name) * np.clip(rng.normal(1, 0.3), 0.2, 1.9)
            curve[0] = rng.normal(0, 0.8)
            trunk.append(tuple(float(c) for c in shifted(curve, rng.normal(0, 0.02))))
        # taller people step more slowly (pendulum): cadence goes with 1 / sqrt(leg length)
        leg = build.thigh + build.shank
        cadence = 112 * np.sqrt(0.84 / leg) * np.clip(rng.normal(1, 0.065), 0.86, 1.14)
        stance = float(np.clip(rng.normal(0.62, 0.013), 0.595, 0.65))
        uneven = float(rng.normal(0, 0.004))
        return cls(
            seed=seed,
            build=build,
            head=head,
            limbs=tuple(limbs),
            trunk=tuple(trunk),
            cadence=float(np.clip(cadence, 92, 134)),
            stance=(stance + uneven, stance - uneven),
            lean=float(np.clip(rng.normal(3, 3.0), -3, 11)),
            head_pitch=float(np.clip(rng.normal(2, 4.0), -7, 13)),
            arm_abduction=(
                float(np.clip(rng.normal(9, 2.5), 4, 18)),
                float(np.clip(rng.normal(9, 2.5), 4, 18)),
            ),
            toe_out=(
                float(np.clip(rng.normal(7, 5.5), -6, 20)),
                float(np.clip(rng.normal(7, 5.5), -6, 20)),
            ),
            step_width=float(np.clip(rng.normal(0.11, 0.03), 0.04, 0.19)),
            sway=float(np.clip(rng.normal(0.022, 0.008), 0.006, 0.045)),
            asymmetry=float(np.clip(rng.normal(0, 0.012), -0.035, 0.035)),
            stride_noise=float(np.clip(rng.normal(0.02, 0.005), 0.008, 0.035)),
        )

    def limb(self, name: str) -> Float64:
        """Return the coefficients of one limb curve: shape (2, 1 + 2 * HARMONICS), left first."""
        return np.array(self.limbs[LIMB_CURVES.index(name)])


def _wiggle(rng: np.random.Generator, degrees: float) -> Float64:
    """Draw a small smooth change of a curve's shape: harmonics 2 to 4."""
    coefficients = np.zeros(1 + 2 * HARMONICS)
    for harmonic in (2, 3, 4):
        size = degrees / harmonic
        coefficients[harmonic] = rng.normal(0, size)
        coefficients[HARMONICS + harmonic] = rng.normal(0, size)
    return coefficients


def vary(walker: Walker, seed: int) -> Walker:
    """Return the person as they walk on one occasion.

    Speed changes by about 3 % (cadence and stride share it), every curve a little; the body and
    the head stay. The size of the changes is about an eighth of that between people, half a degree
    at the joints: what repeated laboratory sessions of one person show (Kadaba et al. 1989).
    """
    rng = np.random.default_rng([walker.seed, seed, 0x5E55])
    speed = float(np.clip(rng.normal(1, 0.03), 0.92, 1.08))
    limbs = []
    for name, pair in zip(LIMB_CURVES, walker.limbs, strict=True):
        gain, offset, phase = _SPREAD[name]
        sides = []
        common = rng.normal(0, 0.12 * gain)
        wiggle = _wiggle(rng, 0.25)
        for side in pair:
            curve = np.array(side)
            factor = 1 + common + rng.normal(0, 0.05 * gain)
            if name in ("hip", "shoulder"):
                factor *= np.sqrt(speed)
            curve[1:] *= factor
            curve = curve + wiggle
            curve[0] += rng.normal(0, 0.12 * offset)
            sides.append(tuple(float(c) for c in shifted(curve, rng.normal(0, 0.12 * phase) / 100)))
        limbs.append((sides[0], sides[1]))
    trunk = tuple(
        tuple(float(c) for c in np.array(curve) * rng.normal(1, 0.07)) for curve in walker.trunk
    )
    return replace(
        walker,
        limbs=tuple(limbs),
        trunk=trunk,
        cadence=float(walker.cadence * np.sqrt(speed)),
        lean=float(walker.lean + rng.normal(0, 0.6)),
        head_pitch=float(walker.head_pitch + rng.normal(0, 2.0)),
        step_width=float(max(0.04, walker.step_width + rng.normal(0, 0.008))),
        sway=float(max(0.005, walker.sway * rng.normal(1, 0.1))),
    )

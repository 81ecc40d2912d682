"""What a body in the rest pose is made of, each part with its bone, and what it wears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.shapes import Cone, Ellipsoid, Shape
from gaitproof.synth.skeleton import (
    BALL_FRONT,
    HEEL_BACK,
    Bone,
    Bones,
)
from gaitproof.synth.walker import Build

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """Clothes of one walk; colours are sRGB in [0, 1]."""

    top: Colour
    top_second: Colour
    pattern: str
    sleeves: float
    jacket: bool
    bottom: Colour
    bottom_length: float
    looseness: float
    shoes: Colour
    soles: Colour
    hem: float

    @classmethod
    def random(cls, seed: int, skin: Colour = (1.0, 1.0, 1.0)) -> Outfit:
        """Draw clothes; independent of the person but that they are not the colour of `skin`."""
        rng = np.random.default_rng([seed, 0xC107])
        bare = np.array(skin)

        def colour(low: float, high: float, strength: float) -> Colour:
            mixed = bare
            while np.abs(mixed - bare).max() < 0.2:
                tint = rng.normal(0, strength, 3)
                mixed = np.clip(rng.uniform(low, high) + tint - tint.mean(), 0.03, 0.95)
            return float(mixed[0]), float(mixed[1]), float(mixed[2])

        jeans = rng.random() < 0.45
        blue = rng.uniform(0.25, 0.6)
        bottom = (0.45 * blue, 0.62 * blue, 1.0 * blue) if jeans else colour(0.12, 0.6, 0.05)
        white_soles = rng.random() < 0.6
        return cls(
            top=colour(0.12, 0.9, 0.16),
            top_second=colour(0.1, 0.9, 0.16),
            pattern=str(rng.choice(["plain", "plain", "plain", "stripes", "checks", "block"])),
            sleeves=float(rng.choice([0.55, 1.0, 2.0])),
            jacket=bool(rng.random() < 0.25),
            bottom=bottom,
            bottom_length=float(rng.choice([2.0, 2.0, 2.0, 2.0, 0.95])),
            looseness=float(rng.uniform(0.0, 1.0)),
            shoes=colour(0.08, 0.85, 0.08),
            soles=(0.88, 0.87, 0.84) if white_soles else (0.12, 0.11, 0.1),
            hem=float(rng.uniform(-0.05, 0.02)),
        )


Float64 = NDArray[np.float64]


def _vector(values: Float64) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def trunk_shapes(build: Build, rest: Bones, outfit: Outfit) -> list[tuple[Bone, Shape]]:
    """Return the shapes of trunk and neck."""
    h, g = build.height, build.girth
    at = rest.origins[0]
    hips, waist, chest, neck = (at[b] for b in (Bone.PELVIS, Bone.ABDOMEN, Bone.THORAX, Bone.NECK))
    belly = max(0.0, build.belly) * 0.012 * h
    wide = 1.0 + (0.06 if outfit.jacket else 0.0)
    fem = build.chest

    def ellipsoid(origin: Float64, offset: Float64 | list[float], radii: list[float]) -> Ellipsoid:
        return Ellipsoid(_vector(origin + np.array(offset) * h), _vector(np.array(radii) * h))

    half = 0.5 * build.hip_width / h
    shapes: list[tuple[Bone, Shape]] = [
        (
            Bone.PELVIS,
            ellipsoid(hips, [0, 0.022, -0.004], [half + 0.043 * g, 0.078, 0.066 * g * wide]),
        ),
        (
            Bone.ABDOMEN,
            ellipsoid(
                waist,
                [0, 0.02, 0.002],
                [(0.083 - 0.008 * fem) * g * wide, 0.10, 0.059 * g * wide],
            ),
        ),
        (
            Bone.ABDOMEN,
            Ellipsoid(
                _vector(waist + np.array([0, -0.005 * h, 0.018 * h + 0.5 * belly])),
                _vector(np.array([0.068 * g * h + belly, 0.075 * h, 0.046 * g * h + belly])),
            ),
        ),
        (
            Bone.THORAX,
            ellipsoid(
                chest,
                [0, 0.062, 0.0],
                [
                    (0.094 - 0.006 * fem) * (0.5 + 0.5 * g) * wide,
                    0.112,
                    0.066 * (0.4 + 0.6 * g) * wide,
                ],
            ),
        ),
    ]
    shoulders = [at[Bone.LEFT_UPPER_ARM], at[Bone.RIGHT_UPPER_ARM]]
    for side, sign in ((0, 1.0), (1, -1.0)):
        seat = ellipsoid(
            hips, [sign * 0.044, -0.022, -0.028], [0.054 * g, 0.058, (0.050 + 0.004 * fem) * g]
        )
        shapes.append((Bone.PELVIS, seat))
        inner = shoulders[side] + np.array([-sign * 0.020 * h, -0.011 * h, 0])
        upper = neck + np.array([sign * 0.012 * h, 0.016 * h, -0.004 * h])
        shapes.append(
            (
                Bone.THORAX,
                Cone(_vector(upper), _vector(inner), 0.025 * h, 0.0315 * h * build.muscle),
            )
        )
        if fem > 0.5:
            breast = ellipsoid(chest, [sign * 0.043, 0.045, 0.047], [0.036, 0.038, 0.030])
            shapes.append((Bone.THORAX, breast))
        else:
            pectoral = ellipsoid(
                chest, [sign * 0.043, 0.075, 0.035], [0.045, 0.035, 0.030 * build.muscle]
            )
            shapes.append((Bone.THORAX, pectoral))
    head = at[Bone.HEAD]
    radius = (0.0335 - 0.005 * fem) * h * (0.5 + 0.5 * g)
    shapes.append(
        (
            Bone.NECK,
            Cone(
                _vector(neck + np.array([0, -0.02 * h, 0])),
                _vector(head + np.array([0, 0.02 * h, 0.004 * h])),
                radius * 1.12,
                radius,
            ),
        )
    )
    return shapes


def arm_shapes(build: Build, rest: Bones, outfit: Outfit, side: int) -> list[tuple[Bone, Shape]]:
    """Return the shapes of an arm; `side` 0 left, 1 right."""
    h, at = build.height, rest.origins[0]
    m = build.muscle * (0.55 + 0.45 * build.girth) * h
    shoulder, elbow, wrist = (
        at[b + side] for b in (Bone.LEFT_UPPER_ARM, Bone.LEFT_FOREARM, Bone.LEFT_HAND)
    )
    sleeve = 1.0 + (0.16 if outfit.jacket else 0.05) * (outfit.sleeves > 0)
    lower = sleeve if outfit.sleeves >= 1.5 else 1.0
    down = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    sign = 1.0 if side == 0 else -1.0
    # the palm faces the thigh: thin across the arm's plane, broad from front to back
    palm = wrist + 0.30 * build.hand * down
    tips = wrist + 0.86 * build.hand * down
    thumb = wrist + 0.18 * build.hand * down + np.array([-sign * 0.006, 0, 0.014])
    thumb_end = wrist + 0.50 * build.hand * down + np.array([-sign * 0.022, 0, 0.034])
    flat = (0.72, 0.85, 1.15)
    up_bone, low_bone, hand = (
        Bone(b + side) for b in (Bone.LEFT_UPPER_ARM, Bone.LEFT_FOREARM, Bone.LEFT_HAND)
    )
    bulge = elbow + 0.25 * (wrist - elbow)
    biceps = shoulder + 0.45 * (elbow - shoulder)
    return [
        (
            up_bone,
            Cone(_vector(shoulder), _vector(biceps), 0.0300 * m * sleeve, 0.0275 * m * sleeve),
        ),
        (up_bone, Cone(_vector(biceps), _vector(elbow), 0.0275 * m * sleeve, 0.0225 * m * lower)),
        (low_bone, Cone(_vector(elbow), _vector(bulge), 0.0225 * m * lower, 0.0235 * m * lower)),
        (low_bone, Cone(_vector(bulge), _vector(wrist), 0.0235 * m * lower, 0.0155 * m * lower)),
        (hand, Cone(_vector(wrist), _vector(palm), 0.0130 * h, 0.0165 * h, flat)),
        (hand, Cone(_vector(palm), _vector(tips), 0.0165 * h, 0.0095 * h, flat)),
        (hand, Cone(_vector(thumb), _vector(thumb_end), 0.0085 * h, 0.0062 * h)),
    ]


def leg_shapes(build: Build, rest: Bones, outfit: Outfit, side: int) -> list[tuple[Bone, Shape]]:
    """Return the shapes of a leg; `side` 0 left, 1 right."""
    h, at = build.height, rest.origins[0]
    g = (0.45 + 0.55 * build.girth) * h
    hip, knee, ankle, ball = (
        at[b + side] for b in (Bone.LEFT_THIGH, Bone.LEFT_SHANK, Bone.LEFT_FOOT, Bone.LEFT_TOES)
    )
    long = outfit.bottom_length > 1.5
    loose = 0.0075 * outfit.looseness * h
    cloth = 0.002 * h
    below = (loose + cloth) if long else 0.0
    thigh, shank, foot, toes = (
        Bone(b + side) for b in (Bone.LEFT_THIGH, Bone.LEFT_SHANK, Bone.LEFT_FOOT, Bone.LEFT_TOES)
    )
    sign = 1.0 if side == 0 else -1.0
    top = hip + np.array([-sign * 0.002 * h, -0.035 * h, -0.004 * h])
    calf = knee + 0.28 * (ankle - knee) + np.array([0, 0, -0.009 * h])
    hem = ankle + np.array([0, 0.01 * h, -0.002 * h])
    heel = ankle + np.array([0, -0.55 * build.ankle, -(HEEL_BACK * build.foot - 0.021 * h)])
    front = ankle + np.array([sign * 0.003 * h, -0.62 * build.ankle, BALL_FRONT * build.foot])
    tip = ankle + np.array([sign * 0.002 * h, -0.70 * build.ankle, 0.70 * build.foot - 0.012 * h])
    broad = (1.22, 1.0, 1.0)
    return [
        (thigh, Cone(_vector(top), _vector(knee), 0.0545 * g, 0.0335 * g + 0.6 * loose + cloth)),
        (
            shank,
            Cone(_vector(knee), _vector(calf), 0.0325 * g + 0.6 * loose, 0.0335 * g + 0.7 * below),
        ),
        (
            shank,
            Cone(_vector(calf), _vector(hem), 0.0335 * g + 0.7 * below, 0.0205 * g + 1.5 * below),
        ),
        (
            foot,
            Cone(_vector(ankle + np.array([0, 0.004 * h, 0])), _vector(heel), 0.022 * h, 0.024 * h),
        ),
        (foot, Cone(_vector(ankle), _vector(front), 0.024 * h, 0.0205 * h, broad)),
        (foot, Cone(_vector(heel), _vector(front), 0.0235 * h, 0.0215 * h, broad)),
        (toes, Cone(_vector(front), _vector(tip), 0.0205 * h, 0.0165 * h, broad)),
        (toes, Cone(_vector(ball), _vector(tip), 0.0185 * h, 0.0165 * h, broad)),
    ]

"""The skin: a smooth body around the bones, clothed anew for every walk, moved with the bones.

Body and head are surfaces of smooth unions of cones and ellipsoids in the rest pose; a vertex
follows the bones by linear blend skinning, weighted by its distance to each bone's shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.shapes import Cone, Ellipsoid, Float32, Grid, Shape, surface
from gaitproof.synth.skeleton import (
    BALL_FRONT,
    HEAD_FRACTION,
    HEEL_BACK,
    N_BONES,
    Bone,
    Bones,
    rest_bones,
)
from gaitproof.synth.walker import Build, Head, Walker

Float64 = NDArray[np.float64]
Colour = tuple[float, float, float]

BODY_STEP: Final = 0.014
HEAD_STEP: Final = 0.0052
"""Grid steps of the two surfaces, metres."""

BLEND: Final = 0.016
"""How softly skin weights change from bone to bone, metres."""


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


@dataclass(frozen=True, eq=False)
class Skin:
    """A surface bound to the bones.

    Parameters
    ----------
    vertices, normals
        Shape (V, 3), rest pose, metres.
    triangles
        Shape (F, 3).
    weights
        Shape (V, 19), rows sum to 1.
    colours
        Shape (V, 3), linear light in [0, 1].
    gloss
        Shape (V,), strength of the highlight.
    rest
        Rest bones, T = 1.
    is_head
        Shape (V,): belongs to the head (what a face swap replaces).
    """

    vertices: Float32
    normals: Float32
    triangles: NDArray[np.int64]
    weights: Float32
    colours: Float32
    gloss: Float32
    rest: Bones
    is_head: NDArray[np.bool_]

    def pose(self, bones: Bones, frame: int) -> tuple[Float32, Float32]:
        """Return the vertices and unit normals of one frame in body axes: (V, 3) each."""
        turn = bones.rotations[frame] @ self.rest.rotations[0].transpose(0, 2, 1)
        shift = bones.origins[frame] - np.einsum("bij,bj->bi", turn, self.rest.origins[0])
        matrices = np.concatenate([turn.reshape(N_BONES, 9), shift], axis=1).astype(np.float32)
        blended = self.weights @ matrices
        linear = blended[:, :9].reshape(-1, 3, 3)
        points = np.matmul(linear, self.vertices[:, :, None])[:, :, 0] + blended[:, 9:]
        normals = np.matmul(linear, self.normals[:, :, None])[:, :, 0]
        normals /= np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
        return points, normals


def _vector(values: Float64) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _trunk_shapes(build: Build, rest: Bones, outfit: Outfit) -> list[tuple[Bone, Shape]]:
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


def _arm_shapes(build: Build, rest: Bones, outfit: Outfit, side: int) -> list[tuple[Bone, Shape]]:
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


def _leg_shapes(build: Build, rest: Bones, outfit: Outfit, side: int) -> list[tuple[Bone, Shape]]:
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


def _linear(colour: Colour | Float64) -> Float32:
    """Turn sRGB into linear light."""
    return (np.asarray(colour, np.float32) ** np.float32(2.2)).astype(np.float32)


def _along(points: Float32, rest: Bones, first: int, second: int) -> Float32:
    """Return how far along from one bone's origin to another's points lie: 0 to 1 between them."""
    start, end = rest.origins[0, first], rest.origins[0, second]
    axis = end - start
    share: Float32 = ((points - start) @ axis / (axis @ axis)).astype(np.float32)
    return share


def _pattern(points: Float32, outfit: Outfit, height: float) -> Float32:
    """Return the share of the second shirt colour at each vertex."""
    x, y, z = points.T / height
    share: NDArray[np.floating[Any]] = np.zeros(len(points))
    if outfit.pattern == "stripes":
        share = np.sin(y * 260) > 0.35
    elif outfit.pattern == "checks":
        share = 0.5 * (np.sin(y * 170) > 0) + 0.5 * (np.sin((x + z) * 170) > 0)
    elif outfit.pattern == "block":
        share = y > 0.70
    return share.astype(np.float32)


def _cloth_noise(points: Float32, seed: int) -> Float32:
    """Return smooth folds, about unit amplitude: sums of a few random plane waves."""
    rng = np.random.default_rng([seed, 0xF01D])
    total = np.zeros(len(points), np.float32)
    for _ in range(7):
        # folds run around the body and the limbs more than along them
        wave = rng.normal(0, [14, 38, 14]).astype(np.float32)
        total += np.sin(points @ wave + rng.uniform(0, 6.3)).astype(np.float32)
    return total / np.float32(2.0)


def _dress(
    points: Float32,
    bones: NDArray[np.int64],
    rest: Bones,
    build: Build,
    head: Head,
    outfit: Outfit,
) -> tuple[Float32, Float32, NDArray[np.bool_]]:
    """Return colour (V, 3), gloss (V,) and which vertices are cloth."""
    h = build.height
    skin = _linear(head.skin)
    colour = np.tile(skin, (len(points), 1))
    gloss = np.full(len(points), 0.10, np.float32)
    cloth = np.zeros(len(points), bool)
    second = _pattern(points, outfit, h)[:, None]
    top = _linear(outfit.top) * (1 - second) + _linear(outfit.top_second) * second
    waistline = rest.origins[0, Bone.PELVIS, 1] + (0.045 + outfit.hem) * h
    upright = points[:, 1]
    trunk = np.isin(bones, (Bone.PELVIS, Bone.ABDOMEN, Bone.THORAX))
    legs = np.isin(bones, (Bone.LEFT_THIGH, Bone.RIGHT_THIGH, Bone.LEFT_SHANK, Bone.RIGHT_SHANK))
    collar = rest.origins[0, Bone.NECK]
    neckline = np.linalg.norm(points - (collar + np.array([0, 0.012 * h, 0.010 * h])), axis=1)
    shirt = trunk & (upright > waistline)
    if not outfit.jacket:
        shirt &= neckline > 0.046 * h
    for side in (0, 1):
        upper = _along(points, rest, Bone.LEFT_UPPER_ARM + side, Bone.LEFT_FOREARM + side)
        lower = _along(points, rest, Bone.LEFT_FOREARM + side, Bone.LEFT_HAND + side)
        shirt |= (bones == Bone.LEFT_UPPER_ARM + side) & (upper < max(outfit.sleeves, 0.45))
        shirt |= (bones == Bone.LEFT_FOREARM + side) & (lower < outfit.sleeves - 1.03)
    trousers = (trunk | legs) & (upright <= waistline)
    for side in (0, 1):
        thigh = _along(points, rest, Bone.LEFT_THIGH + side, Bone.LEFT_SHANK + side)
        shank = _along(points, rest, Bone.LEFT_SHANK + side, Bone.LEFT_FOOT + side)
        if outfit.bottom_length < 1.5:
            trousers &= ~((bones == Bone.LEFT_THIGH + side) & (thigh > outfit.bottom_length))
            trousers &= bones != Bone.LEFT_SHANK + side
        else:
            trousers &= ~((bones == Bone.LEFT_SHANK + side) & (shank > 0.985))
    colour[shirt] = top[shirt]
    colour[trousers] = _linear(outfit.bottom)
    belt = trunk & (np.abs(upright - waistline) < 0.009 * h)
    colour[belt] *= 0.55
    if outfit.jacket:
        opening = shirt & (np.abs(points[:, 0]) < 0.010 * h) & (points[:, 2] > 0.02) & trunk
        colour[opening] = _linear(outfit.top_second)
    cloth |= shirt | trousers
    gloss[cloth] = 0.02
    shoes = np.isin(bones, (Bone.LEFT_FOOT, Bone.RIGHT_FOOT, Bone.LEFT_TOES, Bone.RIGHT_TOES))
    colour[shoes] = _linear(outfit.shoes)
    colour[shoes & (upright < 0.016)] = _linear(outfit.soles)
    gloss[shoes] = 0.12
    return colour.astype(np.float32), gloss, cloth


def _skin_weights(
    points: Float32, shapes: list[tuple[Bone, Shape]]
) -> tuple[Float32, NDArray[np.int64]]:
    """Return weights (V, 19) and the nearest bone (V,)."""
    distance = np.full((len(points), N_BONES), 1.0, np.float32)
    for bone, shape in shapes:
        distance[:, bone] = np.minimum(distance[:, bone], shape.distance(points))
    nearest = distance.argmin(axis=1)
    weights = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / BLEND)
    weights[weights < 0.01] = 0
    return weights / weights.sum(axis=1, keepdims=True), nearest


def _inner_shade(normals: Float32, nearest: NDArray[np.int64]) -> Float32:
    """Return the share of light (V,) that reaches each vertex past the limb beside it.

    Sides of limbs that face the body or the other leg are darker; seen from the side this also
    tells the far leg from the near one, as in life.
    """
    depth = np.zeros(N_BONES, np.float32)
    for bone, amount in (
        (Bone.LEFT_THIGH, 0.42),
        (Bone.LEFT_SHANK, 0.36),
        (Bone.LEFT_FOOT, 0.22),
        (Bone.LEFT_TOES, 0.15),
        (Bone.LEFT_UPPER_ARM, 0.35),
        (Bone.LEFT_FOREARM, 0.25),
    ):
        # signed by the side that the inner face looks to: the left limb's inner face looks to -x
        depth[bone], depth[bone + 1] = -amount, amount
    inward = np.clip(normals[:, 0] * np.sign(depth[nearest]), 0, 1)
    return np.asarray(1 - np.abs(depth[nearest]) * inward)


def make_body(walker: Walker, outfit: Outfit, seed: int) -> Skin:
    """Make the clothed body below the head."""
    build = walker.build
    rest = rest_bones(build)
    shapes = _trunk_shapes(build, rest, outfit)
    for side in (0, 1):
        shapes += _arm_shapes(build, rest, outfit, side) + _leg_shapes(build, rest, outfit, side)
    plain = [shape for _, shape in shapes]
    grid = Grid.around(plain, BODY_STEP, 0.03)
    field = grid.fill(plain, 0.03)
    # flat soles: nothing is below the floor
    level = grid.origin[1] + grid.step * np.arange(grid.shape[1])
    field = np.maximum(field, (0.001 - level)[None, :, None].astype(np.float32))
    vertices, normals, triangles = surface(grid, field)
    weights, nearest = _skin_weights(vertices, shapes)
    colours, gloss, cloth = _dress(vertices, nearest, rest, build, walker.head, outfit)
    colours *= _inner_shade(normals, nearest)[:, None]
    folds = _cloth_noise(vertices, seed)
    colours[cloth] *= (1 + 0.07 * folds[cloth])[:, None]
    bump = 0.10 * (_cloth_noise(vertices, seed + 1))[:, None] * np.array([0.3, 1.0, 0.3])
    normals[cloth] += bump[cloth].astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Skin(
        vertices,
        normals,
        triangles,
        weights.astype(np.float32),
        np.clip(colours, 0, 1),
        gloss,
        rest,
        np.zeros(len(vertices), bool),
    )


def join(first: Skin, second: Skin) -> Skin:
    """Return two skins of the same bones as one."""
    return Skin(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.triangles, second.triangles + len(first.vertices)]),
        np.concatenate([first.weights, second.weights]),
        np.concatenate([first.colours, second.colours]),
        np.concatenate([first.gloss, second.gloss]),
        first.rest,
        np.concatenate([first.is_head, second.is_head]),
    )


def head_unit(build: Build) -> float:
    """Return the head height of a body, metres."""
    return HEAD_FRACTION * build.height

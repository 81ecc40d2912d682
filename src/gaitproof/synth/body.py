"""The skin: a smooth body around the bones, clothed anew for every walk, moved with the bones.

Body and head are surfaces of smooth unions of cones and ellipsoids in the rest pose; a vertex
follows the bones by linear blend skinning, weighted by its distance to each bone's shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.limbs import Colour, Outfit, arm_shapes, leg_shapes, trunk_shapes
from gaitproof.synth.shapes import Float32, Grid, Shape, surface
from gaitproof.synth.skeleton import (
    HEAD_FRACTION,
    N_BONES,
    Bone,
    Bones,
    rest_bones,
)
from gaitproof.synth.walker import Build, Head, Walker

Float64 = NDArray[np.float64]

BODY_STEP: Final = 0.014
HEAD_STEP: Final = 0.0052
"""Grid steps of the two surfaces, metres."""

BLEND: Final = 0.016
"""How softly skin weights change from bone to bone, metres."""


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
    shapes = trunk_shapes(build, rest, outfit)
    for side in (0, 1):
        shapes += arm_shapes(build, rest, outfit, side) + leg_shapes(build, rest, outfit, side)
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
    names = ("vertices", "normals", "weights", "colours", "gloss", "is_head")
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    triangles = np.concatenate([first.triangles, second.triangles + len(first.vertices)])
    return Skin(triangles=triangles, rest=first.rest, **both)


def head_unit(build: Build) -> float:
    """Return the head height of a body, metres."""
    return HEAD_FRACTION * build.height

"""The head: skull, face and hair of one identity, rigid on the head bone.

A face swap puts another identity's head on the same bone, so heads of all identities are made at
the size of the body that carries them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.body import HEAD_STEP, Skin, head_unit
from gaitproof.synth.shapes import (
    Cone,
    Ellipsoid,
    Float32,
    Grid,
    Shape,
    Vector,
    smooth_min,
    surface,
)
from gaitproof.synth.skeleton import N_BONES, Bone, rest_bones
from gaitproof.synth.walker import Build, Head

HAIRLINE: Final = (0.75, -0.66, 0.50, 0.345)
"""Plane that bounds the hair towards the face: normal (y, z) and a point (y, z), head heights."""


def _scaled(vector: Vector, unit: float) -> Vector:
    return vector[0] * unit, vector[1] * unit, vector[2] * unit


def _face_shapes(head: Head, u: float) -> list[Shape]:
    w, j, length = head.skull_width, head.jaw_width, head.jaw_length

    def ball(centre: Vector, radii: Vector) -> Ellipsoid:
        return Ellipsoid(_scaled(centre, u), _scaled(radii, u))

    shapes: list[Shape] = [
        ball((0, 0.40, -0.03), (0.335 * w, 0.375, 0.42)),
        ball((0, 0.20, 0.13), (0.265 * w, 0.36, 0.30)),
        ball((0, -0.03, 0.14), (0.215 * j, 0.19 * length, 0.255)),
        ball((0, -0.115 * length, 0.285), (0.095 * j, 0.075, 0.115)),
        Cone((0, -0.45 * u, -0.09 * u), (0, 0.05 * u, -0.07 * u), 0.225 * u, 0.235 * u),
    ]
    for sign in (1.0, -1.0):
        shapes.append(ball((sign * 0.17, 0.17, 0.29), (0.085 * w, 0.07, 0.09)))
        shapes.append(
            ball((sign * 0.335 * w, 0.235, -0.02), (0.035, 0.10 * head.ear, 0.06 * head.ear))
        )
    return shapes


def _nose_shapes(head: Head, u: float) -> list[Shape]:
    out = 0.440 + 0.055 * head.nose_length
    width = head.nose_width
    return [
        Cone((0, 0.32 * u, 0.41 * u), (0, 0.155 * u, out * u), 0.032 * u, 0.048 * u * width),
        Ellipsoid((0.035 * u, 0.135 * u, 0.455 * u), (0.045 * u * width, 0.038 * u, 0.055 * u)),
        Ellipsoid((-0.035 * u, 0.135 * u, 0.455 * u), (0.045 * u * width, 0.038 * u, 0.055 * u)),
        Ellipsoid((0, 0.012 * u, 0.42 * u), (0.09 * u * head.mouth_width, 0.032 * u, 0.045 * u)),
    ]


def _hair_field(head: Head, grid: Grid, u: float) -> Float32 | None:
    """Return the hair's distance on the grid, or None for a bald head."""
    if head.style == "bald":
        return None
    w = head.skull_width
    thick = {
        "cropped": 0.022,
        "short": 0.05,
        "curly": 0.115,
        "bob": 0.06,
        "long": 0.05,
        "bun": 0.035,
    }
    t = thick[head.style]
    cap: list[Shape] = [
        Ellipsoid((0, 0.40 * u, -0.03 * u), ((0.335 * w + t) * u, (0.375 + t) * u, (0.42 + t) * u))
    ]
    field = grid.fill(cap, 0.0, 0.10)
    y = (grid.origin[1] + grid.step * np.arange(grid.shape[1]))[None, :, None] / u
    z = (grid.origin[2] + grid.step * np.arange(grid.shape[2]))[None, None, :] / u
    ny, nz, py, pz = HAIRLINE
    # a cropped hairline ends at the nape and leaves the ears free
    face_side = -(ny * (y - py) + nz * (z - pz)) * u
    nape = (0.06 - y) * u
    field = np.maximum(field, np.maximum(face_side, nape).astype(np.float32))
    extra: list[Shape] = []
    if head.style in ("bob", "long"):
        drop = -0.16 if head.style == "bob" else -0.62
        for sign in (1.0, -1.0):
            extra.append(
                Cone(
                    (sign * 0.27 * u * w, 0.45 * u, -0.12 * u),
                    (sign * 0.27 * u, drop * u, -0.22 * u),
                    0.15 * u,
                    0.10 * u,
                )
            )
        extra.append(
            Cone(
                (0, 0.45 * u, -0.28 * u),
                (0, drop * u, -0.33 * u),
                0.22 * u,
                0.14 * u,
                (1.4, 1, 0.8),
            )
        )
    if head.style == "bun":
        extra.append(Ellipsoid((0, 0.62 * u, -0.46 * u), (0.17 * u, 0.16 * u, 0.16 * u)))
    if extra:
        field = np.minimum(field, grid.fill(extra, 0.04 * u, 0.05))
    return field


def _paint(points: Float32, head: Head, u: float) -> Float32:
    """Return linear colours of the face's skin, eyes, brows, lips and beard."""
    skin = np.asarray(head.skin, np.float32) ** 2.2
    colour = np.tile(skin, (len(points), 1)).astype(np.float32)
    x, y, z = points.T / u
    ahead = z > 0.12

    def mix(mask: NDArray[np.floating[Any]], tint: NDArray[np.floating[Any]] | Vector) -> None:
        share = np.clip(mask, 0, 1)[:, None] * ahead[:, None]
        colour[:] = colour * (1 - share) + np.asarray(tint, np.float32) * share

    def spot(
        cx: float, cy: float, rx: float, ry: float, soft: float = 0.25
    ) -> NDArray[np.floating[Any]]:
        distance = np.hypot((np.abs(x) - cx) / rx, (y - cy) / ry)
        share: NDArray[np.floating[Any]] = np.clip((1 + soft - distance) / (2 * soft), 0, 1)
        return share

    eye = 0.145 * head.eye_spacing
    hair = np.asarray(head.hair, np.float32) ** 2.2
    mix(0.35 * spot(0.20, 0.14, 0.12, 0.10, 0.9), skin * np.array([1.08, 0.78, 0.74]))
    mix(0.42 * spot(eye, 0.315, 0.105, 0.075, 0.7), skin * 0.45)
    if head.beard > 0:
        low = np.clip((0.10 - y) / 0.06, 0, 1) * np.clip((z - 0.02) / 0.08, 0, 1)
        low = low * (1 - spot(0.0, 0.012, 0.11, 0.035, 0.2))
        mix(head.beard * 0.85 * low, 0.8 * hair + 0.15 * skin)
        mix(head.beard * 0.7 * spot(0.0, 0.07, 0.13, 0.022), 0.8 * hair + 0.15 * skin)
    mix(0.85 * spot(0.0, 0.012, 0.105 * head.mouth_width, 0.034), np.asarray(head.lips) ** 2.2)
    mix(0.75 * spot(0.0, 0.010, 0.10 * head.mouth_width, 0.008, 0.5), skin * 0.22)
    mix(0.6 * spot(0.035, 0.112, 0.022, 0.014, 0.5), skin * 0.2)
    mix(0.9 * spot(eye, 0.305, 0.058, 0.026), (0.72, 0.70, 0.68))
    mix(spot(eye, 0.305, 0.027, 0.028), np.asarray(head.iris, np.float32) ** 2.2 * 0.6)
    mix(0.8 * spot(eye, 0.334, 0.066, 0.011, 0.4), skin * 0.12)
    mix(0.85 * spot(eye * 1.03, 0.395, 0.09, 0.020 * head.brow, 0.4), hair * 0.6 + 0.06 * skin)
    return colour


def make_head(head: Head, build: Build) -> Skin:
    """Make a head for a body of this build."""
    u = head_unit(build)
    rest = rest_bones(build)
    face, nose = _face_shapes(head, u), _nose_shapes(head, u)
    margin = 0.18 * u
    grid = Grid.around([*face, *nose], HEAD_STEP, margin)
    if head.style in ("bob", "long"):
        down = Cone((0, -0.75 * u, -0.4 * u), (0, 0.6 * u, -0.4 * u), 0.15 * u, 0.15 * u)
        grid = Grid.around([*face, *nose, down], HEAD_STEP, margin)
    field = grid.fill(face, 0.12 * u)
    for shape in nose:
        window = grid.window(shape, 0.04)
        points, size = grid.points(window)
        part = shape.distance(points).reshape(size)
        field[window] = smooth_min(field[window], part, 0.05 * u)
    # eye sockets
    for sign in (1.0, -1.0):
        socket = Ellipsoid(
            (sign * 0.15 * u * head.eye_spacing, 0.315 * u, 0.475 * u),
            (0.095 * u, 0.05 * u, 0.065 * u),
        )
        window = grid.window(socket, 0.02)
        points, size = grid.points(window)
        field[window] = np.maximum(field[window], -socket.distance(points).reshape(size))
    hair = _hair_field(head, grid, u)
    whole = field if hair is None else np.minimum(field, hair)
    vertices, normals, triangles = surface(grid, whole)
    colours = _paint(vertices, head, u)
    gloss = np.full(len(vertices), 0.10, np.float32)
    if hair is not None:
        index = np.rint((vertices - grid.origin) / grid.step).astype(int)
        index = np.minimum(index, np.array(grid.shape) - 1)
        i, j, k = index.T
        hairy = hair[i, j, k] < field[i, j, k]
        rng = np.random.default_rng(int(1e6 * sum(head.hair)))
        strands = 1 + 0.13 * rng.standard_normal(int(hairy.sum()))
        tone = np.asarray(head.hair, np.float32) ** 2.2
        colours[hairy] = np.clip(tone * strands[:, None], 0.003, 1)
        normals[hairy] += rng.normal(0, 0.12, (int(hairy.sum()), 3)).astype(np.float32)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        gloss[hairy] = 0.08
    weights = np.zeros((len(vertices), N_BONES), np.float32)
    # the lower neck follows the neck bone, so that nothing tears when the head nods
    share = np.clip((vertices[:, 1] / u + 0.40) / 0.35, 0, 1)
    weights[:, Bone.HEAD] = share
    weights[:, Bone.NECK] = 1 - share
    return Skin(
        (vertices + rest.origins[0, Bone.HEAD]).astype(np.float32),
        normals.astype(np.float32),
        triangles,
        weights,
        colours,
        gloss,
        rest,
        np.ones(len(vertices), bool),
    )

"""The frame behind a walker: a room or a street, drawn once per walk by casting rays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.staging import Camera

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Colour = tuple[float, float, float]

SAMPLES: Final = 2
"""Rays per pixel side."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in scene axes (floor at y = 0); linear colour."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    colour: Colour
    grain: float = 0.1
    windows: float = 0.0
    """Spacing of a window grid on its faces, metres; 0 for none."""


@dataclass(frozen=True)
class Ball:
    """A ball (the crown of a tree, a plant); linear colour."""

    centre: tuple[float, float, float]
    radius: float
    colour: Colour


@dataclass(frozen=True)
class Light:
    """Light of a scene: direction to the key light, and strengths in linear units."""

    direction: tuple[float, float, float]
    key: float
    ambient: float
    warmth: float
    shadow: float
    softness: float


@dataclass(frozen=True)
class Scene:
    """A place; everything in scene axes with the floor at y = 0."""

    floor: str
    floor_colour: Colour
    floor_second: Colour
    sky: Colour
    boxes: tuple[Box, ...]
    balls: tuple[Ball, ...]
    light: Light
    seed: int
    belt: tuple[float, float, float, float, float] | None = None
    """A treadmill belt: centre x, z, length, width, heading in degrees; or None."""


def _tint(rng: np.random.Generator, low: float, high: float, strength: float) -> Colour:
    value = rng.uniform(low, high) + rng.normal(0, strength, 3)
    mixed = np.clip(value, 0.02, 0.95)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def random_light(rng: np.random.Generator, outdoor: bool) -> Light:
    """Draw the light of a place: sun or lamps."""
    azimuth = rng.uniform(-1.1, 1.1)
    height = rng.uniform(0.75, 1.5) if outdoor else rng.uniform(1.2, 2.6)
    direction = np.array([np.sin(azimuth), height, 0.35 + 0.65 * np.cos(azimuth)])
    direction /= np.linalg.norm(direction)
    return Light(
        direction=(float(direction[0]), float(direction[1]), float(direction[2])),
        key=float(rng.uniform(0.55, 0.95)),
        ambient=float(rng.uniform(0.38, 0.62)),
        warmth=float(rng.normal(0.0, 0.05)),
        shadow=float(rng.uniform(0.35, 0.65) if outdoor else rng.uniform(0.2, 0.45)),
        softness=float(rng.uniform(0.8, 1.6) if outdoor else rng.uniform(1.6, 3.5)),
    )


def _room(rng: np.random.Generator, depth: float) -> Scene:
    back = -depth - rng.uniform(1.5, 3.0)
    half = rng.uniform(4.0, 6.5) + 0.12 * depth
    top = rng.uniform(2.7, 3.6)
    wall = _tint(rng, 0.35, 0.8, 0.04)
    side = (wall[0] * 0.92, wall[1] * 0.92, wall[2] * 0.92)
    trim = _tint(rng, 0.5, 0.9, 0.01) if rng.random() < 0.6 else _tint(rng, 0.05, 0.2, 0.02)
    boxes = [
        Box((-60, 0, back - 0.3), (60, top, back), wall, 0.04),
        Box((-half - 0.3, 0, back), (-half, top, 5), side, 0.04),
        Box((half, 0, back), (half + 0.3, top, 5), side, 0.04),
        Box((-60, top, back - 1), (60, top + 0.3, 5), (0.75, 0.74, 0.72), 0.02),
        Box((-60, 0, back), (60, 0.12, back + 0.02), trim, 0.02),
    ]
    x = -half + rng.uniform(0.3, 1.2)
    while x < half - 1.0:
        kind = rng.choice(["picture", "door", "window", "cupboard", "gap", "gap"])
        if kind == "picture":
            w, h, y = rng.uniform(0.5, 1.3), rng.uniform(0.4, 0.9), rng.uniform(1.2, 1.6)
            boxes.append(
                Box((x, y, back), (x + w, y + h, back + 0.04), _tint(rng, 0.05, 0.3, 0.02))
            )
            inner = _tint(rng, 0.1, 0.7, 0.15)
            boxes.append(
                Box(
                    (x + 0.06, y + 0.06, back),
                    (x + w - 0.06, y + h - 0.06, back + 0.05),
                    inner,
                    0.4,
                )
            )
        elif kind == "door":
            w = 0.95
            boxes.append(Box((x, 0, back), (x + w, 2.1, back + 0.05), trim))
            boxes.append(
                Box(
                    (x + 0.07, 0, back),
                    (x + w - 0.07, 2.03, back + 0.06),
                    _tint(rng, 0.1, 0.6, 0.05),
                    0.15,
                )
            )
        elif kind == "window":
            w = rng.uniform(1.0, 2.0)
            boxes.append(Box((x, 0.95, back), (x + w, 2.2, back + 0.05), trim))
            boxes.append(
                Box(
                    (x + 0.07, 1.02, back),
                    (x + w - 0.07, 2.13, back + 0.06),
                    (0.75, 0.85, 0.95),
                    0.05,
                )
            )
        elif kind == "cupboard":
            w, h, d = rng.uniform(0.6, 1.6), rng.uniform(0.5, 1.9), rng.uniform(0.35, 0.6)
            boxes.append(Box((x, 0, back), (x + w, h, back + d), _tint(rng, 0.08, 0.6, 0.07), 0.2))
        else:
            w = 0.8
        x += w + rng.uniform(0.2, 0.9)
    return Scene(
        floor=str(rng.choice(["wood", "tiles", "carpet", "lino"])),
        floor_colour=_tint(rng, 0.15, 0.55, 0.04),
        floor_second=_tint(rng, 0.1, 0.5, 0.04),
        sky=(0.7, 0.7, 0.7),
        boxes=tuple(boxes),
        balls=(),
        light=random_light(rng, outdoor=False),
        seed=int(rng.integers(2**31)),
    )


def _street(rng: np.random.Generator, depth: float) -> Scene:
    back = -depth - rng.uniform(4.0, 12.0)
    boxes, balls = [], []
    x = -45.0
    while x < 45:
        w = rng.uniform(6, 14)
        boxes.append(
            Box(
                (x, 0, back - 8 + rng.uniform(-1, 1)),
                (x + w, rng.uniform(5, 16), back),
                _tint(rng, 0.15, 0.6, 0.06),
                0.12,
                rng.uniform(1.8, 3.2),
            )
        )
        x += w + (rng.uniform(0, 4) if rng.random() < 0.3 else 0.0)
    kerb = back + rng.uniform(0.8, 3.0)
    boxes.append(Box((-60, 0, kerb - 0.25), (60, 0.11, kerb), (0.4, 0.4, 0.38), 0.1))
    for _ in range(int(rng.integers(1, 6))):
        px, pz = rng.uniform(-9, 9), rng.uniform(back + 0.5, -depth - 2.0)
        if rng.random() < 0.5:
            green = (rng.uniform(0.03, 0.1), rng.uniform(0.12, 0.25), 0.04)
            boxes.append(Box((px - 0.1, 0, pz - 0.1), (px + 0.1, 2.0, pz + 0.1), (0.1, 0.07, 0.05)))
            for _ in range(5):
                centre = rng.normal([px, 2.8, pz], [0.6, 0.45, 0.5])
                balls.append(
                    Ball(
                        (float(centre[0]), float(centre[1]), float(centre[2])),
                        rng.uniform(0.6, 1.0),
                        green,
                    )
                )
        else:
            boxes.append(
                Box(
                    (px - 0.05, 0, pz - 0.05),
                    (px + 0.05, rng.uniform(1, 5), pz + 0.05),
                    (0.12, 0.12, 0.12),
                )
            )
    return Scene(
        floor=str(rng.choice(["asphalt", "paving", "grass", "paving"])),
        floor_colour=_tint(rng, 0.18, 0.42, 0.015),
        floor_second=_tint(rng, 0.15, 0.4, 0.015),
        sky=(0.55, 0.7, 0.92) if rng.random() < 0.6 else (0.75, 0.77, 0.8),
        boxes=tuple(boxes),
        balls=tuple(balls),
        light=random_light(rng, outdoor=True),
        seed=int(rng.integers(2**31)),
    )


def random_scene(
    rng: np.random.Generator, depth: float, belt: tuple[float, float, float, float, float] | None
) -> Scene:
    """Draw a place whose things all lie more than a metre behind the walk.

    Parameters
    ----------
    rng
        Random generator.
    depth
        Distance in metres from the camera to the farthest point of the walk.
    belt
        The treadmill, which is always indoors.
    """
    if belt is None and rng.random() < 0.4:
        return _street(rng, depth)
    room = _room(rng, depth)
    return Scene(**{**room.__dict__, "belt": belt})


class _Noise:
    """Smooth random texture that repeats after 64 metres."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 0x7E87])
        self._table = rng.normal(0, 1, (256, 256)).astype(np.float32)

    def __call__(self, x: Float32, y: Float32, scale: float) -> Float32:
        u, v = x * np.float32(scale), y * np.float32(scale)
        i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        fu, fv = u - i, v - j
        t = self._table
        a, b = t[i & 255, j & 255], t[(i + 1) & 255, j & 255]
        c, d = t[i & 255, (j + 1) & 255], t[(i + 1) & 255, (j + 1) & 255]
        value: Float32 = ((a * (1 - fu) + b * fu) * (1 - fv) + (c * (1 - fu) + d * fu) * fv).astype(
            np.float32
        )
        return value


def _floor_colour(scene: Scene, x: Float32, z: Float32, noise: _Noise) -> Float32:
    first = np.asarray(scene.floor_colour, np.float32)
    second = np.asarray(scene.floor_second, np.float32)
    n = len(x)
    mix, gain = np.zeros(n, np.float32), np.ones(n, np.float32)
    if scene.floor == "wood":
        board = np.floor(x / 0.16)
        gain = 1 + 0.16 * noise(board * 7.3, np.floor(z / 1.7 + board * 0.37) * 3.1, 1.0)
        gain += 0.06 * noise(x, z * 0.1, 45.0)
        gain *= 1 - 0.35 * (np.abs(x / 0.16 - board - 0.5) > 0.47)
    elif scene.floor in ("tiles", "paving"):
        size = 0.45 if scene.floor == "tiles" else 0.6
        i, j = np.floor(x / size), np.floor(z / size)
        if scene.floor == "tiles" and scene.seed % 2:
            mix = ((i + j) % 2).astype(np.float32)
        gain = 1 + 0.06 * noise(i * 5.1, j * 3.7, 1.0) + 0.05 * noise(x, z, 18.0)
        joint = (np.abs(x / size - i - 0.5) > 0.48) | (np.abs(z / size - j - 0.5) > 0.48)
        gain *= 1 - 0.4 * joint
    elif scene.floor == "grass":
        first = np.array([0.08, 0.20, 0.05], np.float32) * (0.8 + first.mean())
        gain = 1 + 0.25 * noise(x, z, 30.0) + 0.2 * noise(x, z, 3.0)
    elif scene.floor == "asphalt":
        gain = 1 + 0.10 * noise(x, z, 40.0) + 0.10 * noise(x, z, 1.5)
    else:
        strength = 0.10 if scene.floor == "carpet" else 0.04
        gain = 1 + strength * noise(x, z, 60.0) + 0.06 * noise(x, z, 0.8)
    colour: Float32 = (first * (1 - mix[:, None]) + second * mix[:, None]) * gain[:, None]
    if scene.belt is not None:
        cx, cz, length, width, heading = scene.belt
        angle = np.radians(heading)
        along = (x - cx) * np.sin(angle) + (z - cz) * np.cos(angle)
        across = (x - cx) * np.cos(angle) - (z - cz) * np.sin(angle)
        rim = (np.abs(along) < length / 2 + 0.12) & (np.abs(across) < width / 2 + 0.10)
        belt = (np.abs(along) < length / 2) & (np.abs(across) < width / 2)
        colour[rim] = np.array([0.22, 0.23, 0.25], np.float32)
        colour[belt] = 0.055 * (1 + 0.15 * noise(x[belt], z[belt], 60.0))[:, None]
    return colour.astype(np.float32)


def _box_hits(rays: Float32, eye: Float32, box: Box) -> tuple[Float32, NDArray[np.int64]]:
    """Return the distance to a box (inf where missed) and the axis of the face that is hit."""
    enter: list[Float32] = []
    leave: list[Float32] = []
    for i in range(3):
        inverse = 1 / np.where(np.abs(rays[:, i]) < 1e-7, np.float32(1e-7), rays[:, i])
        near, far = (box.low[i] - eye[i]) * inverse, (box.high[i] - eye[i]) * inverse
        enter.append(np.minimum(near, far))
        leave.append(np.maximum(near, far))
    start = np.maximum(np.maximum(enter[0], enter[1]), enter[2])
    end = np.minimum(np.minimum(leave[0], leave[1]), leave[2])
    axis = np.where(start == enter[0], 0, np.where(start == enter[1], 1, 2))
    hit = (start < end) & (start > 0.05)
    return np.where(hit, start, np.inf).astype(np.float32), axis


def draw_scene(scene: Scene, camera: Camera) -> NDArray[np.uint8]:
    """Draw a scene.

    Returns
    -------
    ndarray of uint8
        Shape (height, width, 3), RGB.
    """
    width, height = camera.size
    u = (np.arange(width * SAMPLES) + 0.5) / SAMPLES
    v = (np.arange(height * SAMPLES) + 0.5) / SAMPLES
    pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    rays = camera.rays(pixels).astype(np.float32)
    eye = np.array([0, camera.height, 0], np.float32)
    noise = _Noise(scene.seed)
    down = np.minimum(rays[:, 1], -1e-6)
    nearest = np.where(rays[:, 1] < -1e-4, -eye[1] / down, np.inf).astype(np.float32)
    owner = np.where(np.isfinite(nearest), 0, -1)
    axes = np.ones(len(rays), np.int64)
    for number, box in enumerate(scene.boxes, start=1):
        distance, axis = _box_hits(rays, eye, box)
        # a thing on a wall shares the wall's plane but for centimetres: later ones win ties
        closer = distance <= nearest
        nearest[closer], owner[closer], axes[closer] = distance[closer], number, axis[closer]
    glow = np.clip(rays[:, 1:2] * 2.2, 0, 1)
    colour = np.asarray(scene.sky, np.float32) * (1 - 0.25 * glow)
    points = eye + rays * np.where(np.isfinite(nearest), nearest, 0)[:, None]
    light = scene.light
    floor = owner == 0
    colour[floor] = _floor_colour(scene, points[floor, 0], points[floor, 2], noise)
    colour[floor] *= light.ambient + light.key * light.direction[1]
    for number, box in enumerate(scene.boxes, start=1):
        chosen = owner == number
        if not chosen.any():
            continue
        p, axis = points[chosen], axes[chosen]
        # a face's own two coordinates
        a = np.where(axis == 0, p[:, 2], p[:, 0])
        b = np.where(axis == 1, p[:, 2], p[:, 1])
        tone = np.asarray(box.colour, np.float32)
        tone = tone * (1 + box.grain * 0.5 * noise(a, b, 4.0))[:, None]
        tone *= (1 + box.grain * 0.35 * noise(a, b, 25.0))[:, None]
        if box.windows:
            s = np.float32(box.windows)
            pane = (np.abs(a / s % 1 - 0.5) < 0.24) & (np.abs(b / s % 1 - 0.5) < 0.3) & (b > 0.4)
            tone = np.where(pane[:, None], np.array([0.07, 0.09, 0.12], np.float32), tone)
        facing = np.array([abs(light.direction[0]) * 0.8, 1.0, max(light.direction[2], 0.15)])
        # corners near the floor get less light
        corner = 1 - 0.30 * np.exp(-p[:, 1] / 0.35)
        colour[chosen] = tone * (light.ambient + 0.8 * light.key * facing[axis] * corner)[:, None]
    for ball in scene.balls:
        to = np.asarray(ball.centre, np.float32) - eye
        middle = rays @ to
        miss = float(to @ to) - middle**2
        hit = (miss < ball.radius**2) & (middle > 0)
        distance = middle - np.sqrt(np.maximum(ball.radius**2 - miss, 0))
        hit &= distance < nearest
        p = eye + rays[hit] * distance[hit, None]
        normal = (p - np.asarray(ball.centre, np.float32)) / ball.radius
        leaves = 1 + 0.5 * noise(p[:, 0], p[:, 1], 12.0)
        shade = light.ambient + light.key * np.clip(normal @ np.array(light.direction), 0, 1)
        colour[hit] = np.asarray(ball.colour, np.float32) * (leaves * shade)[:, None]
        nearest[hit] = distance[hit]
    colour *= np.array([1 + light.warmth, 1.0, 1 - light.warmth], np.float32)
    image = np.clip(colour, 0, 1).reshape(height * SAMPLES, width * SAMPLES, 3)
    small = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)

"""Things put before aligned faces: those it is tried on are of kinds that no training uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Occluder = Callable[[Image, np.random.Generator], tuple[Image, Float32]]
"""``occlude(face, rng)``: a square aligned face (S, S, 3) with something before it, and what is
covered, (S, S), 0 to 1."""


def microphone(face: Image, rng: np.random.Generator) -> tuple[Image, Float32]:
    """Hold a dark foam ball on a stick before mouth or chin."""
    side = len(face)
    mask, (xx, yy) = np.zeros((side, side), np.float32), _grid(side)
    x, y = side * rng.uniform((0.36, 0.72), (0.64, 0.92))
    radius = side * rng.uniform(0.09, 0.16)
    angle = rng.uniform(-0.6, 0.6)
    end = (x + np.sin(angle) * side, y + np.cos(angle) * side)
    _stroke(mask, (x, y), end, 0.9 * radius)
    axes = (int(radius), int(1.2 * radius))
    cv2.ellipse(mask, (int(x), int(y)), axes, 0, 0, 360, [1.0], -1)
    far = (xx - x + 0.4 * radius) ** 2 + (yy - y + 0.5 * radius) ** 2
    shade = np.clip(1.25 - far / (2.2 * radius**2), 0.45, 1.5)
    foam = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 0.8) * 14
    colour = rng.uniform(15, 70) + rng.normal(0, 6, 3)
    return _put_before(face, colour * shade[..., None] + foam[..., None], mask, rng)


def hand(face: Image, rng: np.random.Generator) -> tuple[Image, Float32]:
    """Lay four fingers of about the face's colour on it, from below or from a side."""
    side = len(face)
    mask, (xx, yy) = np.zeros((side, side), np.float32), _grid(side)
    tone = skin_of(face) * rng.uniform(0.75, 1.15) * rng.uniform(0.94, 1.06, 3)
    layer = np.broadcast_to(tone, face.shape).copy()
    angle = rng.uniform(-0.35, 0.35) + rng.choice([0, 1.1, -1.1])
    along = np.array([np.sin(angle), -np.cos(angle)])
    across = np.array([-along[1], along[0]])
    tip = side * rng.uniform((0.4, 0.5), (0.6, 0.75))
    width = side * rng.uniform(0.055, 0.08)
    for finger in range(4):
        shorter = side * (0.06 if finger in (0, 3) else 0) * rng.uniform(0.6, 1.3)
        end = tip + across * (finger - 1.5) * width * 1.12 - along * shorter
        own = np.zeros_like(mask)
        _stroke(own, end, end - along * side * 0.6, width)
        middle = np.abs((xx - end[0]) * across[0] + (yy - end[1]) * across[1]) / (width / 2)
        shade = (1.08 - 0.45 * np.clip(middle, 0, 1.2) ** 3)[..., None]
        layer = np.where(own[..., None] > 0, tone * shade, layer)
        mask = np.maximum(mask, own)
    return _put_before(
        _shadowed(face, mask, 0.3), layer + rng.normal(0, 2.5, layer.shape), mask, rng
    )


def card(face: Image, rng: np.random.Generator) -> tuple[Image, Float32]:
    """Hold something flat and dark or bright before a cheek or the mouth: a telephone, a paper."""
    side = len(face)
    mask, (xx, yy) = np.zeros((side, side), np.float32), _grid(side)
    centre, size = (
        side * rng.uniform((0.2, 0.6), (0.8, 0.95)),
        side * rng.uniform((0.25, 0.4), (0.45, 0.7)),
    )
    corners = cv2.boxPoints((tuple(centre), tuple(size), float(rng.uniform(-40, 40))))
    cv2.fillConvexPoly(mask, corners.astype(np.int32), [1.0])
    level = rng.uniform(10, 60) if rng.random() < 0.5 else rng.uniform(170, 240)
    gleam = 1 + 0.15 * np.sin((xx + yy) / side * 3 + rng.uniform(0, 6))
    layer = (level + rng.normal(0, 8, 3)) * gleam[..., None] + rng.normal(0, 2, (side, side, 1))
    return _put_before(face, layer, mask, rng)


OCCLUDERS: Final[Mapping[str, Occluder]] = MappingProxyType(
    {"microphone": microphone, "hand": hand, "card": card}
)
"""Tried on; training knows shapes and textures alone."""


def cover(
    face: Float32, others: Sequence[Image], rng: np.random.Generator
) -> tuple[Float32, Float32]:
    """Cover part of a face with a random shape of a random texture: what training uses.

    Parameters
    ----------
    face
        Shape (S, S, 3), of 255.
    others
        Faces, parts of which serve as textures.
    rng
        Same state, same result.
    """
    mask = _shape(len(face), rng)
    if rng.random() < 0.3:
        mask = np.maximum(mask, _shape(len(face), rng))
    layer = _texture(face, others, rng)
    if rng.random() < 0.4:
        face = _shadowed(face, mask, 0.35)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.3, 1.2))[..., None]
    return np.asarray(face * (1 - soft) + layer * soft, np.float32), mask


def skin_of(face: NDArray[Any]) -> Float64:
    """Return the median colour (3,) of the middle of an aligned face (S, S, 3)."""
    side = len(face)
    middle = face[int(0.45 * side) : int(0.65 * side), int(0.3 * side) : int(0.7 * side)]
    return np.asarray(np.median(middle.reshape(-1, 3), axis=0), np.float64)


def _shape(side: int, rng: np.random.Generator) -> Float32:
    """Return an ellipse, strokes side by side, a polygon, or all beyond a line."""
    mask = np.zeros((side, side), np.float32)
    kind = rng.integers(4)
    if kind == 0:
        centre, axes = rng.uniform((0, 0.2), 1, 2) * side, rng.uniform(0.06, 0.3, 2) * side
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(mask, _whole(centre), _whole(axes), angle, 0, 360, [1.0], -1)
    elif kind == 1:
        begin, angle = rng.uniform(0.15, 0.85, 2) * side, rng.uniform(0, 2 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        width = side * rng.uniform(0.05, 0.16)
        end = begin + along * side * rng.uniform(0.4, 1.2)
        beside = np.array([-along[1], along[0]]) * width * rng.uniform(0.9, 1.4)
        for place in range(rng.integers(1, 5)):
            ragged = rng.normal(0, 0.02 * side, 2)
            _stroke(mask, begin + beside * place + ragged, end + beside * place, width)
    elif kind == 2:
        centre = rng.uniform((0.1, 0.3), (0.9, 1.0)) * side
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        reach = side * rng.uniform(0.12, 0.4, (len(angles), 1))
        corners = centre + np.column_stack((np.cos(angles), np.sin(angles))) * reach
        cv2.fillPoly(mask, [corners.astype(np.int32)], [1.0])
    else:
        left, right = rng.uniform(0.6, 1.0, 2) * side
        cv2.fillPoly(
            mask, [np.array([(0, left), (side, right), (side, side), (0, side)], np.int32)], [1.0]
        )
        mask = np.ascontiguousarray(np.rot90(mask, rng.choice([0, 0, 1, 3])))
    return mask


def _texture(face: Float32, others: Sequence[Image], rng: np.random.Generator) -> Float32:
    side, kind = len(face), rng.integers(4)
    if kind == 3:
        other = others[rng.integers(len(others))]
        size = int(rng.integers(20, side))
        x, y = rng.integers(0, len(other) - size + 1, 2)
        part = cv2.resize(other[y : y + size, x : x + size], (side, side))
        return np.asarray(part * rng.uniform(0.7, 1.3), np.float32)
    colours = (
        rng.uniform(0, 255) + rng.normal(0, 20, 3),
        rng.uniform(0, 255, 3),
        skin_of(face) * rng.uniform(0.6, 1.3) * rng.uniform(0.93, 1.07, 3),
    )
    xx, yy = _grid(side)
    slope = rng.normal(0, 0.25, 2) @ np.stack((xx, yy)).reshape(2, -1) / side
    shade = 1 + slope.reshape(side, side)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), rng.uniform(0.4, 4))
    noise = noise * (rng.uniform(0, 18) / max(float(noise.std()), 1e-6))
    return np.asarray(colours[kind] * shade[..., None] + noise[..., None], np.float32)


def _shadowed(face: NDArray[Any], mask: Float32, depth: float) -> Float32:
    """Return the face with the shadow of what will be before it."""
    side = len(face)
    moved = np.roll(mask, (max(1, side // 50),) * 2, (0, 1))
    shadow = cv2.GaussianBlur(moved, (0, 0), 0.025 * side)
    return np.asarray(face * (1 - depth * shadow[..., None]), np.float32)


def _put_before(
    face: NDArray[Any],
    layer: NDArray[np.floating[Any]],
    mask: Float32,
    rng: np.random.Generator,
) -> tuple[Image, Float32]:
    """Blend as a camera would: neither edge nor texture is sharper than a pixel."""
    blur = rng.uniform(0.5, 1.1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.float32)
    smooth = cv2.GaussianBlur(np.asarray(layer, np.float32), (0, 0), 0.7 * blur)
    mixed = face * (1 - soft[..., None]) + smooth * soft[..., None]
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8), soft


def _grid(side: int) -> tuple[Float64, Float64]:
    """Return x and y of every pixel."""
    yy, xx = np.mgrid[:side, :side].astype(np.float64)
    return xx, yy


def _whole(point: Sequence[float] | Float64) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _stroke(
    mask: Float32,
    begin: Sequence[float] | Float64,
    end: Sequence[float] | Float64,
    width: float,
) -> None:
    cv2.line(mask, _whole(begin), _whole(end), [1.0], max(1, int(width)))

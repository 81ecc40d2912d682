"""Self-blended images: forgeries made from one genuine face, on the fly.

A face is changed a little (colour, sharpness, place, shape) and laid over itself under a soft mask.
What remains is what every face swap leaves: two statistics in one face and a seam between them. The
idea is Shiohara and Yamasaki's, "Detecting Deepfakes with Self-Blended Images", CVPR 2022; numbers
with their name below are the paper's.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.train.face.robust import encode_jpeg

Image = NDArray[np.uint8]
Mask = NDArray[np.float32]
Points = NDArray[np.floating[Any]]

BLENDING_RATIOS: Final = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
"""How much of the source shows through, drawn evenly (Shiohara & Yamasaki, section 3.2)."""

_SHIFT: Final = (0.03, 0.015)
"""Largest move of the source, shares of width and height (the paper's)."""
_STRETCH: Final = 0.05
"""Largest scaling of the source (the paper's 0.95 to 1.05)."""

_BROWS: Final = 0.30
"""A hull without the forehead begins so far down the face's height."""


class SelfBlend(NamedTuple):
    """A forgery and what it is to be told from.

    Parameters
    ----------
    forged
        Shape (H, W, 3), uint8 RGB.
    genuine
        The same image without the blended face, likewise: with the same colours and sharpness, so
        that only the part that does not fit tells the two apart.
    mask
        Shape (H, W), 0 to 1: what of the forgery is the source's.
    """

    forged: Image
    genuine: Image
    mask: Mask


def self_blend(image: Image, points: Points, rng: np.random.Generator) -> SelfBlend:
    """Blend a face with a changed version of itself.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB.
    points
        Landmarks of the face, shape (K, 2), pixels, x first: a dense mesh, or the five points of
        `gaitproof.face.types.Face`.
    rng
        Same state, same forgery.
    """
    mask = face_mask(image.shape[:2], points, rng)
    source, target = image, image
    if rng.random() < 0.5:
        source = change_statistics(source, rng)
    else:
        target = change_statistics(target, rng)
    source, mask = displace(source, mask, rng)
    mask = soften(mask, rng) * np.float32(rng.choice(BLENDING_RATIOS))
    return SelfBlend(blend(source, target, mask), target, mask)


def blend(source: Image, target: Image, mask: Mask) -> Image:
    """Return ``mask * source + (1 - mask) * target``."""
    weight = mask[..., None]
    mixed = source * weight + target * (1 - weight)
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def face_mask(shape: tuple[int, ...], points: Points, rng: np.random.Generator) -> Mask:
    """Return a randomly reduced, randomly bent hull of the face, 0 to 1, shape (H, W)."""
    outline = _outline(np.asarray(points, np.float64))
    top, bottom = outline[:, 1].min(), outline[:, 1].max()
    height = bottom - top
    kind = rng.integers(5)
    first = 0.0
    if kind == 1:  # without the forehead, as swaps that stop at the brows
        first = top + height * _BROWS
    elif kind == 2:  # smaller all around
        centre = outline.mean(axis=0)
        outline = centre + (outline - centre) * rng.uniform(0.72, 1.0, 2)
    elif kind == 3:  # the lower half only: mouth and chin, as in re-enactment
        first = top + height * rng.uniform(0.4, 0.55)
    elif kind == 4:  # larger: the whole head
        centre = outline.mean(axis=0)
        outline = centre + (outline - centre) * rng.uniform(1.0, 1.3)
    hull = cv2.convexHull(np.rint(outline * 8).astype(np.int32))
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, hull, [255], lineType=cv2.LINE_AA, shift=3)
    mask[: max(0, round(first))] = 0
    width = float(np.ptp(outline[:, 0]))
    return bend(mask.astype(np.float32) / np.float32(255), 0.04 * width, rng)


def _outline(points: Points) -> Points:
    """Return points around the face: a mesh's own, or an ellipse guessed from five points."""
    if len(points) > 5:
        return points
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    across = np.array([down[1], -down[0]])
    centre = eyes + 0.55 * down
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)[:, None]
    ellipse: Points = centre + np.cos(angle) * across * 1.15 + np.sin(angle) * down * 1.45
    return ellipse


def smooth_field(
    shape: tuple[int, ...], size: float, grid: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a smooth random shift per pixel, shape (H, W, 2), standard deviation about `size`."""
    coarse = rng.normal(0, size, (grid, grid, 2)).astype(np.float32)
    return np.asarray(
        cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32
    )


def warp(image: NDArray[Any], field: NDArray[np.float32]) -> NDArray[Any]:
    """Return what lies at every place moved by a field (H, W, 2), pixels, x first."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return np.asarray(
        cv2.remap(
            image,
            columns + field[..., 0],
            rows + field[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )


def bend(mask: Mask, size: float, rng: np.random.Generator) -> Mask:
    """Deform a mask elastically; values stay within 0 and 1."""
    field = smooth_field(mask.shape, size, int(rng.integers(4, 9)), rng)
    return np.asarray(warp(mask, field), np.float32)


def soften(mask: Mask, rng: np.random.Generator) -> Mask:
    """Blur a mask's edge inwards and outwards, from hardly to very soft; 0 to 1."""
    side = max(mask.shape)
    width = float(np.exp(rng.uniform(np.log(0.004), np.log(0.06)))) * side
    soft = cv2.GaussianBlur(mask, (0, 0), width)
    if rng.random() < 0.5:  # moved inwards: nothing of the source beyond the hull
        soft = np.maximum(soft - 0.5, 0) * 2
    highest = float(soft.max())
    return np.asarray(soft / highest if highest > 0 else soft, np.float32)


def displace(source: Image, mask: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Move, scale, turn and warp the source and its mask a little."""
    height, width = mask.shape
    centre = (width / 2, height / 2)
    matrix = np.asarray(
        cv2.getRotationMatrix2D(
            centre, float(rng.uniform(-2, 2)), 1 + float(rng.uniform(-_STRETCH, _STRETCH))
        ),
        np.float64,
    )
    matrix[:, 2] += rng.uniform(-1, 1, 2) * _SHIFT * np.array([width, height])
    moved = cv2.warpAffine(source, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    cover = cv2.warpAffine(mask, matrix, (width, height))
    if rng.random() < 0.5:  # another face never fits point by point
        moved = warp(moved, smooth_field(mask.shape, 0.012 * width, int(rng.integers(3, 6)), rng))
    return np.asarray(moved, np.uint8), np.asarray(cover, np.float32)


def change_statistics(image: Image, rng: np.random.Generator) -> Image:
    """Change colour and sharpness, as another camera and another light would; at least one."""
    ways = rng.random(4) < (0.7, 0.5, 0.25, 0.25)
    if not ways.any():
        ways[0] = True
    if ways[0]:
        image = _recolour(image, rng)
    if ways[1]:
        image = _refocus(image, rng)
    if ways[2]:
        image = encode_jpeg(image, int(rng.integers(40, 90)))
    if ways[3]:
        noise = rng.normal(0, rng.uniform(1, 6), image.shape)
        image = np.asarray(np.rint(image + noise).clip(0, 255), np.uint8)
    return image


def _recolour(image: Image, rng: np.random.Generator) -> Image:
    """Change colour, contrast, saturation and light: mostly a little, at times a lot.

    The paper's ranges are the small ones; faces of two photographs differ more than that.
    """
    much = float(rng.choice([1.0, 1.0, 2.5]))
    pixels = image.astype(np.float32) + much * rng.uniform(-20, 20, 3).astype(np.float32)
    if rng.random() < 0.5:  # contrast and brightness
        gain = np.exp(much * rng.uniform(-0.15, 0.15))
        pixels = (pixels - 128) * gain + 128 + much * rng.uniform(-18, 18)
    if rng.random() < 0.5:  # saturation, down to none
        grey = pixels.mean(axis=2, keepdims=True)
        pixels = grey + (pixels - grey) * rng.uniform(max(0.0, 1 - 0.35 * much), 1 + 0.35 * much)
    if rng.random() < 0.4:  # light from another side
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
        slope = np.cos(angle) * columns + np.sin(angle) * rows
        pixels = pixels * (1 + much * rng.uniform(0.03, 0.15) * slope[..., None])
    return np.asarray(np.rint(pixels).clip(0, 255), np.uint8)


def _refocus(image: Image, rng: np.random.Generator) -> Image:
    """Sharpen, blur, or lose detail by scaling down and up again."""
    way = rng.integers(3)
    if way == 0:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.0))
        amount = rng.uniform(0.3, 1.2)
        return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
    if way == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    height, width = image.shape[:2]
    scale = rng.uniform(0.3, 0.9)
    small = cv2.resize(
        image,
        (max(1, round(width * scale)), max(1, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

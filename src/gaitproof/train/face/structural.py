"""Forgeries whose traces lie inside the face: features of another person, or warped ones.

Re-enactment and lip-sync leave no seam around the face; what they leave is a part that was drawn
anew (brows, eyes, nose, mouth, lower face). These are cheap stand-ins for them, beside the blends
of `gaitproof.train.face.sbi`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.align import compute_similarity, transform_points
from gaitproof.train.face.sbi import (
    Image,
    Mask,
    Points,
    SelfBlend,
    blend,
    change_statistics,
    smooth_field,
    soften,
    warp,
)

PARTS: Final = {
    "brows": (0.0, -0.32, 0.95, 0.28),
    "eyes": (0.0, 0.0, 0.9, 0.30),
    "eye": (0.5, 0.0, 0.42, 0.28),
    "nose": (0.0, 0.45, 0.38, 0.45),
    "mouth": (0.0, 1.0, 0.65, 0.36),
    "lower face": (0.0, 1.1, 0.95, 0.75),
}
"""Ellipses: centre and half axes, across in distances between the eyes, down in distances from the
eyes to the mouth; the origin lies between the eyes."""

_GRID: Final = 24


class Donor(NamedTuple):
    """A face of somebody else.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB.
    landmarks
        As many as the forged face has, shape (K, 2), pixels.
    """

    image: Image
    landmarks: Points


def structural_blend(
    image: Image,
    landmarks: Points,
    points: Points,
    rng: np.random.Generator,
    donor: Donor | None = None,
) -> SelfBlend:
    """Forge one part of a face.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB.
    landmarks
        Shape (K, 2), pixels.
    points
        The five points, shape (5, 2), pixels.
    rng
        Same state, same forgery.
    donor
        Whose part is put there in half of all cases, with the colours of the place; without one,
        and in the other half, the part itself is warped and redrawn with less detail.
    """
    mask = part_mask(image.shape[:2], points, rng)
    size = float(np.hypot(*(points[1] - points[0])))
    if donor is not None and donor.landmarks.shape == landmarks.shape and rng.random() < 0.5:
        source = match_colours(fit_donor(donor, landmarks, image.shape[:2]), image, mask)
        if rng.random() < 0.3:
            source = change_statistics(source, rng)
    else:
        field = smooth_field(
            image.shape, size * rng.uniform(0.02, 0.07), int(rng.integers(5, 10)), rng
        )
        field += rng.normal(0, 0.03 * size, 2).astype(np.float32)
        source = np.asarray(warp(image, field), np.uint8)
        if rng.random() < 0.6:
            source = _redraw(source, rng)
    mask = soften(mask, rng) * np.float32(rng.choice((0.75, 1.0, 1.0)))
    return SelfBlend(blend(source, image, mask), image, mask)


def part_mask(shape: tuple[int, ...], points: Points, rng: np.random.Generator) -> Mask:
    """Return one of `PARTS` of a face, a little larger or smaller, shape (H, W), 0 or 1."""
    names = list(PARTS)
    across, down, wide, high = PARTS[names[int(rng.integers(len(names)))]]
    points = np.asarray(points, np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    right, below = points[1] - points[0], mouth - eyes
    side = 1 if rng.random() < 0.5 else -1
    centre = eyes + side * across * right + down * below
    axes = np.array((wide * np.hypot(*right), high * np.hypot(*below))) * rng.uniform(0.85, 1.25, 2)
    turn = float(np.degrees(np.arctan2(right[1], right[0])))
    mask = np.zeros(shape[:2], np.float32)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), turn), [1.0], -1)
    return mask


def fit_donor(donor: Donor, landmarks: Points, shape: tuple[int, ...]) -> Image:
    """Return a donor's image with its landmarks brought near those of a face, shape (H, W, 3).

    By a similarity, and what remains by a smooth field.
    """
    height, width = shape[:2]
    wanted, own = (np.asarray(part, np.float64) for part in (landmarks, donor.landmarks))
    matrix = compute_similarity(own, wanted)
    moved = cv2.warpAffine(donor.image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    rest = wanted - transform_points(own, matrix)
    cells = (wanted * (_GRID / width, _GRID / height)).astype(int).clip(0, _GRID - 1)
    sums = np.zeros((_GRID, _GRID, 3), np.float32)
    np.add.at(sums, (cells[:, 1], cells[:, 0]), np.column_stack((rest, np.ones(len(rest)))))
    smooth: Any = cv2.GaussianBlur(sums, (0, 0), 1.2)
    coarse = smooth[..., :2] / (smooth[..., 2:] + np.float32(0.05))
    field = np.asarray(cv2.resize(coarse, (width, height)), np.float32)
    return np.asarray(warp(moved, -field), np.uint8)


def match_colours(source: Image, target: Image, mask: Mask) -> Image:
    """Give a part the mean and spread of each colour that the target has there."""
    inside = mask > 0.5
    if not inside.any():
        return source
    given, wanted = (image[inside].astype(np.float32) for image in (source, target))
    scale = (wanted.std(axis=0) / np.maximum(given.std(axis=0), 1)).clip(0.5, 2)
    shift = wanted.mean(axis=0) - given.mean(axis=0) * scale
    return np.asarray(np.rint(source * scale + shift).clip(0, 255), np.uint8)


def _redraw(image: Image, rng: np.random.Generator) -> Image:
    """Lose fine detail as a network that draws a part anew does."""
    if rng.random() < 0.5:
        return np.asarray(cv2.bilateralFilter(image, 5, float(rng.uniform(10, 40)), 3.0), np.uint8)
    height, width = image.shape[:2]
    scale = rng.uniform(0.35, 0.85)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    back: NDArray[Any] = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(back, np.uint8)

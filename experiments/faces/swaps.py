"""Face swaps between two portraits, in three ways that training never uses.

Detectors are trained on self-blended images: a face blended with itself. These put another person's
face on, so a detector that finds them has learnt more than its own training forgeries. All work on
RGB images with the landmarks of both faces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from gaitproof.errors import InputError

Image = NDArray[np.uint8]
Points = NDArray[np.floating[Any]]
Swap = Callable[[Image, Image, Points, Points], Image]
"""``swap(target, source, target_points, source_points)``: the target with the source's face."""

SOFTNESS: Final = 0.06
"""Blur of a mask's edge, standard deviation as a share of the face's width."""

HEAD_GROWTH: Final = 1.18
"""A pasted head is an ellipse so much larger than the box of the landmarks."""


def poisson_swap(
    target: Image, source: Image, target_points: Points, source_points: Points
) -> Image:
    """Warp the face landmark by landmark and blend its gradients (Pérez et al., SIGGRAPH 2003).

    Parameters
    ----------
    target, source
        RGB, shapes (H, W, 3) and (h, w, 3).
    target_points, source_points
        Shapes (K, 2): the same landmarks in both, pixels, x first.

    Returns
    -------
    ndarray
        Shape (H, W, 3).

    Raises
    ------
    InputError
        If the landmarks do not fit, or lie outside the images.
    """
    _check(target, source, target_points, source_points)
    warped = _warp_by_landmarks(source, source_points, target_points, _frame(target))
    mask = _hull(target_points, _frame(target))
    # the blending solves within the mask and needs a margin to the image's edge
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    filled = np.where(mask[..., None] > 0, warped, target)
    x, y, width, height = cv2.boundingRect(mask)
    centre = (x + width // 2, y + height // 2)
    return np.asarray(cv2.seamlessClone(filled, target, mask, centre, cv2.NORMAL_CLONE), np.uint8)


def head_paste(target: Image, source: Image, target_points: Points, source_points: Points) -> Image:
    """Lay the whole head over the other one, turned and scaled, with a feathered ellipse as edge.

    Parameters
    ----------
    target, source, target_points, source_points
        As in `poisson_swap`.

    Raises
    ------
    InputError
        As in `poisson_swap`.
    """
    _check(target, source, target_points, source_points)
    warped = _warp_by_similarity(source, source_points, target_points, _frame(target))
    low, high = target_points.min(axis=0), target_points.max(axis=0)
    half = HEAD_GROWTH * (high - low) / 2
    mask = np.zeros(_frame(target), np.uint8)
    centre = ((low + high) / 2).round().astype(int).tolist()
    axes = half.round().astype(int).tolist()
    cv2.ellipse(mask, centre, axes, 0.0, 0.0, 360.0, [255], -1)
    return _blend(target, warped, _soften(mask, target_points))


def colour_swap(
    target: Image, source: Image, target_points: Points, source_points: Points
) -> Image:
    """Warp the face, give it the other skin's colours, and blend with a soft mask.

    Mean and spread of each channel of CIELAB are carried over (Reinhard et al., 2001).

    Parameters
    ----------
    target, source, target_points, source_points
        As in `poisson_swap`.

    Raises
    ------
    InputError
        As in `poisson_swap`.
    """
    _check(target, source, target_points, source_points)
    warped = _warp_by_landmarks(source, source_points, target_points, _frame(target))
    mask = _hull(target_points, _frame(target))
    inside = mask > 0
    wanted, given = (_to_lab(image)[inside] for image in (target, warped))
    scale = wanted.std(axis=0) / np.maximum(given.std(axis=0), 1e-3)
    lab = _to_lab(warped)
    lab[inside] = (given - given.mean(axis=0)) * scale.clip(0.5, 2) + wanted.mean(axis=0)
    coloured = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).clip(0, 255).astype(np.uint8)
    return _blend(target, coloured, _soften(mask, target_points))


SWAPS: Final[Mapping[str, Swap]] = MappingProxyType(
    {"poisson": poisson_swap, "head-paste": head_paste, "colour": colour_swap}
)
"""By name."""


def _check(target: Image, source: Image, target_points: Points, source_points: Points) -> None:
    for image, points in ((target, target_points), (source, source_points)):
        size = np.array(image.shape[1::-1])
        if points.ndim != 2 or points.shape != target_points.shape or not np.isfinite(points).all():
            raise InputError(
                "A swap needs the same landmarks of both faces.",
                actual=f"{target_points.shape} and {source_points.shape}",
            )
        if (points.max(axis=0) < 0).any() or (points.min(axis=0) >= size).any():
            raise InputError("The landmarks lie outside the image.")


def _warp_by_landmarks(
    source: Image, source_points: Points, target_points: Points, shape: tuple[int, int]
) -> Image:
    """Move every triangle between landmarks to its place; black outside the face."""
    low = np.maximum(np.floor(target_points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(target_points.max(axis=0)).astype(int) + 1, shape[::-1])
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]]
    places = LinearNDInterpolator(target_points, source_points, fill_value=-1.0)
    at = places(columns, rows).astype(np.float32)
    out = np.zeros((*shape, 3), np.uint8)
    out[low[1] : high[1], low[0] : high[0]] = cv2.remap(
        source, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return out


def _warp_by_similarity(
    source: Image, source_points: Points, target_points: Points, shape: tuple[int, int]
) -> Image:
    matrix, _ = cv2.estimateAffinePartial2D(
        source_points.astype(np.float32), target_points.astype(np.float32), method=cv2.LMEDS
    )
    if matrix is None:
        raise InputError("The landmarks of one face all lie in one place.")
    warped = cv2.warpAffine(source, matrix, shape[::-1], borderMode=cv2.BORDER_REFLECT)
    return np.asarray(warped, np.uint8)


def _frame(image: Image) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _hull(points: Points, shape: tuple[int, int]) -> Image:
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.round().astype(np.int32)), [255])
    return mask


def _soften(mask: Image, points: Points) -> NDArray[np.float32]:
    """Blur a mask inwards, so that nothing outside it changes."""
    width = float(np.ptp(points[:, 0]))
    sigma = max(SOFTNESS * width, 0.5)
    size = 2 * int(2 * sigma) + 1
    inner = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return np.asarray(cv2.GaussianBlur(inner.astype(np.float32) / 255, (0, 0), sigma), np.float32)


def _blend(target: Image, face: Image, weight: NDArray[np.float32]) -> Image:
    mixed = target * (1 - weight[..., None]) + face * weight[..., None]
    return np.asarray(mixed.round().clip(0, 255), np.uint8)


def _to_lab(image: Image) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)

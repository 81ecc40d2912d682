"""Squares in which faces of every size are found, and what of it counts once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.types import Face

Image = NDArray[np.uint8]
Float64 = NDArray[np.float64]

SMALLEST_SHARE: Final = 0.085
"""Face of this share of a square's side that MediaPipe's full-range detector finds reliably: its
input has 192 pixels, and faces below about 14 of them are missed (measured on portraits)."""

TILE_OVERLAP: Final = 0.2
"""Share of a tile; a face cut by one tile is whole in the next or in one of twice the size."""


def cut(image: Image, x0: int, y0: int, side: int) -> Image:
    """Return a square of a frame; what lies outside the frame is black."""
    height, width = image.shape[:2]
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(width, x0 + side), min(height, y0 + side)
    if (left, top, right, bottom) == (x0, y0, x0 + side, y0 + side):
        return image[y0:bottom, x0:right]
    square = np.zeros((side, side, 3), np.uint8)
    if right > left and bottom > top:
        square[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return square


def plan_tiles(width: int, height: int, smallest: float) -> list[tuple[int, int, int]]:
    """Return squares x0, y0, side that show faces of every size large enough to be found.

    The first is larger than the frame, for a face that fills it; the next holds it just; then
    come halves, quarters and so on until a face of `smallest` pixels fills `SMALLEST_SHARE` of one.
    """
    longest = max(width, height)
    tiles = [((width - side) // 2, (height - side) // 2, side) for side in (2 * longest, longest)]
    side = longest
    while side * SMALLEST_SHARE > smallest:
        side = max(round(side / 2), int(smallest / SMALLEST_SHARE))
        tiles += [(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]
    return tiles


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [(length - side) // 2]
    count = int(np.ceil((length - side) / (side * (1 - TILE_OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]


def is_cut(box: Float64, side: int, origin: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a tile's edge inside the frame cuts a box, given in the tile's pixels."""
    slack = 0.02 * side
    for axis in (0, 1):
        if origin[axis] > 0 and box[axis] < slack:
            return True
        if origin[axis] + side < size[axis] and box[axis + 2] > side - slack:
            return True
    return False


def compute_overlap(a: Float64, b: Float64) -> tuple[float, float]:
    """Return intersection over union, and over the smaller area, of two boxes (4,)."""
    overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (overlap <= 0).any():
        return 0.0, 0.0
    inner = float(overlap.prod())
    areas = float((a[2:] - a[:2]).prod()), float((b[2:] - b[:2]).prod())
    return inner / (sum(areas) - inner), inner / min(areas)


def merge(faces: Sequence[Face]) -> list[Face]:
    """Keep one of faces that are the same, the surest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda one: -one.score):
        overlaps = (compute_overlap(face.box, other.box) for other in kept)
        if not any(union > 0.3 or inner > 0.6 for union, inner in overlaps):
            kept.append(face)
    return kept

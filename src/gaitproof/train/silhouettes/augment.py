"""Masks of one camera made to look like another's, and clothes like other clothes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH

if TYPE_CHECKING:
    from gaitproof.train.silhouettes.config import MaskAugment

Masks = NDArray[np.uint8]
"""Shape (T, 64, 44), of 0 and 1."""

_Y, _X = np.mgrid[0:MASK_HEIGHT, 0:MASK_WIDTH].astype(np.float32)
_MIDDLE: Final = ((MASK_HEIGHT - 1) / 2, (MASK_WIDTH - 1) / 2)
_ONE: Final = np.uint8(1)
_OUTSIDE: Final = MASK_HEIGHT * MASK_WIDTH
_FOUR: Final = ((0, 1), (0, -1), (1, 1), (1, -1))


def augment(masks: Masks, settings: MaskAugment, rng: np.random.Generator) -> Masks:
    """Change a window of masks; geometry and thickness are the same in all its frames.

    Parameters
    ----------
    masks
        Of one walk.
    settings
        Which changes, how likely.
    rng
        Random generator.
    """
    if rng.random() < settings.mirror:
        masks = masks[..., ::-1]
    if settings.geometry:
        masks = _warp(masks, settings.geometry, rng)
    if rng.random() < settings.thickness:
        masks = _thicken(masks, rng)
    if rng.random() < settings.smooth:
        masks = _smooth(masks)
    masks = masks.copy()
    if rng.random() < settings.torn:
        _tear(masks, rng)
    if rng.random() < settings.holes:
        _pierce(masks, rng)
    if rng.random() < settings.coat:
        top = int(rng.integers(8, 24))
        band = masks[:, top : top + int(rng.integers(10, 28))]
        for _ in range(int(rng.integers(1, 3))):
            band[:] = _grow(band, _FOUR[:2])
    if rng.random() < settings.shaken:
        for t in np.flatnonzero(rng.random(len(masks)) < 0.4):
            masks[t] = np.roll(masks[t], tuple(rng.integers(-1, 2, 2)), (0, 1))
    return masks


def _warp(masks: Masks, strength: float, rng: np.random.Generator) -> Masks:
    """Scale, shift, shear and tilt by nearest neighbours."""
    height = 1 + strength * rng.uniform(-0.08, 0.06)
    width = height * (1 + strength * rng.uniform(-0.12, 0.12))
    down, right = strength * rng.uniform(-2, 2, 2)
    shear, tilt = strength * rng.uniform(-0.06, 0.06), strength * rng.uniform(-0.12, 0.12)
    y, x = _Y - _MIDDLE[0], _X - _MIDDLE[1]
    rows = np.rint(y / height + _MIDDLE[0] - down).astype(np.int64)
    columns = x * (1 + tilt * y / 32) / width + shear * y + _MIDDLE[1] - right
    columns = np.rint(columns).astype(np.int64)
    inside = (rows >= 0) & (rows < MASK_HEIGHT) & (columns >= 0) & (columns < MASK_WIDTH)
    index = np.where(inside, rows * MASK_WIDTH + columns, _OUTSIDE)
    padded = np.pad(masks.reshape(len(masks), -1), ((0, 0), (0, 1)))
    return padded[:, index.ravel()].reshape(masks.shape)


def _grow(masks: Masks, ways: tuple[tuple[int, int], ...]) -> Masks:
    """Let masks grow by a pixel; `ways` are axis (0 columns, 1 rows) and direction."""
    grown = masks.copy()
    for axis, way in ways:
        before, after = slice(None, -1), slice(1, None)
        there, here = (after, before) if way > 0 else (before, after)
        if axis == 0:
            grown[..., there] |= masks[..., here]
        else:
            grown[..., there, :] |= masks[..., here, :]
    return grown


def _thicken(masks: Masks, rng: np.random.Generator) -> Masks:
    ways = _FOUR[: int(rng.integers(1, 5))]
    if rng.random() < 0.5:
        return _grow(masks, ways)
    return _ONE - _grow(_ONE - masks, ways)


def _smooth(masks: Masks) -> Masks:
    """Give every pixel the value of most of its neighbours."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    votes = np.sum(
        [padded[:, i : i + MASK_HEIGHT, j : j + MASK_WIDTH] for i in range(3) for j in range(3)],
        axis=0,
    )
    smooth: Masks = (votes >= 5).astype(np.uint8)
    return smooth


def _tear(masks: Masks, rng: np.random.Generator) -> None:
    frames = rng.random(len(masks)) < rng.uniform(0.1, 0.6)
    lost = slice(MASK_HEIGHT - int(rng.integers(2, 7)), None)
    masks[frames, lost if rng.random() < 0.7 else slice(0, int(rng.integers(1, 5)))] = 0


def _pierce(masks: Masks, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 3))):
        top, left = rng.integers(0, 60), rng.integers(8, 36)
        height, width = rng.integers(3, 14), rng.integers(3, 12)
        first = int(rng.integers(0, len(masks)))
        last = first + int(rng.integers(1, len(masks) + 1))
        spot = masks[first:last, top : top + height, left : left + width]
        spot[:] = rng.random() < 0.3

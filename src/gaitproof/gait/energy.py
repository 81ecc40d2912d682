"""Gait energy images, and windows of masks that have given ones.

Where the body is on the whole (the gait energy image; Han and Bhanu, IEEE TPAMI 28, 2006) and where
it changes within some frames: the first shows build, hair and clothes, the others movement.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES

Float32 = NDArray[np.float32]

GAPS: Final = (2, 4, 7)
"""Frames at 25 Hz between the masks whose change is measured: 0.08, 0.16 and 0.28 s."""

_SERIES: Final = 60
"""Time courses kept per number of frames in which a cell is the person."""


def energy_images(masks: NDArray[Any]) -> Float32:
    """Return the mean of masks over time, and their mean changes.

    Parameters
    ----------
    masks
        Shape (..., T, 64, 44), 0 and 1.

    Returns
    -------
    ndarray
        Shape (..., 4, 64, 44), 0 to 1: the mean image, then the change over each of `GAPS`.
    """
    steps = masks.astype(np.int8)
    changes = [
        np.abs(steps[..., gap:, :, :] - steps[..., :-gap, :, :]).mean(axis=-3) for gap in GAPS
    ]
    images: Float32 = np.stack([steps.mean(axis=-3), *changes], axis=-3).astype(np.float32)
    return images


def masks_of(images: Float32) -> NDArray[np.uint8]:
    """Find masks whose energy images are near given ones, every cell by itself.

    A single frame of them is no body; only what is averaged over the window has a meaning.

    Parameters
    ----------
    images
        Shape (4, 64, 44), as `energy_images` returns it; need not be anybody's.

    Returns
    -------
    ndarray
        Shape (50, 64, 44), 0 and 1. The mean image is met to 1/100; the changes are the nearest
        that are possible with it.
    """
    counts = np.clip(np.rint(images[0] * SILHOUETTE_FRAMES), 0, SILHOUETTE_FRAMES).astype(int)
    out = np.zeros((SILHOUETTE_FRAMES, *counts.shape), np.uint8)
    for count in np.unique(counts):
        series, changes = _time_courses(int(count))
        cells = counts == count
        wanted = images[1:, cells].T
        nearest = ((wanted[:, None] - changes[None]) ** 2).sum(axis=2).argmin(axis=1)
        out[:, cells] = series[nearest].T
    return out


@cache
def _time_courses(count: int) -> tuple[NDArray[np.uint8], Float32]:
    """Return time courses of one cell with so many frames on, and the changes of each."""
    rng = np.random.default_rng(count)
    off = SILHOUETTE_FRAMES - count
    courses = {}
    for _ in range(_SERIES):
        runs = int(rng.integers(1, max(min(count, off), 1) + 1))
        # a walk switches a cell at about the same moments of every stride: even or uneven runs
        even = rng.random()
        course = np.zeros(SILHOUETTE_FRAMES, np.uint8)
        place = 0
        for on, gap in zip(_cut(count, runs, even, rng), _cut(off, runs, even, rng), strict=True):
            course[place : place + on] = 1
            place += on + gap
        course = np.roll(course, int(rng.integers(SILHOUETTE_FRAMES)))
        courses[course.tobytes()] = course
    series = np.array(list(courses.values()))
    changes = energy_images(series[:, :, None, None])[:, 1:, 0, 0]
    return series, changes


def _cut(total: int, parts: int, even: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Cut frames into runs of at least one, if there are enough."""
    if total < parts:
        return np.array([total] + [0] * (parts - 1))
    shares = even / parts + (1 - even) * rng.dirichlet(np.ones(parts))
    lengths: NDArray[np.int64] = 1 + np.floor((total - parts) * shares).astype(np.int64)
    lengths[rng.integers(parts)] += total - lengths.sum()
    return lengths

"""Putting another head into frames of a walk, behind a soft mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.frames import Faults, clean_frames
from gaitproof.synth.scene import draw_scene
from gaitproof.synth.take import Take
from gaitproof.synth.walker import Head

UInt8 = NDArray[np.uint8]

FEATHER: Final = 0.09
"""Softness of the mask's edge, as a part of the head's height in pixels."""


def soft_mask(*masks: UInt8) -> NDArray[np.float32]:
    """Return the share of the new frame (H, W) that covers all given head masks.

    1 inside the heads, falling smoothly to exactly 0 a few pixels outside.
    """
    union = np.maximum.reduce(masks)
    rows = np.flatnonzero(union.any(axis=1))
    if len(rows) == 0:
        return np.zeros(union.shape, np.float32)
    radius = max(1, round(FEATHER * (rows[-1] - rows[0] + 1)))
    side = 2 * radius + 1
    # a square grows as far as the square mean below looks, so the heads themselves stay at 1
    grown = cv2.dilate(union, np.ones((side, side), np.uint8))
    soft: NDArray[np.float32] = cv2.blur(grown, (side, side)).astype(np.float32) / 255
    return soft


def blend(original: UInt8, other: UInt8, share: NDArray[np.float32]) -> UInt8:
    """Mix two frames; where the share is 0 the original's pixels stay exactly."""
    mixed = original + (other.astype(np.float32) - original) * share[..., None]
    return np.where(share[..., None] > 0, np.rint(mixed), original).astype(np.uint8)


def other_heads(take: Take, head: Head) -> Iterator[tuple[UInt8, NDArray[np.float32]]]:
    """Yield the frames of a walk with another head, and the soft mask of both heads."""
    faults = Faults(take, salt=1)
    background = draw_scene(take.scene, take.staging.camera)
    own = clean_frames(take, take.walker.head, background)
    new = clean_frames(take, head, background)
    for (_, own_mask), (image, mask) in zip(own, new, strict=True):
        yield faults(image), soft_mask(own_mask, mask)


def swapped_frames(originals: Iterable[UInt8], take: Take, head: Head) -> Iterator[UInt8]:
    """Yield given frames of a walk with another head in them.

    Parameters
    ----------
    originals
        The frames, with the walker's own head.
    take
        The walk that they show.
    head
        Whose head is put on.

    Raises
    ------
    ValueError
        If there are more or fewer frames than the walk has.
    """
    for original, (other, share) in zip(originals, other_heads(take, head), strict=True):
        yield blend(original, other, share)

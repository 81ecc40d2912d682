"""Ways to forge a drawn head, and the light retouch that every frame goes through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.talking.drawing import SIDE, Head

BEND: Final = 2.2
"""Standard deviation of the bend, pixels of a face `FACE_SIDE` wide."""
TINT: Final = 5.0
"""Standard deviation of the tint of each colour, grey levels."""
FACE_SIDE: Final = 210
"""Width of a drawn face, pixels, about."""
NETWORK_SIDE: Final = 64
"""Of the frames that a swapped face went through: those of the first autoencoders for it."""
DETAIL: Final = NETWORK_SIDE / FACE_SIDE
"""Size of the frame that a forged face went through, as a share of the drawn one."""
_SOFT: Final = 6.0
"""Standard deviation of the mask's edge, pixels."""
_MARGIN: Final = 32
"""More than the reach of that edge's blur, pixels."""


_PLACES: Final = np.mgrid[:SIDE, :SIDE].astype(np.float32)
"""Row and column of every pixel."""


@dataclass(frozen=True, eq=False)
class Retouch:
    """A bend and a tint of the inner face.

    Parameters
    ----------
    bend
        Shape (480, 480, 2): how far to the right and below each pixel comes from, pixels.
    tint
        Shape (3,), grey levels.
    """

    bend: NDArray[np.float32]
    tint: NDArray[np.float32]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw one."""
        coarse = rng.normal(0, BEND, (5, 5, 2)).astype(np.float32)
        bend: Any = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        return cls(bend, rng.normal(0, TINT, 3).astype(np.float32))

    def apply(self, head: Head) -> Head:
        """Return the head with its inner face bent and tinted."""
        rows, columns = _PLACES
        bent: Any = cv2.remap(
            head.image, columns + self.bend[..., 0], rows + self.bend[..., 1], cv2.INTER_LINEAR
        )
        return _blend(head, bent + self.tint, head.face)


def swap_face(head: Head, other: Head, detail: float = DETAIL) -> Head:
    """Put the inner face of another head on a head, half way to its colours, behind a soft mask.

    Parameters
    ----------
    head
        Who moves.
    other
        Whose face it gets, with the same expression.
    detail
        As `DETAIL`.
    """
    mask = np.minimum(head.face, other.face)
    inside = mask > 0.5
    shift = head.image[inside].mean(axis=0) - other.image[inside].mean(axis=0)
    return _blend(head, _softened(other, detail) + np.float32(0.5) * shift, mask)


def replace_lips(head: Head, speaking: Head, tint: NDArray[np.float32], detail: float) -> Head:
    """Give a head the mouth that it has when it says something else, as lip-sync does.

    Parameters
    ----------
    head
        Who moves.
    speaking
        The same head with other words in its mouth.
    tint
        Shape (3,), grey levels: how well the new mouth's colours are hit.
    detail
        As `DETAIL`.
    """
    mask = np.maximum(head.lips, speaking.lips)
    return _blend(head, _softened(speaking, detail) + tint, mask)


def _softened(head: Head, detail: float) -> NDArray[Any]:
    """Return a head's frame after it went through a smaller one, as in real forgeries."""
    small: Any = cv2.resize(head.image, None, fx=detail, fy=detail, interpolation=cv2.INTER_AREA)
    large: NDArray[Any] = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return large


def _blend(head: Head, face: NDArray[Any], mask: NDArray[np.float32]) -> Head:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return head
    # beyond the mask nothing changes; the margin keeps the blur from seeing the cut
    low = np.maximum((rows[0] - _MARGIN, columns[0] - _MARGIN), 0)
    high = np.array((rows[-1], columns[-1])) + _MARGIN + 1
    part = (slice(low[0], high[0]), slice(low[1], high[1]))
    # pulled inwards by one standard deviation, so that nothing beyond the mask changes
    inner = np.maximum((cv2.GaussianBlur(mask[part], (0, 0), _SOFT) - 0.84) / 0.16, 0)
    soft: Any = cv2.GaussianBlur(inner, (0, 0), 1.5)
    weight = soft[..., None]
    image = head.image.copy()
    mixed = image[part] * (1 - weight) + face[part] * weight
    image[part] = np.rint(mixed).clip(0, 255)
    return replace(head, image=image)

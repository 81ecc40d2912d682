"""Drawing landmarks and silhouettes into a frame."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.types import N_LANDMARKS, Landmark

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

LEFT_COLOUR: Final[Colour] = (230, 159, 0)
RIGHT_COLOUR: Final[Colour] = (86, 180, 233)
MIDDLE_COLOUR: Final[Colour] = (245, 245, 245)
"""Orange for the person's left and sky blue for the right, told apart with every kind of colour
vision (Okabe & Ito 2008); white for what has no side."""

MASK_COLOUR: Final[Colour] = (0, 158, 115)
"""Bluish green of the same palette."""

_OUTLINE: Final[Colour] = (20, 20, 24)
_SHIFT: Final = 4
"""Binary digits of sub-pixel position that OpenCV is given."""

_CHAINS: Final = (
    ("SHOULDER", "ELBOW", "WRIST", "INDEX"),
    ("SHOULDER", "HIP", "KNEE", "ANKLE", "HEEL", "FOOT_INDEX", "ANKLE"),
)
_SIDE_LINES: Final = tuple(
    (Landmark[f"{side}_{a}"], Landmark[f"{side}_{b}"], colour)
    for side, colour in (("LEFT", LEFT_COLOUR), ("RIGHT", RIGHT_COLOUR))
    for chain in _CHAINS
    for a, b in pairwise(chain)
)
LINES: Final = (
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, MIDDLE_COLOUR),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP, MIDDLE_COLOUR),
    *_SIDE_LINES,
)
_JOINTS: Final = tuple(sorted({joint for a, b, _ in LINES for joint in (a, b)}))


_MIN_VISIBILITY: Final = 0.15
"""Landmarks that are seen less are not drawn."""


def draw_pose(
    image: Image,
    points: ArrayLike,
    visibility: ArrayLike | None = None,
    *,
    neutral: bool = False,
) -> Image:
    """Draw a person's landmarks as a stick figure, left and right in two colours.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB; left as it is.
    points
        Shape (33, 2), pixels; NaN where unknown.
    visibility
        Shape (33,), 0 to 1: what is seen badly is drawn faintly; all 1 if None.
    neutral
        Whether both sides are drawn in white, so that colours may say something else.

    Returns
    -------
    ndarray of uint8
        A new frame of the same shape.
    """
    import cv2

    place = np.asarray(points, np.float64)
    if place.shape != (N_LANDMARKS, 2):
        raise ValueError(f"points have shape {place.shape}, not {(N_LANDMARKS, 2)}")
    seen = np.ones(N_LANDMARKS) if visibility is None else np.asarray(visibility, np.float64)
    known = _drawable(place, image) & (seen >= _MIN_VISIBILITY)
    sharp = np.ascontiguousarray(image)
    if not known.any():
        return sharp.copy()
    thickness = float(np.clip(np.ptp(place[known, 1]) / 70, 1.5, 12))
    drawn, faint = sharp.copy(), sharp.copy()
    limbs = [line for line in LINES if known[line[0]] and known[line[1]]]
    joints = [joint for joint in _JOINTS if known[joint]]
    # a dark rim around everything first, so that the figure shows on bright and dark clothes
    for rim in (1.0, 0.0):
        for a, b, colour in limbs:
            target = drawn if min(seen[a], seen[b]) >= 0.5 else faint
            ink = MIDDLE_COLOUR if neutral else colour
            _line(target, place[a], place[b], _OUTLINE if rim else ink, thickness + 2 * rim)
        for joint in joints:
            target = drawn if seen[joint] >= 0.5 else faint
            radius = 0.75 * thickness + rim
            colour = LEFT_COLOUR if joint.name.startswith("LEFT") else RIGHT_COLOUR
            ink = MIDDLE_COLOUR if neutral else colour
            _disc(target, place[joint], _OUTLINE if rim else ink, radius)
    # what was seen badly shows through at half strength, below what was seen well
    changed = (drawn != sharp).any(axis=2, keepdims=True)
    half = cv2.addWeighted(sharp, 0.5, faint, 0.5, 0)
    return np.where(changed, drawn, half).astype(np.uint8, copy=False)


def draw_joints(
    image: Image,
    points: ArrayLike,
    marks: Mapping[Landmark, tuple[float, Colour, bool]],
) -> None:
    """Draw discs and rings of given sizes over joints, in place.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB, contiguous; drawn into.
    points
        Shape (33, 2), pixels; NaN where unknown.
    marks
        Radius in pixels, colour, and whether the mark is a filled disc or else a ring, by joint;
        the largest is drawn first.
    """
    place = np.asarray(points, np.float64)
    known = _drawable(place, image)
    for joint, (radius, colour, filled) in sorted(marks.items(), key=lambda m: -m[1][0]):
        if not known[joint] or radius < 1.0:
            continue
        _disc(image, place[joint], _OUTLINE, radius + 1.0)
        _disc(image, place[joint], colour, radius)
        if not filled:
            _disc(image, place[joint], MIDDLE_COLOUR, 0.55 * radius)


def _drawable(place: NDArray[np.float64], image: Image) -> NDArray[np.bool_]:
    # OpenCV takes 32-bit fixed point; a wild estimate far outside the frame would overflow it
    reach = 4.0 * max(image.shape[:2])
    known: NDArray[np.bool_] = np.isfinite(place).all(axis=1) & (
        np.abs(np.nan_to_num(place)) < reach
    ).all(axis=1)
    return known


def _fixed(value: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.round(value * 2**_SHIFT).astype(int)
    return int(x), int(y)


def _line(
    image: Image, a: NDArray[np.float64], b: NDArray[np.float64], colour: Colour, width: float
) -> None:
    import cv2

    cv2.line(image, _fixed(a), _fixed(b), colour, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def _disc(image: Image, centre: NDArray[np.float64], colour: Colour, radius: float) -> None:
    import cv2

    cv2.circle(image, _fixed(centre), round(radius * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT)


def place_silhouette(
    mask: NDArray[np.bool_], corner: ArrayLike, height: float, frame_size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return a silhouette as a mask of the frame it was cut from.

    Parameters
    ----------
    mask
        Shape (64, 44).
    corner, height
        As in `SilhouetteSequence`, pixels.
    frame_size
        (width, height) in pixels.

    Returns
    -------
    ndarray of bool
        Shape (H, W).
    """
    import cv2

    x, y = np.asarray(corner, np.float64)
    scale = height / mask.shape[0]
    # from the middle of a pixel of the frame to the silhouette
    place = np.array([[1, 0, 0.5 - x], [0, 1, 0.5 - y]]) / scale - [[0, 0, 0.5], [0, 0, 0.5]]
    whole = cv2.warpAffine(
        mask.astype(np.float32), place, frame_size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return whole >= 0.5


def draw_silhouette(image: Image, mask: NDArray[np.bool_]) -> Image:
    """Tint what a mask covers and draw its outline.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB; left as it is.
    mask
        Shape (H, W); see `place_silhouette`.

    Returns
    -------
    ndarray of uint8
        A new image of the same shape.
    """
    import cv2

    drawn = np.array(image)
    drawn[mask] = (0.65 * drawn[mask] + 0.35 * np.array(MASK_COLOUR)).astype(np.uint8)
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outline, -1, MASK_COLOUR, 1, cv2.LINE_AA)
    return drawn

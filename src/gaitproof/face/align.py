"""Turning, scaling and cutting a face so that every crop shows it at the same place."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gaitproof.config import Settings

Float64 = NDArray[np.float64]

_TEMPLATES: Final = {
    "arcface": np.array(
        [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ]
    )
    / 112
}
"""Where the five points lie in a square of side 1 without margin. ``arcface``: Deng et al., ArcFace
(CVPR 2019), given there for 112 pixels."""


class AlignmentSettings(Settings):
    """How faces are cut out; stored with the weights and used again at inference."""

    size: int = Field(default=224, ge=16, le=1024)
    """Side of the square crop, pixels."""
    margin: float = Field(default=0.25, ge=0, le=2)
    """Room around the template on every side, as a share of its side: a manipulation's seam lies
    at the edge of the face, which must be inside."""
    template: Literal["arcface"] = "arcface"

    def target(self) -> Float64:
        """Return where the five points go, shape (5, 2), pixels of the crop."""
        unit = (_TEMPLATES[self.template] + self.margin) / (1 + 2 * self.margin)
        return unit * self.size


def compute_similarity(source: Float64, target: Float64) -> Float64:
    """Return the similarity transform that takes points to others with the least squared error.

    Parameters
    ----------
    source, target
        Shape (N, 2), N >= 2, not all `source` points the same.

    Returns
    -------
    Shape (2, 3): rotation and scale, then the shift. Never a reflection.

    Raises
    ------
    ValueError
        If all `source` points coincide.

    Notes
    -----
    Umeyama, IEEE PAMI 13 (1991) 376, in two dimensions, where the rotation has a closed form.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    spread = float((a**2).sum())
    if spread <= 1e-12:
        raise ValueError("points that coincide have no similarity transform")
    # scale * cos and scale * sin, without ever taking the angle
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([(cosine, -sine), (sine, cosine)])
    shift = target.mean(axis=0) - linear @ source.mean(axis=0)
    return np.column_stack((linear, shift))


def to_crop(points: Float64, settings: AlignmentSettings) -> Float64:
    """Return the transform (2, 3) from the frame to the crop, given the five points (5, 2)."""
    return compute_similarity(points, settings.target())


def from_crop(points: Float64, settings: AlignmentSettings) -> Float64:
    """Return the transform (2, 3) from the crop back to the frame; undoes `to_crop`."""
    return np.asarray(cv2.invertAffineTransform(to_crop(points, settings)), np.float64)


def transform_points(points: Float64, matrix: Float64) -> Float64:
    """Apply a transform (2, 3) to points (N, 2)."""
    moved: Float64 = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def align(
    image: NDArray[np.uint8], points: Float64, settings: AlignmentSettings | None = None
) -> NDArray[np.uint8]:
    """Cut a face out of a frame.

    Parameters
    ----------
    image
        Shape (H, W, 3), RGB.
    points
        Shape (5, 2), pixels, as in `gaitproof.face.types.Face`.
    settings
        Size and margin; the defaults if None.

    Returns
    -------
    Shape (size, size, 3), uint8. What lies outside the frame is black.

    Raises
    ------
    ValueError
        If all points coincide.
    """
    settings = settings or AlignmentSettings()
    matrix = to_crop(points, settings)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        # bilinear warping skips pixels when it shrinks by more than two, and the aliasing looks
        # like manipulation; so the neighbourhood is averaged down first
        x0, y0, x1, y1 = _footprint(matrix, settings.size, image.shape, 2 / scale)
        if x1 > x0 and y1 > y0:
            part = image[y0:y1, x0:x1]
            width, height = (max(1, round(side * scale)) for side in (x1 - x0, y1 - y0))
            image = np.asarray(
                cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8
            )
            stretch = np.array(((x1 - x0) / width, (y1 - y0) / height))
            # pixel centres, not corners, keep their place under resizing
            shift = matrix[:, :2] @ ((stretch - 1) / 2 + (x0, y0)) + matrix[:, 2]
            matrix = np.column_stack((matrix[:, :2] * stretch, shift))
    crop = cv2.warpAffine(image, matrix, (settings.size, settings.size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, np.uint8)


def _footprint(
    matrix: Float64, size: int, shape: tuple[int, ...], pad: float
) -> tuple[int, int, int, int]:
    """Return the part x0, y0, x1, y1 of the frame that a crop shows, with `pad` pixels more."""
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    seen = transform_points(corners, np.asarray(cv2.invertAffineTransform(matrix), np.float64))
    x0, y0 = np.maximum(np.floor(seen.min(axis=0) - pad), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(seen.max(axis=0) + pad), (shape[1], shape[0])).astype(int)
    return int(x0), int(y0), int(x1), int(y1)

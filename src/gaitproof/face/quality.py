"""Can a face in one frame be judged: size, sharpness, pose, how much of it is in the frame."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gaitproof.config import Settings
from gaitproof.face.align import AlignmentSettings, from_crop, transform_points
from gaitproof.face.types import Face, FaceQuality

_NOSE_DEPTH = 0.6
"""How far the tip of the nose stands out, as a share of the distance of the eyes."""

_NOSE_HEIGHT = 0.52
"""Where the nose's tip lies between eyes (0) and mouth (1) of a level head (ArcFace template)."""


_CURVED: Final = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32) / 6
"""Passes over plains, slopes and straight edges; noise keeps its deviation."""

_FINE: Final = 96
"""Side at which noise is looked for, pixels: it outlives the compression of a video there."""

_BLOCK: Final = 6
"""Side of the blocks among which the smoothest say how noisy a face is."""

_GRID: Final = 16
"""Places along each side of an aligned face at which it is looked whether they are outside."""


class FaceGate(Settings):
    """What a face must offer before it is scored."""

    min_size: float = Field(default=40.0, ge=0)
    """Pixels: below it the crop is mostly interpolation."""
    min_sharpness: float = Field(default=4.0, ge=0)
    """Variance of the Laplacian of the crop at 112 pixels, 8-bit grey levels squared."""
    max_yaw: float = Field(default=60.0, ge=0, le=90)
    """Degrees."""
    max_pitch: float = Field(default=45.0, ge=0, le=90)
    """Degrees."""
    max_partial: float = Field(default=0.15, ge=0, le=1)
    """Share of the box outside the frame."""
    max_cut: float = Field(default=0.12, ge=0, le=1)
    """Share of the aligned face outside the frame. Above it genuine faces score lower: within
    each of three genuine videos with such frames the correlation was -0.27 to -0.42."""
    max_covered: float = Field(default=0.2, ge=0, le=1)
    """Share of the face behind a hand, a microphone or anything else; 2 % of the frames of 23
    genuine videos with nothing before the face reach it."""
    max_dark: float = Field(default=16.0, ge=0, le=255)
    """Median grey level below which nothing can be seen."""


def assess(
    face: Face,
    crop: NDArray[np.uint8],
    size: tuple[int, int],
    gate: FaceGate | None = None,
    alignment: AlignmentSettings | None = None,
    covered: float | None = None,
) -> FaceQuality:
    """Measure a face and say whether it can be scored.

    Parameters
    ----------
    face
        The face.
    crop
        Its aligned crop, shape (S, S, 3), RGB.
    size
        (width, height) of the frame, pixels.
    gate
        Limits; the defaults if None.
    alignment
        How it was aligned; without it, it is not looked at how much of the crop is outside the
        frame.
    covered
        Share of the face that something covers, see `gaitproof.face.occlusion`; None if it was not
        looked at.
    """
    gate = gate or FaceGate()
    sharpness = measure_sharpness(crop)
    yaw, pitch, roll = estimate_pose(face)
    partial = share_outside(face, size)
    light = measure_light(crop)
    cut = 0.0 if alignment is None else share_cut(face, size, alignment)
    checks = (
        (face.size < gate.min_size, f"the face is too small ({face.size:.0f} pixels)"),
        (partial > gate.max_partial, f"part of the face is outside the frame ({partial:.0%})"),
        (cut > gate.max_cut, f"the face is cut by the edge of the frame ({cut:.0%})"),
        (
            covered is not None and covered > gate.max_covered,
            f"something covers part of the face ({covered or 0:.0%})",
        ),
        (light < gate.max_dark, "the face is too dark"),
        (sharpness < gate.min_sharpness, "the face is blurred"),
        (abs(yaw) > gate.max_yaw, f"the face is turned away ({abs(yaw):.0f} degrees)"),
        (abs(pitch) > gate.max_pitch, f"the head is tilted too far ({abs(pitch):.0f} degrees)"),
    )
    reasons = tuple(reason for wrong, reason in checks if wrong)
    return FaceQuality(
        face.size,
        sharpness,
        yaw,
        pitch,
        roll,
        partial,
        not reasons,
        reasons,
        light,
        face.landmarks,
        covered,
        measure_contrast(crop),
        *measure_grain(crop),
    )


def measure_sharpness(crop: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of an aligned face, shape (S, S, 3), at 112 pixels."""
    grey = cv2.resize(_grey(crop), (112, 112), interpolation=cv2.INTER_AREA)
    return float(_middle(cv2.Laplacian(grey, cv2.CV_64F)).var())


def measure_light(crop: NDArray[np.uint8]) -> float:
    """Return the median grey level of an aligned face, shape (S, S, 3), of 255."""
    return float(np.median(_grey(crop)))


def measure_contrast(crop: NDArray[np.uint8]) -> float:
    """Return how far apart light and dark lie in an aligned face, shape (S, S, 3), of 255.

    From the 5th to the 95th percentile of its middle: little in fog and glare, much in hard light.
    """
    dark, light = np.percentile(_middle(_grey(crop)), (5, 95))
    return float(light - dark)


def measure_grain(crop: NDArray[np.uint8]) -> tuple[float, float]:
    """Return how noisy an aligned face, shape (S, S, 3), is, and how much fine detail there is.

    Both in grey levels of 255, of what a filter that is blind to plains, slopes and straight edges
    (Immerkær, CVIU 64 (1996) 300) leaves at 96 pixels. Noise is that of the smoothest twentieth of
    the face's blocks, where skin has no structure: of brightness, or of the difference of two
    colours if that is more. Detail is that of the median block, hair and background among them:
    a swap smooths the face, a codec everything.
    """
    small = cv2.resize(crop.astype(np.float32), (_FINE, _FINE), interpolation=cv2.INTER_AREA)
    red, green, blue = np.moveaxis(small, 2, 0)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = np.stack((light, (red - green) / np.sqrt(2), (blue - green) / np.sqrt(2)), axis=2)
    cells = _FINE // _BLOCK
    left = cv2.filter2D(planes, -1, _CURVED).reshape(cells, _BLOCK, cells, _BLOCK, 3)
    blocks = np.sqrt((left**2).mean(axis=(1, 3)))
    skin = _middle(blocks).reshape(-1, 3)
    return float(np.quantile(skin, 0.05, axis=0).max()), float(np.median(blocks[..., 0]))


def _grey(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)


def _middle(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the face without hair and background, which say nothing of it."""
    side = len(plane)
    return plane[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4]


def plain_reason(reason: str) -> str:
    """Return a reason without its figure in brackets, so that equal ones can be counted."""
    return reason.split(" (", 1)[0]


def estimate_pose(face: Face) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees, rough, from the five points.

    The nose stands out from the plane of eyes and mouth, so that turning the head moves it across
    them by the sine of the angle.
    """
    left, right, nose, mouth_left, mouth_right = face.points
    across = right - left
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = mouth - eyes
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if width < 1e-6 or height < 1e-6:
        return 90.0, 0.0, 0.0
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    # a head in profile has its eyes close together; the height of the face then gives the scale
    span = max(width, height)
    along = float((nose - eyes) @ down) / height**2
    middle = eyes + along * down
    sideways = float((nose - middle) @ across) / width
    yaw = float(np.degrees(np.arcsin(np.clip(sideways / (_NOSE_DEPTH * span), -1, 1))))
    upward = (_NOSE_HEIGHT - along) * height / (_NOSE_DEPTH * span)
    pitch = float(np.degrees(np.arcsin(np.clip(upward, -1, 1))))
    return yaw, pitch, roll


def share_cut(face: Face, size: tuple[int, int], alignment: AlignmentSettings) -> float:
    """Return the share of an aligned face outside a frame of (width, height), 0 to 1."""
    places = (np.arange(_GRID) + 0.5) * alignment.size / _GRID
    grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    points = transform_points(grid, from_crop(face.points, alignment))
    return float(((points < 0) | (points >= np.asarray(size, np.float64))).any(axis=1).mean())


def share_outside(face: Face, size: tuple[int, int]) -> float:
    """Return the share of the box that lies outside a frame of (width, height), 0 to 1."""
    low = np.maximum(face.box[:2], 0)
    high = np.minimum(face.box[2:], np.asarray(size, np.float64))
    inside = float(np.maximum(high - low, 0).prod())
    return 1 - inside / float((face.box[2:] - face.box[:2]).prod())

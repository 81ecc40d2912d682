"""A portrait made to look like a frame of a video: light, lens, sensor, grading and codec.

Genuine video must not look forged because it is dark, graded, blurred or compressed as no portrait
is. So a genuine face and its forged twin are filmed alike: `Camera.film` before the blending, as
the footage that a forger starts with, and `Camera.grade` after it, as what is done to a finished
video; what `gaitproof.train.face.robust.Damage` does comes last.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.train.face.robust import encode_video
from gaitproof.train.face.sbi import smooth_field

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_CODECS: Final = ("h264", "h264", "h264", "hevc", "mpeg4")
_RESAMPLERS: Final = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_AREA)
_LEVELS: Final = np.arange(256, dtype=np.float32) / np.float32(255)


class Camera:
    """One way of filming, drawn at random.

    Parameters
    ----------
    rng
        Same state, same camera.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._seed = int(rng.integers(2**63))

    def film(self, image: Image, points: NDArray[np.floating[Any]]) -> Image:
        """Return a portrait as a frame of footage.

        Parameters
        ----------
        image
            Shape (H, W, 3), uint8 RGB.
        points
            The five points of the face, shape (5, 2), pixels.

        Returns
        -------
        The same shape; the same image gives the same frame.
        """
        rng = np.random.default_rng((self._seed, 0))
        if rng.random() < 0.6:
            image = _relight(image, rng)
        if rng.random() < 0.8:
            image = _grade(image, rng, 1.0)
        if rng.random() < 0.3:
            image = _blur_background(image, points, rng)
        if rng.random() < 0.6:
            image = _rescale(image, rng)
        if rng.random() < 0.3:
            image = _move(image, rng)
        if rng.random() < 0.3:
            image = _sharpen(image, rng)
        if rng.random() < 0.6:
            image = _add_noise(image, rng)
        if rng.random() < 0.7:
            codec = _CODECS[int(rng.integers(len(_CODECS)))]
            image = encode_video(image, codec, int(rng.integers(18, 36)))
        return image

    def grade(self, image: Image) -> Image:
        """Return a finished frame, shape (H, W, 3): something before the face, graded once more.

        Frames of one shape get the same.
        """
        rng = np.random.default_rng((self._seed, 1))
        if rng.random() < 0.15:
            image = _occlude(image, rng)
        if rng.random() < 0.3:
            image = _grade(image, rng, 0.5)
        if rng.random() < 0.2:
            image = _sharpen(image, rng)
        return image


def _relight(image: Image, rng: np.random.Generator) -> Image:
    """Light from some side, and in a third a hard shadow across the image."""
    height, width = image.shape[:2]
    field = smooth_field(image.shape, float(rng.uniform(0.1, 0.45)), int(rng.integers(2, 4)), rng)
    gain: Float32 = np.exp(field[..., 0])
    if rng.random() < 0.35:
        angle, softness = rng.uniform(0, 2 * np.pi), rng.uniform(0.005, 0.08)
        columns = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(np.cos(angle))
        rows = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(np.sin(angle))
        bend = smooth_field(image.shape, 0.05, 4, rng)[..., 0] - np.float32(rng.uniform(-0.3, 0.3))
        edge = (columns + rows[:, None] + bend) / np.float32(softness)
        shadow = np.float32(rng.uniform(0.3, 0.8))
        # the logistic function through tanh does not overflow
        gain *= shadow + (1 - shadow) * (np.float32(0.5) + np.tanh(edge / 2) / 2)
    return _to_bytes(image * gain[..., None])


def _grade(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """White balance, exposure, gamma, contrast curve, black and white level, saturation."""
    gains = np.exp(strength * rng.normal(0, 0.08, 3))
    gamma = np.exp(strength * rng.normal(0, 0.3))
    contrast = strength * rng.uniform(-0.4, 0.7)
    low, high = strength * rng.uniform(0, 0.12), 1 - strength * rng.uniform(0, 0.12)
    exposure = np.exp(strength * rng.normal(-0.05, 0.25))
    tables = []
    for gain in gains:
        level = np.clip(_LEVELS * gain * exposure, 0, 1) ** gamma
        curve = level * level * (3 - 2 * level)
        tables.append(low + (high - low) * (level + contrast * (curve - level)))
    graded = cv2.LUT(image, _to_bytes(np.stack(tables, axis=-1) * 255)[None])
    if rng.random() < 0.6:
        share = 0.0 if rng.random() < 0.12 else float(np.exp(strength * rng.normal(-0.1, 0.35)))
        grey = cv2.cvtColor(cv2.cvtColor(graded, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        graded = cv2.addWeighted(graded, share, grey, 1 - share, 0)
    return np.asarray(graded, np.uint8)


def _blur_background(
    image: Image, points: NDArray[np.floating[Any]], rng: np.random.Generator
) -> Image:
    """Put what is not the head out of focus, as a wide aperture or a video call does."""
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    size = float(np.hypot(*(mouth - eyes)))
    centre = eyes + rng.uniform(0.1, 0.4) * (mouth - eyes)
    axes = size * rng.uniform((1.3, 1.7), (1.8, 2.5))
    head = np.zeros(image.shape[:2], np.uint8)
    turn = float(np.degrees(np.arctan2(*(mouth - eyes)[::-1]))) - 90
    cv2.ellipse(head, (tuple(centre.tolist()), tuple((2 * axes).tolist()), turn), [255], -1)
    # blurred at a quarter of the size, where so wide a blur costs little
    width, height = head.shape[1], head.shape[0]
    coarse = cv2.resize(
        head, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA
    )
    coarse = cv2.GaussianBlur(coarse, (0, 0), max(size * rng.uniform(0.08, 0.4) / 4, 0.3))
    weight: Any = cv2.resize(coarse, (width, height))[..., None] / np.float32(255)
    soft: Any = cv2.GaussianBlur(image, (0, 0), rng.uniform(1.0, 4.0))
    return _to_bytes(image * weight + soft * (1 - weight))


def _rescale(image: Image, rng: np.random.Generator) -> Image:
    """Lose detail by scaling down and up again, each by some resampler."""
    height, width = image.shape[:2]
    scale = rng.uniform(0.3, 0.95)
    small = cv2.resize(
        image,
        (max(8, round(width * scale)), max(8, round(height * scale))),
        interpolation=int(rng.choice(_RESAMPLERS)),
    )
    up = int(rng.choice(_RESAMPLERS[:3]))
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def _move(image: Image, rng: np.random.Generator) -> Image:
    """Blur along a line."""
    length, angle = rng.uniform(1.5, 8.0), rng.uniform(0, np.pi)
    side = 2 * int(np.ceil(length / 2)) + 3
    kernel = np.zeros((side, side), np.float32)
    reach = 8 * np.array((np.cos(angle), np.sin(angle))) * length / 2
    ends = (np.array((side // 2, side // 2)) * 8 + reach * sign for sign in (-1, 1))
    first, last = (tuple(np.rint(end).astype(int).tolist()) for end in ends)
    cv2.line(kernel, first, last, [1.0], 1, cv2.LINE_AA, 3)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _sharpen(image: Image, rng: np.random.Generator) -> Image:
    """Sharpen as cameras and editors do, with halos."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2.5))
    amount = rng.uniform(0.3, 1.5)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)


def _add_noise(image: Image, rng: np.random.Generator) -> Image:
    """Add a sensor's noise: more of it in the dark, in brightness and, coarser, in colour."""
    height, width = image.shape[:2]
    size = np.float32(rng.uniform(0.5, 7.0))
    grain: Any = rng.standard_normal((height, width, 1), np.float32)
    half = (max(1, height // 2), max(1, width // 2), 3)
    colour: Any = cv2.resize(rng.standard_normal(half, np.float32), (width, height))
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.4, 1.2))[..., None] * 1.5
    noise = size * (grain + colour * np.float32(rng.uniform(0, 0.8)))
    dark = np.float32(1.3) - image.astype(np.float32) / 255
    return _to_bytes(image + noise * dark)


def _occlude(image: Image, rng: np.random.Generator) -> Image:
    """Put something before the face: a band, as where the image ends, or a smooth shape."""
    height, width = image.shape[:2]
    colour = rng.integers(0, 256, 3) if rng.random() < 0.6 else np.zeros(3)
    mask: Any = np.zeros((height, width), np.float32)
    if rng.random() < 0.5:
        side, reach = int(rng.integers(4)), rng.uniform(0.12, 0.35)
        turned = np.rot90(mask, side)
        turned[: round(reach * len(turned))] = 1
    else:
        centre = rng.uniform(0.15, 0.85, 2) * (width, height)
        axes = rng.uniform(0.06, 0.5, 2) * (width, height)
        box = (tuple(centre.tolist()), tuple(axes.tolist()), float(rng.uniform(0, 180)))
        cv2.ellipse(mask, box, [1.0], -1)
        mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 2.5))
    shade = 1 + smooth_field(image.shape, 0.15, 3, rng)[..., :1]
    cover = colour.astype(np.float32) * shade
    return _to_bytes(image + (cover - image) * mask[..., None])


def _to_bytes(values: NDArray[np.floating[Any]]) -> Image:
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0)), np.uint8)

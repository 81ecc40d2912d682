"""Clips of a portrait, and of its face-swapped twin: moved, relit, noisy and compressed alike.

The twin differs from the genuine clip by the swap and by nothing else: same movement, light, noise
and compression, so that none of these can be the label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.media.encode import VideoWriter

Image = NDArray[np.uint8]

COMPRESSIONS: Final = {"good": 20, "strong": 32}
"""H.264's constant rate factor, a common and a strong compression (FaceForensics++ uses 23, 40)."""

FRAME_RATE: Final = 25.0
_SWAY: Final = np.array([0.02, 0.015])
"""Largest shift, share of the frame's width and height."""
_TURN: Final = 4.0
"""Degrees."""
_ZOOM: Final = 0.06
_LIGHT: Final = 0.18
"""Largest change of brightness from one side of the frame to the other, and of the whole."""
_NOISE: Final = 2.5
"""Standard deviation of the sensor's noise, of 255."""


@dataclass(frozen=True)
class ClipSettings:
    """How a clip is filmed.

    Parameters
    ----------
    seconds
        Length.
    size
        Width and height, even.
    crf
        Compression; see `COMPRESSIONS`.
    """

    seconds: float = 2.0
    size: tuple[int, int] = (640, 640)
    crf: int = COMPRESSIONS["good"]


def film_portrait(portrait: Image, path: Path, seed: int, settings: ClipSettings) -> None:
    """Film a portrait with a moving hand, a changing light and a noisy sensor.

    Parameters
    ----------
    portrait
        RGB.
    path
        File to write, ``.mp4``.
    seed
        Of movement, light and noise; the same for a genuine clip and its twin.
    settings
        Length, size, compression.
    """
    with VideoWriter(path, FRAME_RATE, settings.size, crf=settings.crf) as writer:
        for image in move_portrait(portrait, seed, settings):
            writer.write(image)


def move_portrait(portrait: Image, seed: int, settings: ClipSettings) -> Iterator[Image]:
    """Yield the frames that `film_portrait` encodes; shapes (H, W, 3), RGB."""
    rng = np.random.default_rng(seed)
    width, height = settings.size
    fitted = _fit(portrait, width, height)
    rates, phases = rng.uniform(0.2, 0.7, 6), rng.uniform(0, 2 * np.pi, 6)
    ramp = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    for number in range(round(settings.seconds * FRAME_RATE)):
        wave = np.sin(2 * np.pi * rates * number / FRAME_RATE + phases)
        matrix: Any = cv2.getRotationMatrix2D(
            (width / 2, height / 2), _TURN * wave[0], 1 + _ZOOM * (1 + wave[1]) / 2
        )
        matrix[:, 2] += wave[2:4] * _SWAY * settings.size
        moved = cv2.warpAffine(fitted, matrix, settings.size, borderMode=cv2.BORDER_REFLECT)
        gain = 1 + _LIGHT / 2 * wave[4] + _LIGHT / 2 * wave[5] * ramp
        noise = rng.normal(0, _NOISE, moved.shape)
        yield np.asarray((moved * gain + noise).round().clip(0, 255), np.uint8)


def _fit(image: Image, width: int, height: int) -> Image:
    """Scale an image to cover a frame and cut off what stands out on either side."""
    scale = max(width / image.shape[1], height / image.shape[0])
    way: Any = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    wide, high = round(image.shape[1] * scale), round(image.shape[0] * scale)
    scaled = cv2.resize(image, (max(wide, width), max(high, height)), interpolation=way)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)

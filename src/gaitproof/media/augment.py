"""Augmented copies of videos, as in the gait seed's paper (appendix F.5).

Horizontal flip, brightness and contrast ±0.2 to 0.3, rotation ±5° to 10°, speed 0.8 and 1.2,
reversal, blur with a kernel of 3 or 5; and one kind more, distance: the walker small and strongly
compressed, as in old or distant footage. The seed takes flipped and reversed walks for the same
person; they are not: nobody is symmetrical, and a stride run backwards is another stride. Copies
of these two kinds show *another walker* (see `gaitproof.data.manifest.DERIVED`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import CRF, VideoWriter
from gaitproof.media.info import inspect_video

Image = NDArray[np.uint8]
Kind = Literal["flip", "light", "rotation", "blur", "slow", "fast", "reverse", "distance"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
RANDOM_KINDS: Final[tuple[Kind, ...]] = ("light", "rotation", "blur", "distance")
"""Kinds of which there can be several different copies."""

DERIVED_AS: Final[dict[Kind, str]] = {"flip": "mirrored", "reverse": "reversed"}
"""Kinds that make another walker, with the name of what they make."""

SLOW: Final = 0.8
FAST: Final = 1.2
LIGHT: Final = (0.2, 0.3)
ROTATION: Final = (5.0, 10.0)
KERNELS: Final = (3, 5)
DISTANCE: Final = (2.0, 4.0)
"""How many times further away: walkers of 250 pixels become 60 to 125 pixels tall."""

COMPRESSION: Final = (20.0, 30.0)
"""Constant rate factor of H.264 for distant walkers; the encoder's own is `VideoWriter`'s."""

CHUNK_BYTES: Final = 192 * 2**20
"""Frames held at a time while a video is reversed."""


@dataclass(frozen=True)
class Change:
    """What is done to a video; the defaults do nothing.

    Parameters
    ----------
    flip
        Exchange left and right.
    brightness
        Part of full white that is added.
    contrast
        Part by which differences from mid-grey grow.
    angle
        Degrees, counter-clockwise, about the middle; the border is repeated into the corners.
    kernel
        Size of a Gaussian blur in pixels, odd; 0 for none.
    speed
        Above 1 is faster: times are divided by it.
    reverse
        Run backwards.
    distance
        Factor by which both sides of the frame shrink, at least 1; a frame never becomes too
        small to be read again.
    crf
        Constant rate factor of the copy's H.264: higher is coarser.
    """

    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    angle: float = 0.0
    kernel: int = 0
    speed: float = 1.0
    reverse: bool = False
    distance: float = 1.0
    crf: float = CRF


def draw(kind: Kind, rng: np.random.Generator) -> Change:
    """Draw a change of a kind, in the ranges of the gait seed's paper."""
    match kind:
        case "flip":
            return Change(flip=True)
        case "reverse":
            return Change(reverse=True)
        case "slow":
            return Change(speed=SLOW)
        case "fast":
            return Change(speed=FAST)
        case "blur":
            return Change(kernel=int(rng.choice(KERNELS)))
        case "rotation":
            return Change(angle=float(rng.choice((-1.0, 1.0)) * rng.uniform(*ROTATION)))
        case "light":
            brightness, contrast = rng.choice((-1.0, 1.0), 2) * rng.uniform(*LIGHT, 2)
            return Change(brightness=float(brightness), contrast=float(contrast))
        case "distance":
            return Change(
                distance=float(rng.uniform(*DISTANCE)), crf=float(rng.uniform(*COMPRESSION))
            )


def change_image(image: Image, change: Change) -> Image:
    """Apply what a change does to a single frame, but for its distance.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB.
    change
        Speed and direction do not concern a single frame.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3), a new array.
    """
    changed = image[:, ::-1].copy() if change.flip else image.copy()
    if change.angle:
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), change.angle, 1.0)
        changed = np.asarray(
            cv2.warpAffine(changed, turn, (width, height), borderMode=cv2.BORDER_REPLICATE),
            np.uint8,
        )
    if change.kernel:
        size = (change.kernel, change.kernel)
        changed = np.asarray(cv2.GaussianBlur(changed, size, 0), np.uint8)
    if change.brightness or change.contrast:
        level = np.arange(256.0)
        level = (level - 127.5) * (1 + change.contrast) + 127.5 + 255 * change.brightness
        changed = np.round(level).clip(0, 255).astype(np.uint8)[changed]
    return changed


def augment_video(
    source: Path, target: Path, change: Change, limits: MediaLimits | None = None
) -> None:
    """Write a changed copy of a video; it appears whole or not at all.

    Time stamps are kept, variable frame rates included, but for what `change` does to them.
    A bounded number of frames is held at a time; for a reversal the video is decoded piece by
    piece from its end. An odd last row or column is left out, since H.264 needs even sides.

    Parameters
    ----------
    source
        Video.
    target
        MP4 file to write.
    change
        What to do.
    limits
        Bounds on the source.

    Raises
    ------
    MediaError
        If the source cannot be read.
    InputError
        If the copy cannot be written.
    """
    if change.speed <= 0:
        raise MediaError("A speed must be above 0.", actual=f"{change.speed:g}")
    if change.distance < 1:
        raise MediaError("A distance must be 1 or more.", actual=f"{change.distance:g}")
    limits = limits or MediaLimits()
    info = inspect_video(source, limits)
    # a copy too small to be read would be of no use
    nearest = max(1.0, min(info.width, info.height) / (limits.min_side + 2))
    shrink = min(change.distance, nearest)
    size = (int(info.width / shrink) // 2 * 2, int(info.height / shrink) // 2 * 2)
    frames = _backward(source, limits) if change.reverse else _forward(source, limits)
    rate = info.frame_rate * change.speed
    with VideoWriter(target, rate, size, crf=change.crf, timed=True) as writer:
        for time, image in frames:
            changed = change_image(image, change)
            if shrink > 1:
                changed = np.asarray(cv2.resize(changed, size, interpolation=cv2.INTER_AREA))
            writer.write(changed[: size[1], : size[0]], time / change.speed)


def _forward(source: Path, limits: MediaLimits) -> Iterator[tuple[float, Image]]:
    begin = None
    for frame in read_frames(source, limits):
        begin = frame.time if begin is None else begin
        yield frame.time - begin, frame.image


def _backward(source: Path, limits: MediaLimits) -> Iterator[tuple[float, Image]]:
    times, size = [], 1
    for frame in read_frames(source, limits):
        times.append(frame.time)
        size = frame.image.nbytes
    count = max(1, CHUNK_BYTES // size)
    for stop in range(len(times), 0, -count):
        start = max(0, stop - count)
        end = times[stop] if stop < len(times) else None
        chunk = list(read_frames(source, limits, times[start], end))
        if len(chunk) != stop - start:
            raise MediaError(
                f"The video {str(source)!r} cannot be reversed: it decodes differently from its "
                "middle.",
                expected=f"{stop - start} frames from {times[start]:.2f} s on",
                actual=str(len(chunk)),
                hint="convert it to MP4 first",
            )
        for frame in reversed(chunk):
            yield times[-1] - frame.time, frame.image

"""One walk as a video with its true joints, and face swaps: another head on the same body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Unpack

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats.npz import save_npz
from gaitproof.synth.frames import Faults, clean_frames
from gaitproof.synth.scene import draw_scene
from gaitproof.synth.take import Film, Take, prepare
from gaitproof.synth.walker import Head, Walker
from gaitproof.types import PoseSequence

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
    return cv2.blur(grown, (side, side)).astype(np.float32) / 255


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

    Raises
    ------
    ValueError
        If there are more or fewer frames than the walk has.
    """
    for original, (other, share) in zip(originals, other_heads(take, head), strict=True):
        yield blend(original, other, share)


@dataclass(frozen=True)
class Clip:
    """What `render_walk` made."""

    video: Path
    truth: Path
    pose: PoseSequence
    speed: float
    cadence: float
    stage: str


def render_walk(
    walker: Walker,
    *,
    view: float,
    seed: int,
    out: Path,
    swap_with: Walker | None = None,
    **film: Unpack[Film],
) -> Clip:
    """Make a video of a walk and a file with its true joints.

    Parameters
    ----------
    walker
        Who walks.
    view
        Degrees between walking direction and camera: 0 frontal, 90 from the side; 30 to 60 is
        what pose estimators follow best. Left or right is drawn.
    seed
        Draws this walk: day-to-day change of gait, clothes, place, light, camera.
    out
        The video, ``*.mp4``; the truth goes beside it as ``*.npz``. Both appear whole or not.
    swap_with
        Whose head is put on the walker: a face swap before compression; see `swap_face` for one
        made of a finished video.
    **film
        Length, frames and place, see `Film`.

    Raises
    ------
    ConfigError
        If a parameter is out of range.
    DependencyError
        If the renderer is missing.
    """
    take = prepare(walker, view=view, seed=seed, **film)
    faults = Faults(take)
    images: Iterator[NDArray[np.uint8]] = (
        faults(image) for image, _ in clean_frames(take, walker.head)
    )
    if swap_with is not None:
        images = swapped_frames(images, take, swap_with.head)
    return _write(out, take, images, take.sensor.crf)


def _write(out: Path, take: Take, images: Iterable[UInt8], crf: float) -> Clip:
    with VideoWriter(out, take.frame_rate, take.size, crf=crf) as writer:
        for image in images:
            writer.write(image)
    truth = take.truth()
    path = out.with_suffix(".npz")
    save_npz(path, truth)
    return Clip(out, path, truth, take.motion.speed, take.motion.cadence, take.stage)


CRF: Final = 21.0
"""x264 quality of the second compression."""


def swap_face(
    original: Path,
    walker: Walker,
    face: Walker,
    *,
    view: float,
    seed: int,
    out: Path,
    **film: Unpack[Film],
) -> Clip:
    """Replace the head in a video that `render_walk` made.

    It is made as swapping software makes it: the finished (compressed) video is decoded, the head
    region is replaced behind a soft mask, and the result is compressed again. Outside the mask the
    frames are those of the original.

    Parameters
    ----------
    original
        The video.
    walker, view, seed, **film
        As the original was made.
    face
        Whose head is put on; the walker's own gives the control (a swap that changes nothing but
        the compression and the head's noise).
    out
        The new video; the truth goes beside it as ``.npz``.

    Raises
    ------
    InputError
        If the video has another number of frames than these parameters give.
    """
    take = prepare(walker, view=view, seed=seed, **film)
    originals = (frame.image for frame in read_frames(original))
    try:
        return _write(out, take, swapped_frames(originals, take, face.head), CRF)
    except ValueError as error:
        raise InputError(
            f"The video {str(original)!r} is not the walk it is said to be.",
            expected=f"{len(take.motion.times)} frames",
            hint="give the walker, view, seed and length it was made with",
        ) from error

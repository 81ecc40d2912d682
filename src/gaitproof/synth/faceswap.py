"""Face swaps of finished videos: another head on the same body, everything else untouched.

The swapped clip is made as swapping software makes it: the finished (compressed) video is decoded,
the head region is replaced behind a soft mask, and the result is compressed again. Outside the mask
the pictures are those of the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats.npz import save_npz
from gaitproof.synth.clips import Clip, Faults, Take, clean_frames, prepare
from gaitproof.synth.staging import Stage
from gaitproof.synth.walker import Walker

UInt8 = NDArray[np.uint8]

FEATHER: Final = 0.09
"""Softness of the mask's edge, as a part of the head's height in pixels."""

CRF: Final = 21.0
"""x264 quality of the second compression."""


def soft_mask(*masks: UInt8) -> NDArray[np.float32]:
    """Return the share of the new picture (H, W) that covers all given head masks.

    1 inside the heads, falling smoothly to exactly 0 a few pixels outside.
    """
    union = np.maximum.reduce(masks)
    rows = np.flatnonzero(union.any(axis=1))
    if len(rows) == 0:
        return np.zeros(union.shape, np.float32)
    radius = max(1, round(FEATHER * (rows[-1] - rows[0] + 1)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    grown = cv2.dilate(union, kernel)
    side = 2 * radius + 1
    soft: NDArray[np.float32] = cv2.blur(grown, (side, side)).astype(np.float32) / 255
    return soft


def blend(original: UInt8, other: UInt8, share: NDArray[np.float32]) -> UInt8:
    """Mix two pictures; where the share is 0 the original's pixels stay exactly."""
    mixed = original + (other.astype(np.float32) - original) * share[..., None]
    return np.where(share[..., None] > 0, np.rint(mixed), original).astype(np.uint8)


def swapped_frames(originals: Iterator[UInt8], take: Take, face: Walker) -> Iterator[UInt8]:
    """Yield the pictures of a clip with another head.

    Parameters
    ----------
    originals
        The finished video's pictures.
    take
        The walk that the video shows.
    face
        Whose head is put on.
    """
    faults = Faults(take, salt=1)
    own = clean_frames(take, take.walker.head)
    new = clean_frames(take, face.head)
    for original, (_, own_mask), (picture, mask) in zip(originals, own, new, strict=True):
        yield blend(original, faults(picture), soft_mask(own_mask, mask))


def swap_face(
    original: Path,
    walker: Walker,
    face: Walker,
    *,
    view: float,
    seed: int,
    out: Path,
    seconds: float = 6.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: float = 30.0,
    stage: Stage = "auto",
) -> Clip:
    """Replace the head in a video that `clips.render_walk` made.

    Parameters
    ----------
    original
        The video.
    walker, view, seed, seconds, size, frame_rate, stage
        As the original was made.
    face
        Whose head is put on; the walker's own gives the control (a swap that changes nothing but
        the compression and the head's noise).
    out
        The new video; the truth goes beside it as ``.npz``.

    Raises
    ------
    InputError
        If the video has another number of pictures than these parameters give.
    """
    take = prepare(
        walker, view=view, seed=seed, seconds=seconds, size=size, frame_rate=frame_rate, stage=stage
    )
    originals = (frame.image for frame in read_frames(original))
    try:
        with VideoWriter(out, frame_rate, size, crf=CRF) as writer:
            for picture in swapped_frames(originals, take, face):
                writer.write(picture)
    except ValueError as error:
        raise InputError(
            f"The video {str(original)!r} is not the walk it is said to be.",
            expected=f"{len(take.motion.times)} pictures",
            hint="give the walker, view, seed and length it was made with",
        ) from error
    truth = take.truth()
    path = out.with_suffix(".npz")
    save_npz(path, truth)
    return Clip(out, path, truth, take.motion.speed, take.motion.cadence, take.stage)


def reencode(original: Path, out: Path, *, frame_rate: float, crf: float = CRF) -> None:
    """Compress a video again without any other change: the control for what compression does."""
    writer: VideoWriter | None = None
    frames = read_frames(original)
    first = next(frames)
    height, width = first.image.shape[:2]
    with VideoWriter(out, frame_rate, (width, height), crf=crf) as writer:
        writer.write(first.image)
        for frame in frames:
            writer.write(frame.image)

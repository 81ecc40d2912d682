"""One walk as a video with its true joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats.npz import save_npz
from gaitproof.synth.blending import swapped_frames
from gaitproof.synth.frames import Faults, clean_frames
from gaitproof.synth.staging import Stage
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker
from gaitproof.types import PoseSequence


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
    seconds: float = 6.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: float = 30.0,
    stage: Stage = "auto",
    swap_with: Walker | None = None,
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
    seconds, frame_rate
        Length of the clip.
    size
        (width, height) in pixels, even.
    stage
        ``pass``: one straight crossing; ``treadmill``: in place on a belt; ``auto``: a pass where
        it fits the frame, else a treadmill.
    swap_with
        Whose head is put on the walker: a face swap before compression; see
        `gaitproof.synth.faceswap` for one made of a finished video.

    Returns
    -------
    Clip
        Paths, and the truth as a pose sequence.

    Raises
    ------
    ConfigError
        If a parameter is out of range.
    DependencyError
        If the renderer is missing.
    """
    take = prepare(
        walker, view=view, seed=seed, seconds=seconds, size=size, frame_rate=frame_rate, stage=stage
    )
    faults = Faults(take)
    images: Iterator[NDArray[np.uint8]] = (
        faults(image) for image, _ in clean_frames(take, walker.head)
    )
    if swap_with is not None:
        images = swapped_frames(images, take, swap_with.head)
    with VideoWriter(out, frame_rate, size, crf=take.sensor.crf) as writer:
        for image in images:
            writer.write(image)
    truth = take.truth()
    path = out.with_suffix(".npz")
    save_npz(path, truth)
    return Clip(out, path, truth, take.motion.speed, take.motion.cadence, take.stage)

"""Face swaps of finished videos: another head on the same body, everything else untouched.

The swapped clip is made as swapping software makes it: the finished (compressed) video is decoded,
the head region is replaced behind a soft mask, and the result is compressed again. Outside the mask
the frames are those of the original.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats.npz import save_npz
from gaitproof.synth.blending import swapped_frames
from gaitproof.synth.clips import Clip
from gaitproof.synth.staging import Stage
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker

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
        If the video has another number of frames than these parameters give.
    """
    take = prepare(
        walker, view=view, seed=seed, seconds=seconds, size=size, frame_rate=frame_rate, stage=stage
    )
    originals = (frame.image for frame in read_frames(original))
    try:
        with VideoWriter(out, frame_rate, size, crf=CRF) as writer:
            for image in swapped_frames(originals, take, face.head):
                writer.write(image)
    except ValueError as error:
        raise InputError(
            f"The video {str(original)!r} is not the walk it is said to be.",
            expected=f"{len(take.motion.times)} frames",
            hint="give the walker, view, seed and length it was made with",
        ) from error
    truth = take.truth()
    path = out.with_suffix(".npz")
    save_npz(path, truth)
    return Clip(out, path, truth, take.motion.speed, take.motion.cadence, take.stage)

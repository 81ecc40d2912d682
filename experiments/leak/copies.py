"""Short clips of recordings, and the fifteen augmented copies of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from gaitproof.data.gait import Recording
from gaitproof.gait.features import mirror
from gaitproof.types.windows import WINDOW_RATE

CLIP_SECONDS: Final = 2.5
"""One or two sequences of 60 frames, as in the seed; a copy 1.2 times as fast still has 2 s."""

_ROLL: Final = 7.0
_TEMPO: Final = (0.8, 1.2)
_NOISE: Final = (0.01, 0.02)


def make_copies(clip: Recording, rng: np.random.Generator) -> list[Recording]:
    """Make the 15 copies of a clip: what the seed does to videos, done to joints.

    Rotation by ±7 degrees in the image (the seed's ±5 to 10), tempo 0.8 and 1.2, reversal, joint
    noise of 1 and 2 % of the torso (for blur, brightness and contrast, which move the estimated
    joints by about that), each also mirrored, and the mirrored clip itself. As there, mirrored and
    reversed copies keep the name of the person, though another walker walks so.

    Parameters
    ----------
    clip
        An original, without gaps.
    rng
        Source of the noise.
    """
    times, points = clip.times, clip.points
    torso = float(np.median(np.linalg.norm(points[:, :2].mean(1) - points[:, 2:4].mean(1), axis=1)))
    roll = Rotation.from_euler("z", _ROLL, degrees=True).as_matrix()
    changed = {
        "": (times, points),
        "roll+": (times, points @ roll),
        "roll-": (times, points @ roll.T),
    }
    changed |= {f"tempo{factor}": (times / factor, points) for factor in _TEMPO}
    for size in _NOISE:
        noisy = points + rng.normal(0, size * torso, points.shape)
        changed[f"noise{size}"] = (times, noisy)
    changed["reversal"] = (times, points[::-1])
    both = {name: walk for name, walk in changed.items() if name}
    both |= {f"mirror{name}": (t, mirror(p)) for name, (t, p) in changed.items()}
    return [
        replace(
            clip, recording=f"{clip.recording}+{name}", times=t, points=p, parent=clip.recording
        )
        for name, (t, p) in both.items()
    ]


def cut_clip(walk: Recording, rng: np.random.Generator) -> Recording | None:
    """Cut a clip of `CLIP_SECONDS` from a walk's longest unbroken run; None if there is none."""
    frames = round(CLIP_SECONDS * WINDOW_RATE) + 1
    longest = max(walk.segments, key=len, default=None)
    if longest is None or len(longest) < frames:
        return None
    start = int(rng.integers(len(longest) - frames + 1))
    points = longest[start : start + frames].astype(np.float64)
    return replace(walk, times=np.arange(frames) / WINDOW_RATE, points=points)

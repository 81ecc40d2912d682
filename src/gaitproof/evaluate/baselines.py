"""What a gait network must beat: bone lengths and posture, on the same trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import GaitRecording, Level

Float64 = NDArray[np.float64]
Describe = Callable[[GaitRecording], Float64]
"""From a walk to its vectors, shape (N, D): one row per clip or per window."""

TORSO_BONES: Final = (0, 1)
"""Left and right shoulder-to-hip, in the order of `gaitproof.train.sources.Recording.bones`."""

N_COORDINATES: Final = 36
"""The first features are coordinates; the rest are angles and velocities."""


@dataclass(frozen=True)
class Baseline:
    """A comparison system without a network, scored by minus the Euclidean distance.

    Parameters
    ----------
    describe
        Vectors of a walk before standardising.
    levels
        Where it applies: lengths of a whole clip say nothing about single windows.
    """

    describe: Describe
    levels: tuple[Level, ...]

    def fit(self, train: Sequence[GaitRecording]) -> Describe:
        """Standardise on training people; returns the function for held-out walks.

        Raises
        ------
        InputError
            If no training walk has vectors.
        """
        rows = [self.describe(r) for r in train if len(r.windows)]
        if not rows:
            raise InputError("A baseline has no training walk to standardise on.")
        values = np.concatenate(rows)
        mean, std = values.mean(axis=0), values.std(axis=0)
        std = np.where(std > 0, std, 1.0)
        return lambda recording: (self.describe(recording) - mean) / std


def has_bones(recordings: Sequence[GaitRecording]) -> bool:
    """Whether every walk knows the length of every bone."""
    return all(r.bones is not None and np.isfinite(r.bones).all() for r in recordings)


def metric_bones(recording: GaitRecording) -> Float64:
    """Return the ten bone lengths as measured, shape (1, 10)."""
    return _bones(recording)[None]


def scaled_bones(recording: GaitRecording) -> Float64:
    """Return the ten bone lengths in units of the torso, shape (1, 10)."""
    bones = _bones(recording)
    scaled: Float64 = (bones / bones[list(TORSO_BONES)].mean())[None]
    return scaled


def mean_pose(recording: GaitRecording) -> Float64:
    """Return the mean posture of every window, shape (N, 36): no motion at all."""
    features: NDArray[Any] = recording.windows.features
    pose: Float64 = features[:, :, :N_COORDINATES].mean(axis=1, dtype=np.float64)
    return pose


def _bones(recording: GaitRecording) -> Float64:
    if recording.bones is None:
        raise InputError(f"The recording {recording.recording!r} has no bone lengths.")
    return np.asarray(recording.bones, np.float64)


BASELINES: Final = {
    "bone lengths, metric": Baseline(metric_bones, ("clip",)),
    "bone lengths, torso-scaled": Baseline(scaled_bones, ("clip",)),
    "static mean pose": Baseline(mean_pose, ("clip", "window")),
}

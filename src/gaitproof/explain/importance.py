"""What an explanation of a score says: contributions of joints, angles, groups and moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.cycles import ANGLES
from gaitproof.nets.encoder import Encoder
from gaitproof.nets.normaliser import FEATURE_GROUPS
from gaitproof.types import GAIT_LANDMARKS, GaitWindows, Landmark
from gaitproof.types.rows import freeze
from gaitproof.types.windows import N_FEATURES, WINDOW_RATE
from gaitproof.verify.evidence import score

Float64 = NDArray[np.float64]

_COORDINATES, _VELOCITIES = FEATURE_GROUPS["coordinates"], FEATURE_GROUPS["velocities"]

JOINT_COLUMNS: Final[Mapping[Landmark, tuple[int, ...]]] = {
    landmark: tuple(
        part.start + 3 * i + axis for part in (_COORDINATES, _VELOCITIES) for axis in range(3)
    )
    for i, landmark in enumerate(GAIT_LANDMARKS)
}
"""Features that are a joint's: its coordinates and velocities."""

ANGLE_COLUMNS: Final[Mapping[str, tuple[int, ...]]] = {
    name: (FEATURE_GROUPS["angles"].start + i,) for i, name in enumerate(ANGLES)
}

GROUP_COLUMNS: Final[Mapping[str, tuple[int, ...]]] = {
    name: tuple(range(N_FEATURES)[columns]) for name, columns in FEATURE_GROUPS.items()
}


@dataclass(frozen=True, eq=False)
class Importance:
    """What contributed to the similarity of a probe and a template; positive speaks for the claim.

    Parameters
    ----------
    method
        How it was found.
    baseline
        What a part was compared with, in words.
    score
        The similarity in [0, 1] that is explained.
    times
        Shape (F,): seconds in the video, at 30 Hz; jumps where the walk was interrupted.
    over_time
        Shape (F,): contribution of each moment.
    joints, angles, groups
        Contribution of each of the 12 joints, 6 joint angles and 3 groups of features. The joints
        and angles together are one way to divide the features, the groups another.
    """

    method: str
    baseline: str
    score: float
    times: Float64
    over_time: Float64
    joints: Mapping[Landmark, float]
    angles: Mapping[str, float]
    groups: Mapping[str, float]

    def __post_init__(self) -> None:
        times, over_time = (np.array(row, np.float64) for row in (self.times, self.over_time))
        freeze(self, times=times, over_time=over_time)
        if self.times.ndim != 1 or self.times.shape != self.over_time.shape:
            raise ValueError("there must be one contribution per moment")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; joints by their lower-case names."""
        return {
            **asdict(self),
            "times": self.times.round(4).tolist(),
            "over_time": self.over_time.tolist(),
            "joints": {joint.name.lower(): value for joint, value in self.joints.items()},
        }


@dataclass(frozen=True, eq=False)
class Timeline:
    """Where the frames of overlapping windows lie on the time axis of the video.

    Parameters
    ----------
    times
        Shape (F,): the moments that some window covers, seconds, at 30 Hz.
    places
        Shape (N, T): index into `times` of every frame of every window.
    """

    times: Float64
    places: NDArray[np.intp]

    @classmethod
    def of(cls, windows: GaitWindows, frames: int) -> Timeline:
        """Lay out windows of which a network sees the first so many frames."""
        first = np.rint(windows.starts * WINDOW_RATE).astype(np.intp)
        numbers, places = np.unique(first[:, None] + np.arange(frames), return_inverse=True)
        return cls(numbers / WINDOW_RATE, places.reshape(len(first), frames))

    def merge(self, values: Float64) -> Float64:
        """Add up contributions of window frames (N, T) per moment, shape (F,)."""
        sums = np.bincount(self.places.ravel(), values.ravel(), len(self.times))
        return np.asarray(sums, np.float64)

    def slots(self, length: int) -> Iterable[NDArray[np.intp]]:
        """Cut the moments into slots of neighbours, `length` of them or, at an end, fewer."""
        gaps = np.flatnonzero(np.diff(self.times) > 1.5 / WINDOW_RATE) + 1
        for run in np.split(np.arange(len(self.times)), gaps):
            yield from np.split(run, range(length, len(run), length))


Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ProbeScore:
    """The similarity of a probe with one template, as a function of what the network sees.

    Parameters
    ----------
    encoder
        Its scores are explained.
    template
        Shape (D,), unit length.
    references
        Shape (R, D): the other people that the verdict was relative to; None for nobody.
    """

    encoder: Encoder
    template: Float32
    references: Float32 | None = None

    def of_embeddings(self, embeddings: Float32) -> float:
        """Return the similarity in [0, 1] of embeddings (N, D) of a probe."""
        return score(self.encoder, embeddings, self.template, self.references)

    def __call__(self, inputs: Float32) -> float:
        """Return the similarity in [0, 1] of a probe whose windows the network sees as `inputs`."""
        return self.of_embeddings(self.encoder.embed_inputs(inputs))

"""One walk, whatever it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import gait_points, unbroken_paths, windows_from_points
from gaitproof.pose.cleaning import clean
from gaitproof.types import GAIT_LANDMARKS, Domain, GaitWindows, Landmark, PoseSequence
from gaitproof.types.layouts import COCO_LAYOUT, Layout, layout_of
from gaitproof.types.windows import WINDOW_FRAMES

_BONES: Final = (
    *(
        (Landmark[f"{side}_{a}"], Landmark[f"{side}_{b}"])
        for a, b in (
            ("SHOULDER", "HIP"),
            ("HIP", "KNEE"),
            ("KNEE", "ANKLE"),
            ("ANKLE", "FOOT_INDEX"),
        )
        for side in ("LEFT", "RIGHT")
    ),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
)
"""The ten bones of the bone-length baseline."""

HEAD_AND_ARMS: Final = tuple(x for x in COCO_LAYOUT.landmarks if x not in GAIT_LANDMARKS)
"""Nose, eyes, ears, elbows and wrists: the joints of COCO-17 beside the gait landmarks."""

POSES_FOLDER: Final = "poses"
"""Folder beside a manifest with what ``gaitproof extract`` found in its videos."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What a walk of any signal is labelled with.

    Parameters
    ----------
    subject, recording, condition, view, source
        Subjects are unique within `source`.
    parent
        Recording this one was made from by augmentation; empty for an original. The subject of a
        mirrored or reversed copy is another walker: see `gaitproof.data.manifest`.
    domain
        Sensor, estimator and site of the footage.
    """

    subject: str
    recording: str
    condition: str
    view: str
    source: str
    parent: str = field(default="", kw_only=True)
    domain: Domain = field(default_factory=Domain, kw_only=True)


@dataclass(frozen=True, eq=False)
class Recording(Labels):
    """One walk of one subject, ready for windows.

    Parameters
    ----------
    times
        Shape (T,), seconds.
    points
        Shape (T, 12, 3), cleaned gait landmarks, y up, NaN where unknown; of a recording in another
        layout (`seen`) the joints of that.
    flat
        Whether the points come from a two-dimensional source: z is 0 and the unit is pixels.
    feet
        Whether the source has feet (COCO-17 ends at the ankles); if not, features of the feet are
        masked, as those of missing heels are.
    others
        Shape (T, 9, 3), `HEAD_AND_ARMS`, as the points are; None if the source has none of them.
    least
        Frames at 30 Hz of an unbroken run, 10 to 60; a run of fewer than 60 gives a window that is
        padded.
    """

    times: NDArray[np.float64]
    points: NDArray[np.float64]
    flat: bool = False
    feet: bool = True
    others: NDArray[np.float32] | None = None
    least: int = WINDOW_FRAMES

    @cached_property
    def windows(self) -> GaitWindows:
        """All 60-frame windows of the walk."""
        return windows_from_points(self.times, self.points, feet=self.feet, least=self.least)

    @cached_property
    def segments(self) -> list[NDArray[np.float32]]:
        """Unbroken 30 Hz paths of at least one window, each (M, 12, 3), or of `least` frames."""
        paths = (path for _, path in unbroken_paths(self.times, self.points, feet=self.feet))
        return [path.astype(np.float32) for path in paths if len(path) >= self.least]

    @cached_property
    def bones(self) -> NDArray[np.float64] | None:
        """Median length of the ten bones in the points' unit, shape (10,).

        None without frames, without depth (a projected bone has no length) or without feet.
        """
        if not len(self.points) or self.flat or not self.feet:
            return None
        index = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
        ends = np.array([(index[a], index[b]) for a, b in _BONES])
        lengths = np.linalg.norm(self.points[:, ends[:, 0]] - self.points[:, ends[:, 1]], axis=2)
        return np.asarray(np.nanmedian(lengths, axis=0))

    def seen(self, layout: Layout, least: int = WINDOW_FRAMES) -> Self:
        """Return the walk as a network sees it.

        Parameters
        ----------
        layout
            Its joints. Those that the source does not have are masked in every window.
        least
            As for the class.
        """
        own = layout_of(self.points.shape[1])
        if own == layout:
            return self if least == self.least else replace(self, least=least)
        known = {landmark: self.points[:, i] for i, landmark in enumerate(own.landmarks)}
        if self.others is not None:
            others = self.others.astype(np.float64)
            known |= {landmark: others[:, i] for i, landmark in enumerate(HEAD_AND_ARMS)}
        unknown = np.full((len(self.points), 3), np.nan)
        points = np.stack([known.get(one, unknown) for one in layout.landmarks], axis=1)
        return replace(self, points=points, feet=False, others=None, least=least)


def make_recording(
    sequence: PoseSequence, domain: Domain | None = None, **labels: str
) -> Recording:
    """Clean a sequence like the poses of a video, so that all kinds of source look alike.

    Parameters
    ----------
    sequence
        World or image coordinates.
    domain
        Of the footage; by default what the sequence's estimator and the source say of it.
    **labels
        The labels of `Recording`.
    """
    cleaned = clean(sequence).sequence
    if domain is None:
        domain = Domain.of(estimator=sequence.estimator, site=labels.get("source", ""))
    others = gait_points(cleaned, HEAD_AND_ARMS).astype(np.float32)
    return Recording(
        times=cleaned.timestamps,
        points=gait_points(cleaned),
        others=others if np.isfinite(others).any() else None,
        flat=not cleaned.has_depth,
        feet=cleaned.feet,
        domain=domain,
        **labels,  # type: ignore[arg-type]
    )

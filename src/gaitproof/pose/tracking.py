"""Detections of every frame joined to one track per person."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.pose.estimator import Detection
from gaitproof.pose.silhouettes import FrameSilhouette, join_silhouettes
from gaitproof.types import (
    GAIT_LANDMARKS,
    N_LANDMARKS,
    Landmark,
    PoseSequence,
    SilhouetteSequence,
)

_TORSO: Final = (
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
)

_MEMORY: Final = 0.2
"""Seconds over which a track's speed and height are averaged."""


@dataclass(frozen=True)
class TrackingSettings:
    """When two detections are the same person.

    Parameters
    ----------
    max_lost
        Seconds without a detection after which a track ends.
    max_jump, max_speed
        Largest distance between the torso's predicted and found place, in body heights: a fixed
        part plus a part per second since the last sight. The prediction follows steady motion,
        so that this only bounds the change.
    first_speed
        The same as `max_speed` for the second detection of a track, whose motion is not known:
        body heights per second of a sprinter.
    max_growth, growth_speed
        Largest change of the logarithm of the body's height, fixed and per second.
    min_duration
        Seconds: shorter tracks are dropped.
    min_visibility
        Tracks whose median visibility of the 12 gait landmarks is lower are dropped.
    min_detected
        Tracks that are seen in a smaller share of their frames are dropped.
    min_height
        Tracks whose median height in pixels is smaller are dropped.

    Notes
    -----
    The last four are against phantoms: BlazePose sees people in furniture and bushes. On a clip of
    six people walking through an office one after another they leave the six and drop 15 phantoms,
    most of them about 40 pixels high.
    """

    max_lost: float = 0.5
    max_jump: float = 0.25
    max_speed: float = 1.0
    first_speed: float = 5.0
    max_growth: float = 0.3
    growth_speed: float = 0.5
    min_duration: float = 0.65
    min_visibility: float = 0.3
    min_detected: float = 0.65
    min_height: float = 48.0


@dataclass
class _Track:
    """A person being followed; `number` is by the order of first sights."""

    number: int
    frames: list[int]
    times: list[float]
    detections: list[Detection]
    centre: NDArray[np.float64]
    height: float
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def cost(
        self, time: float, centre: NDArray[np.float64], height: float, settings: TrackingSettings
    ) -> float:
        """Return how badly a detection fits, 0 to 1; infinite if it cannot be this person."""
        gap = time - self.times[-1]
        predicted = self.centre + self.velocity * gap
        scale = max(self.height, height)
        jump = float(np.linalg.norm(centre - predicted)) / scale
        growth = abs(float(np.log(height / self.height)))
        # a track of one detection has no direction yet
        speed = settings.max_speed if len(self.times) > 1 else settings.first_speed
        share = max(
            jump / (settings.max_jump + speed * gap),
            growth / (settings.max_growth + settings.growth_speed * gap),
        )
        return share if share <= 1 else np.inf

    def add(
        self,
        frame: int,
        time: float,
        detection: Detection,
        centre: NDArray[np.float64],
        height: float,
    ) -> None:
        gap = time - self.times[-1]
        # an average, for single steps of the estimator are noisy
        weight = min(1.0, gap / _MEMORY) if len(self.times) > 1 else 1.0
        self.velocity = (1 - weight) * self.velocity + weight * (centre - self.centre) / gap
        self.centre = centre
        weight = min(1.0, gap / _MEMORY)
        self.height = (1 - weight) * self.height + weight * height
        self.frames.append(frame)
        self.times.append(time)
        self.detections.append(detection)

    def forget(self, gone: int) -> None:
        """Drop the first so many frames of the video, and count from the next."""
        old = bisect_left(self.frames, gone)
        del self.times[:old], self.detections[:old]
        self.frames = [frame - gone for frame in self.frames[old:]]


def body_place(detection: Detection) -> tuple[NDArray[np.float64], float]:
    """Return the middle of the torso (2,) and the height of the body, in pixels."""
    points = detection.image.astype(np.float64)
    height = float(points[:, 1].max() - points[:, 1].min())
    return points[list(_TORSO)].mean(axis=0), max(height, 1.0)


class Tracker:
    """Joins detections to tracks, one frame after another.

    People who walk through the frame one after another become separate tracks even where the
    estimator hops from one to the next without a pause: a jump of place or of size ends a track.

    Parameters
    ----------
    settings
        Limits; the defaults if None.
    """

    def __init__(self, settings: TrackingSettings | None = None) -> None:
        self.settings = settings or TrackingSettings()
        self._times: list[float] = []
        self._motion: list[float] = []
        self._open: list[_Track] = []
        self._done: list[_Track] = []
        self._begun = 0

    def add(
        self, time: float, detections: Sequence[Detection], motion: float = np.nan
    ) -> tuple[int, ...]:
        """Take in one frame.

        Parameters
        ----------
        time
            Seconds, larger at every call.
        detections
            People found in the frame.
        motion
            Speed of the background, frame widths per second; NaN if unknown.

        Returns
        -------
        tuple of int
            The number of each detection's track; -1 for one that cannot be used.
        """
        frame = len(self._times)
        self._times.append(time)
        self._motion.append(motion)
        alive: list[_Track] = []
        for track in self._open:
            lost = time - track.times[-1] > self.settings.max_lost
            (self._done if lost else alive).append(track)
        self._open = alive
        usable = [i for i, d in enumerate(detections) if np.isfinite(d.image).all()]
        places = [body_place(detections[i]) for i in usable]
        taken = self._match(time, places)
        numbers = [-1] * len(detections)
        for place, (i, (centre, height)) in enumerate(zip(usable, places, strict=True)):
            if place in taken:
                track = self._open[taken[place]]
                track.add(frame, time, detections[i], centre, height)
            else:
                track = _Track(self._begun, [frame], [time], [detections[i]], centre, height)
                self._begun += 1
                self._open.append(track)
            numbers[i] = track.number
        return tuple(numbers)

    def forget(self, before: float) -> None:
        """Drop what was seen earlier, in seconds, so that a stream needs a bounded memory."""
        gone = bisect_left(self._times, before)
        del self._times[:gone], self._motion[:gone]
        for track in [*self._open, *self._done]:
            track.forget(gone)
        self._open = [track for track in self._open if track.frames]
        self._done = [track for track in self._done if track.frames]

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of the tracks that `finish` returns, in its order."""
        return tuple(track.number for track in self._people())

    def _match(
        self, time: float, places: list[tuple[NDArray[np.float64], float]]
    ) -> dict[int, int]:
        if not self._open or not places:
            return {}
        costs = np.array(
            [[t.cost(time, c, h, self.settings) for t in self._open] for c, h in places]
        )
        if costs.size == 1:
            return {0: 0} if np.isfinite(costs[0, 0]) else {}
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e6))
        return {
            int(r): int(c) for r, c in zip(rows, columns, strict=True) if np.isfinite(costs[r, c])
        }

    def finish(
        self, frame_size: tuple[int, int], estimator: str, sha256: str | None = None
    ) -> tuple[PoseSequence, ...]:
        """Return the tracks, the largest steady one first; phantoms are dropped.

        A track holds every frame from its first to its last detection; frames between in which
        the person was lost are NaN.
        """
        return tuple(self._sequence(t, frame_size, estimator, sha256) for t in self._people())

    def silhouettes(
        self, estimator: str, sha256: str | None = None
    ) -> tuple[SilhouetteSequence, ...]:
        """Return the masks of the tracks that `finish` returns: same order, same time stamps."""
        tracks = []
        for track in self._people():
            first, last = track.frames[0], track.frames[-1] + 1
            outlines: list[FrameSilhouette | None] = [None] * (last - first)
            for frame, detection in zip(track.frames, track.detections, strict=True):
                outlines[frame - first] = detection.silhouette
            times = np.array(self._times[first:last])
            tracks.append(join_silhouettes(times, outlines, estimator, sha256))
        return tuple(tracks)

    def _people(self) -> list[_Track]:
        kept = [t for t in [*self._done, *self._open] if self._is_person(t)]
        return sorted(kept, key=_prominence, reverse=True)

    def _is_person(self, track: _Track) -> bool:
        limits = self.settings
        seen = [d.visibility[list(GAIT_LANDMARKS)].mean() for d in track.detections]
        return (
            track.times[-1] - track.times[0] >= limits.min_duration
            and float(np.median(seen)) >= limits.min_visibility
            and len(track.frames) >= limits.min_detected * (1 + track.frames[-1] - track.frames[0])
            and float(np.median([body_place(d)[1] for d in track.detections])) >= limits.min_height
        )

    def _sequence(
        self, track: _Track, frame_size: tuple[int, int], estimator: str, sha256: str | None
    ) -> PoseSequence:
        first, last = track.frames[0], track.frames[-1] + 1
        rows = np.array(track.frames) - first
        count = last - first
        image = np.full((count, N_LANDMARKS, 2), np.nan, np.float32)
        world = np.full((count, N_LANDMARKS, 3), np.nan, np.float32)
        seen = np.zeros((count, N_LANDMARKS), np.float32)
        image[rows] = [d.image for d in track.detections]
        world[rows] = [d.world for d in track.detections]
        seen[rows] = [d.visibility for d in track.detections]
        return PoseSequence(
            timestamps=np.array(self._times[first:last]),
            image=image,
            world=world,
            visibility=seen,
            frame_size=frame_size,
            estimator=estimator,
            source_sha256=sha256,
            camera_motion=np.array(self._motion[first:last], np.float32),
        )


def _prominence(track: _Track) -> float:
    """Height times frames times visibility: large, long and clear."""
    heights = [body_place(d)[1] for d in track.detections]
    seen = [float(d.visibility.mean()) for d in track.detections]
    return float(np.median(heights)) * len(track.frames) * float(np.mean(seen))

"""Several people in a clip: noticed, found, and each followed by an estimator of its own.

BlazePose's graph is fast, and its landmarks are what galleries hold, but it sees one person. A
landmarker for several people costs three times as much and its landmarks differ. So the landmarker
only looks: once a second, to notice that there is more than one person; and where there is, ten
times a second, to tell who is where. Then every person is followed by a graph of their own, so
that landmarks and masks are the same as in a clip in which they are alone. Whoever was found and
could not be followed keeps the rough track: to be examined it is too rough, but it shows that
somebody is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.media.decode import Frame, read_frames
from gaitproof.pose.estimator import Detection, PoseEstimator, estimator_identifier
from gaitproof.pose.looking import Glance, look
from gaitproof.pose.mediapipe import quiet_start
from gaitproof.pose.parallel import WHOLE, Stretch
from gaitproof.pose.tasks import open_landmarker, to_detections, to_mediapipe
from gaitproof.pose.tracking import Tracker, TrackingSettings, body_place
from gaitproof.types import PoseSequence

LOOK: Final = 1.0
"""Seconds between two looks for a second person."""

LOOK_CONFIDENCE: Final = 0.3
"""Of a look's detections, at most: one look sees a second person in every other frame at 0.5. What
is seen in error costs time and is then dropped by the tracker."""

IN_VAIN: Final = 3
"""Glances at a clip that found somebody where a look finds nobody, after which there are looks
only: the detector by itself takes furniture for people."""

FIND: Final = 0.1
"""Seconds between two frames in which everybody is looked for."""

NEAR: Final = 0.25
"""Body heights between the torso that was found and the one that is followed, for them to be the
same person's."""

HALF: Final = 0.5
"""Share of a rough track that must be followed for the person not to be counted once more."""

MARGIN: Final = (0.5, 0.2)
"""Body heights to the sides, and above and below, that are shown of somebody who is looked for
alone."""


def easily(settings: PoseSettings, **changes: Any) -> PoseSettings:
    """Return settings with which people are detected more easily, and other changes."""
    confidence = min(settings.min_detection_confidence, LOOK_CONFIDENCE)
    return settings.model_copy(update={"min_detection_confidence": confidence, **changes})


class SeveralPeopleError(Exception):
    """More than one person was noticed while one was being followed."""


class PeopleFinder(Closing):
    """Finds everybody in single images; may be shared by threads.

    Parameters
    ----------
    settings
        Confidence thresholds, and `max_people` of one image or part of it.
    tracking
        Limits that tell people from phantoms.
    """

    def __init__(self, settings: PoseSettings, tracking: TrackingSettings) -> None:
        self.identifier = estimator_identifier(
            settings.model_copy(update={"backend": "tasks", "task_file": None})
        )
        careful = easily(settings, task_file=None)
        self._landmarker: Any = open_landmarker(careful, video=False)
        self._limits = tracking
        self._most = settings.max_people
        self._found = False
        self._lock = threading.Lock()

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find everybody; the time has no part in it."""
        with self._lock:
            if self._landmarker is None:
                return []
            return look(self.detect, image, self._limits)[: self._most]

    def detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find people in an image as a whole, phantoms among them; not for several threads."""
        # the landmark model's notice comes when somebody is found for the first time
        with quiet_start(not self._found):
            result = self._landmarker.detect(to_mediapipe(image))
        self._found = self._found or bool(result.pose_landmarks)
        return to_detections(result, image)

    def close(self) -> None:
        """Free the model."""
        with self._lock:
            landmarker, self._landmarker = self._landmarker, None
            if landmarker is not None:
                landmarker.close()


class PersonCounter(Closing):
    """Counts the people of single images as far as it matters; may be shared by threads.

    Parameters
    ----------
    settings, tracking
        As for `PeopleFinder`, which is opened when a glance is not enough.
    """

    def __init__(self, settings: PoseSettings, tracking: TrackingSettings) -> None:
        self._settings, self._tracking = settings, tracking
        self._glance = Glance(easily(settings).min_detection_confidence, tracking.min_height)
        self._finder: PeopleFinder | None = None
        self._in_vain = 0
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self, image: NDArray[np.uint8]) -> int:
        """Return how many people are in an image: 1 for at most one, `max_people` for more."""
        with self._lock:
            if self._closed or (self._in_vain < IN_VAIN and self._glance.alone(image)):
                return 1
            if self._finder is None:
                self._finder = PeopleFinder(self._settings, self._tracking)
            count = len(self._finder.estimate(image, 0.0))
            self._in_vain += count <= 1
            return max(count, 1)

    def close(self) -> None:
        """Free the models."""
        with self._lock:
            self._closed = True
            self._glance.close()
            if self._finder is not None:
                self._finder.close()


class LoneEstimator(Closing):
    """Passes on what another estimator says as long as no second person is noticed.

    Parameters
    ----------
    estimator
        Follows one person; closed with this one.
    count
        Tells how many people are in an image.
    """

    def __init__(self, estimator: PoseEstimator, count: Callable[[NDArray[np.uint8]], int]) -> None:
        self._estimator = estimator
        self._count = count
        self._next = -np.inf
        self.identifier = estimator.identifier

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find the most prominent person.

        Raises
        ------
        SeveralPeopleError
            If there is another one.
        """
        if time >= self._next:
            self._next = time + LOOK
            if self._count(image) > 1:
                raise SeveralPeopleError
        return self._estimator.estimate(image, time)

    def close(self) -> None:
        """Close the estimator."""
        self._estimator.close()


def find_people(
    path: Path,
    settings: PoseSettings,
    limits: MediaLimits,
    tracking: TrackingSettings,
    frame_size: tuple[int, int],
    *,
    finder: PoseEstimator | None = None,
    parts: Sequence[Stretch] = (WHOLE,),
    workers: int = 1,
) -> tuple[PoseSequence, ...]:
    """Tell who is where: one rough track per person, the most prominent first.

    Parameters
    ----------
    path
        Local video file.
    settings, limits, tracking
        As for an extraction.
    frame_size
        (width, height) in pixels.
    finder
        Finds several people; if None packaged landmarkers, one for each worker. Closed in the end.
    parts
        Of the video, that are looked at.
    workers
        Frames that are looked at at a time.
    """
    finders: list[PoseEstimator] = (
        [PeopleFinder(settings, tracking) for _ in range(workers)] if finder is None else [finder]
    )
    tracker = Tracker(tracking)
    frames = _due(path, limits, parts)
    with ExitStack() as held:
        for one in finders:
            held.enter_context(one)
        pool = held.enter_context(ThreadPoolExecutor(len(finders), "gaitproof-find"))
        held.enter_context(closing(frames))
        while together := list(islice(frames, len(finders))):
            seen = pool.map(_find, finders, together)
            for frame, people in zip(together, seen, strict=True):
                tracker.add(frame.time, people)
    return tracker.finish(frame_size, finders[0].identifier)


def _find(finder: PoseEstimator, frame: Frame) -> list[Detection]:
    return finder.estimate(frame.image, frame.time)


def _due(path: Path, limits: MediaLimits, parts: Sequence[Stretch]) -> Generator[Frame, None, None]:
    """Yield the frames in which everybody is looked for."""
    due = -np.inf
    for part in parts:
        for frame in read_frames(path, limits, part.start, part.stop):
            if frame.time >= due - 1e-3:
                due = frame.time + FIND
                yield frame


class _Follower:
    """Follows one person of whom is known roughly where they are."""

    def __init__(self, where: PoseSequence, make: Callable[[], PoseEstimator]) -> None:
        seen = where.detected
        self._times = where.timestamps[seen]
        assert where.image is not None
        places = [body_place(_points(points)) for points in where.image[seen]]
        self._centres = np.array([centre for centre, _ in places])
        self._heights = np.array([height for _, height in places])
        self._make = make
        self._estimator: PoseEstimator | None = None
        self._sure = False

    def place(self, time: float) -> tuple[NDArray[np.float64], float] | None:
        """Return torso and height of the person; None before and after they are seen."""
        if not self._times[0] - FIND <= time <= self._times[-1] + FIND:
            return None
        x, y = (np.interp(time, self._times, column) for column in self._centres.T)
        return np.array([x, y]), float(np.interp(time, self._times, self._heights))

    def estimate(self, image: NDArray[np.uint8], time: float) -> Detection | None:
        """Find this person, and nobody else."""
        place = self.place(time)
        if place is None:
            self.close()
            return None
        if self._estimator is None:
            self._estimator, self._sure = self._make(), False
        shown = image if self._sure else shown_alone(image, *place)
        detection = self._estimator.estimate(shown, time)
        self._sure = bool(detection) and distance(detection[0], *place) <= NEAR
        return detection[0] if self._sure else None

    def close(self) -> None:
        estimator, self._estimator = self._estimator, None
        if estimator is not None:
            estimator.close()


class FollowingEstimator(Closing):
    """Finds people of whom is known roughly where they are.

    Parameters
    ----------
    where
        From `find_people`.
    make
        Makes an estimator that follows one person; each person has one of their own.
    identifier
        That of the estimators.
    workers
        People estimated at a time.
    """

    def __init__(
        self,
        where: Sequence[PoseSequence],
        make: Callable[[], PoseEstimator],
        identifier: str,
        workers: int = 1,
    ) -> None:
        self.identifier = identifier
        self._followers = [_Follower(track, make) for track in where]
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gaitproof-people")

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find everybody who is known to be there; see `PoseEstimator.estimate`."""
        results = list(self._pool.map(lambda f: f.estimate(image, time), self._followers))
        people: list[tuple[float, Detection]] = []
        for follower, detection in zip(self._followers, results, strict=True):
            place = follower.place(time)
            if detection is not None and place is not None:
                people.append((distance(detection, *place), detection))
        # two graphs may have come to follow the same person: whose it is who is nearer
        kept: list[Detection] = []
        for _, detection in sorted(people, key=lambda pair: pair[0]):
            if all(distance(detection, *body_place(other)) > NEAR / 2 for other in kept):
                kept.append(detection)
        return kept

    def close(self) -> None:
        """Close every person's estimator."""
        self._pool.shutdown()
        for follower in self._followers:
            follower.close()


def not_among(
    where: Sequence[PoseSequence], tracks: Sequence[PoseSequence]
) -> tuple[PoseSequence, ...]:
    """Return the people who were found but are none of those who were followed."""
    return tuple(rough for rough in where if sum(_shared(rough, t) for t in tracks) < HALF)


def _shared(rough: PoseSequence, track: PoseSequence) -> float:
    """Return the share of a rough track's frames in which another one is at the same place."""
    assert rough.image is not None
    assert track.image is not None
    seen, other = np.flatnonzero(rough.detected), np.flatnonzero(track.detected)
    if not len(other):
        return 0.0
    nearest = other[np.abs(track.timestamps[other] - rough.timestamps[seen, None]).argmin(axis=1)]
    together = np.abs(track.timestamps[nearest] - rough.timestamps[seen]) <= FIND
    apart = np.array(
        [
            distance(_points(track.image[j]), *body_place(_points(rough.image[i])))
            for i, j in zip(seen, nearest, strict=True)
        ]
    )
    return float((together & (apart <= NEAR)).mean())


def _points(image: NDArray[np.float32]) -> Detection:
    return Detection(image, np.zeros((len(image), 3), np.float32), np.zeros(len(image), np.float32))


def distance(detection: Detection, centre: NDArray[np.float64], height: float) -> float:
    """Return how far a person is from a place, in body heights."""
    return float(np.linalg.norm(body_place(detection)[0] - centre)) / height


def shown_alone(
    image: NDArray[np.uint8], centre: NDArray[np.float64], height: float
) -> NDArray[np.uint8]:
    """Return the image with everything grey that is not near a person's torso and height."""
    size = np.array([image.shape[1], image.shape[0]])
    # the torso's middle lies above that of the body, which reaches down a little further than up
    reach = height * (np.array([0.0, 0.5]) + MARGIN)
    low = np.clip(centre - reach, 0, size).astype(int)
    high = np.clip(centre + reach + [0, 0.15 * height], 0, size).astype(int)
    shown = np.full_like(image, 127)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    shown[window] = image[window]
    return shown

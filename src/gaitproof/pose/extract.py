"""From a video file to one raw pose track per person."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gaitproof.config import VerifySettings
from gaitproof.media.info import VideoInfo, inspect_video
from gaitproof.pose.cache import Entry, PoseCache, cache_key
from gaitproof.pose.estimator import PoseEstimator, estimator_identifier
from gaitproof.pose.frames import FramePoses, create_estimator, estimate_frames, thinned_rate
from gaitproof.pose.parallel import choose_workers, estimate_parallel
from gaitproof.pose.people import (
    FollowingEstimator,
    LoneEstimator,
    PersonCounter,
    SeveralPeopleError,
    easily,
    find_people,
    not_among,
)
from gaitproof.pose.tracking import Tracker, TrackingSettings
from gaitproof.types import PoseSequence, SilhouetteSequence


@dataclass(frozen=True, eq=False)
class Extraction:
    """The people of one video.

    Parameters
    ----------
    video
        What is known of the file.
    tracks
        Raw landmarks per person, the best candidate first; empty if nobody was seen.
    silhouettes
        The same people's masks with the same time stamps; empty if there are none.
    """

    video: VideoInfo
    tracks: tuple[PoseSequence, ...]
    silhouettes: tuple[SilhouetteSequence, ...] = ()


def extract(
    path: str | Path,
    settings: VerifySettings | None = None,
    *,
    cache: PoseCache | None = None,
    progress: Callable[[float], None] | None = None,
    estimator_factory: Callable[[], PoseEstimator] | None = None,
    tracking: TrackingSettings | None = None,
) -> Extraction:
    """Find the people of a video and follow them.

    Parameters
    ----------
    path
        Local video file.
    settings
        Media limits and pose settings are used; defaults if None.
    cache
        Where finished extractions are looked up and kept; None for nowhere.
    progress
        Called with the share that is done, 0 to 1.
    estimator_factory
        Makes an estimator instead of `create_estimator(settings.pose)`; called once per thread
        and once for the identifier. One thread does the work unless `settings.pose.workers` says
        otherwise, and nothing is cached.
    tracking
        Limits of the tracker.

    Raises
    ------
    MediaError
        If the video cannot be used.
    DependencyError
        If the estimator cannot be loaded.

    Examples
    --------
    >>> import gaitproof as gp
    >>> [len(person) for person in gp.extract("clip.mp4").tracks]  # doctest: +SKIP
    [240, 188]
    """
    settings = settings or VerifySettings()
    tracking = tracking or TrackingSettings()
    video = inspect_video(path, settings.media)
    key = None
    make: Callable[[], PoseEstimator]
    if estimator_factory is None:
        identifier = estimator_identifier(settings.pose)
        make = partial(create_estimator, settings.pose)
        workers = choose_workers(video.duration, settings.pose)
        if cache is not None:
            key = cache_key(video.sha256, identifier, settings.pose, tracking)
            stored = cache.load(key)
            if stored is not None:
                return Extraction(video, stored.tracks, stored.silhouettes)
    else:
        make = estimator_factory
        workers = choose_workers(video.duration, settings.pose) if settings.pose.workers else 1
        with make() as estimator:
            identifier = estimator.identifier
    work = _Work(video, settings, tracking, make, identifier, workers, progress)
    if estimator_factory is not None or settings.pose.backend == "tasks":
        extraction = work.extraction(work.follow(make, workers))
    else:
        extraction = work.follow_people()
    if cache is not None and key is not None:
        cache.save(key, Entry(extraction.tracks, extraction.silhouettes))
    return extraction


@dataclass(frozen=True, eq=False)
class _Work:
    """One video's extraction."""

    video: VideoInfo
    settings: VerifySettings
    tracking: TrackingSettings
    make: Callable[[], PoseEstimator]
    identifier: str
    workers: int
    progress: Callable[[float], None] | None

    def follow_people(self) -> Extraction:
        """Follow everybody, by the fast way where there is one person only."""
        pose = self.settings.pose
        if pose.people == "one":
            return self.extraction(self.follow(self.make, self.workers))
        if pose.people == "auto":
            with closing(PersonCounter(pose, self.tracking)) as count:
                try:
                    alone = self.follow(lambda: LoneEstimator(self.make(), count), self.workers)
                    return self.extraction(alone)
                except SeveralPeopleError:
                    pass
        size = (self.video.width, self.video.height)
        where = find_people(self.video.path, pose, self.settings.media, self.tracking, size)
        make = partial(create_estimator, easily(pose))
        # the people of a frame share the threads, so that the clip is not divided as well
        tracker = self.follow(
            lambda: FollowingEstimator(where, make, self.identifier, self.workers), 1
        )
        followed = self.extraction(tracker)
        lost = not_among(where, followed.tracks)
        masks = tuple(SilhouetteSequence.empty(track.timestamps) for track in lost)
        return replace(
            followed,
            tracks=(*followed.tracks, *lost),
            silhouettes=(*followed.silhouettes, *masks) if followed.silhouettes else (),
        )

    def extraction(self, tracker: Tracker) -> Extraction:
        """Return what was tracked."""
        size = (self.video.width, self.video.height)
        tracks = tracker.finish(size, self.identifier, self.video.sha256)
        masks = tracker.silhouettes(self.identifier, self.video.sha256)
        if not any(one.present.any() for one in masks):
            masks = ()
        return Extraction(self.video, tracks, masks)

    def follow(self, make: Callable[[], PoseEstimator], workers: int) -> Tracker:
        """Track what the estimators see."""
        tracker = Tracker(self.tracking)
        # closed in any case, so that an interrupt leaves no thread and no open model behind
        with closing(self._frames(make, workers)) as frames:
            for frame in frames:
                tracker.add(frame.time, frame.detections, frame.motion)
        return tracker

    def _frames(
        self, make: Callable[[], PoseEstimator], workers: int
    ) -> Generator[FramePoses, None, None]:
        path, media, duration = self.video.path, self.settings.media, self.video.duration
        rate = thinned_rate(self.video.frame_rate, self.settings.pose)
        if workers > 1:
            pose = self.settings.pose
            yield from estimate_parallel(
                path, make, pose, media, duration, workers, self.progress, rate=rate
            )
            return
        with make() as estimator:
            for frame in estimate_frames(path, estimator, media, rate=rate):
                yield frame
                if self.progress is not None:
                    self.progress(min(1.0, frame.time / duration))

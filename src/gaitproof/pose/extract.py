"""From a video file to one raw pose track per person."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.config import VerifySettings
from gaitproof.media.info import PassedOver, VideoInfo, inspect_video
from gaitproof.pose.cache import Entry, PoseCache, cache_key
from gaitproof.pose.estimator import PoseEstimator, estimator_identifier
from gaitproof.pose.first_pass import make_plan
from gaitproof.pose.frames import FramePoses, create_estimator, estimate_frames, thinned_rate
from gaitproof.pose.parallel import WHOLE, Stretch, choose_workers, estimate_parallel
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

Progress = Callable[[float], None] | None
Enough = Callable[[Sequence[PoseSequence]], bool]

_FIRST_PASS: Final = 0.3
"""Share of the progress that is the first pass over a long video."""


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
    enough: Enough | None = None,
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
    enough
        Says of tracks whether they hold what `settings.pose.budget` asks for, as
        `gaitproof.gait.quality.enough_walking` does; None examines the video to its end.

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
                video = replace(video, passed_over=stored.passed_over)
                return Extraction(video, stored.tracks, stored.silhouettes)
    else:
        make = estimator_factory
        workers = choose_workers(video.duration, settings.pose) if settings.pose.workers else 1
        with make() as estimator:
            identifier = estimator.identifier
    work = _Work(video, settings, tracking, make, identifier, workers, progress, enough)
    if estimator_factory is None:
        work = work.looked_through()
    if estimator_factory is not None or settings.pose.backend == "tasks":
        extraction = work.follow(make, workers)
    else:
        extraction = work.follow_people()
    if cache is not None and key is not None:
        passed = extraction.video.passed_over
        cache.save(key, Entry(extraction.tracks, extraction.silhouettes, passed))
    return extraction


@dataclass(frozen=True, eq=False)
class _Work:
    """One video's extraction, or that of its parts."""

    video: VideoInfo
    settings: VerifySettings
    tracking: TrackingSettings
    make: Callable[[], PoseEstimator]
    identifier: str
    workers: int
    progress: Progress
    enough: Enough | None = None
    parts: tuple[Stretch, ...] = (WHOLE,)

    def looked_through(self) -> _Work:
        """Return what is left to do after a first pass over a long video."""
        least = self.settings.pose.first_pass
        # frames without time stamps are counted, so that none can be left out
        if least is None or self.video.duration < least or not self.video.timed:
            return self
        progress = part_of(self.progress, 0.0, _FIRST_PASS)
        plan = make_plan(self.video, self.settings, self.tracking, progress)
        return replace(
            self,
            video=replace(self.video, passed_over=plan.passed),
            parts=plan.parts,
            progress=part_of(self.progress, _FIRST_PASS, 1.0),
        )

    def follow_people(self) -> Extraction:
        """Follow everybody, by the fast way where there is one person only."""
        pose = self.settings.pose
        if pose.people == "one":
            return self.follow(self.make, self.workers)
        if pose.people == "auto":
            with closing(PersonCounter(pose, self.tracking)) as count:
                try:
                    return self.follow(lambda: LoneEstimator(self.make(), count), self.workers)
                except SeveralPeopleError:
                    pass
        size, media = (self.video.width, self.video.height), self.settings.media
        where = find_people(
            self.video.path,
            pose,
            media,
            self.tracking,
            size,
            parts=self.parts,
            workers=self.workers,
        )
        make = partial(create_estimator, easily(pose))
        # the people of a frame share the threads, so that the clip is not divided as well
        followed = self.follow(
            lambda: FollowingEstimator(where, make, self.identifier, self.workers), 1
        )
        left = [one.start for one in followed.video.passed_over if one.why == "enough"]
        lost = not_among(where, followed.tracks)
        lost = tuple(track for track in lost if track.timestamps[0] < min(left, default=np.inf))
        masks = tuple(SilhouetteSequence.empty(track.timestamps) for track in lost)
        return replace(
            followed,
            tracks=(*followed.tracks, *lost),
            silhouettes=(*followed.silhouettes, *masks) if followed.silhouettes else (),
        )

    def follow(self, make: Callable[[], PoseEstimator], workers: int) -> Extraction:
        """Track what the estimators see, until it is enough."""
        tracker = Tracker(self.tracking)
        pieces = list(self._pieces())
        last, total, done = -np.inf, sum(map(self._seconds, pieces)) or 1.0, 0.0
        for number, piece in enumerate(pieces, start=1):
            share = self._seconds(piece) / total
            progress = part_of(self.progress, done, done + share)
            done += share
            # closed in any case, so that an interrupt leaves no thread and no open model behind
            with closing(self._frames(piece, make, workers, progress)) as frames:
                for frame in frames:
                    if frame.time > last:  # others warm the estimators up
                        tracker.add(frame.time, frame.detections, frame.motion)
                        last = frame.time
            rest = pieces[number:]
            if rest and self.enough is not None and self.enough(self._tracks(tracker)):
                return self._extraction(tracker, last, rest)
        return self._extraction(tracker)

    def _pieces(self) -> Iterator[Stretch]:
        """Return the parts; with a budget in pieces, each longer than the one before."""
        pose = self.settings.pose
        seconds = np.inf if pose.budget is None or self.enough is None else 1.5 * pose.budget
        for part in self.parts:
            start, end = part.start, self.video.duration if part.stop is None else part.stop
            while end - (start or 0.0) > 2 * seconds:
                stop = (start or 0.0) + seconds
                yield Stretch(start, stop)
                start, seconds = stop - min(pose.overlap, seconds / 2), 1.5 * seconds
            yield Stretch(start, part.stop)

    def _seconds(self, piece: Stretch) -> float:
        return piece.seconds(self.video.duration)

    def _tracks(self, tracker: Tracker) -> tuple[PoseSequence, ...]:
        size = (self.video.width, self.video.height)
        return tracker.finish(size, self.identifier, self.video.sha256)

    def _extraction(
        self, tracker: Tracker, last: float = np.inf, rest: Sequence[Stretch] = ()
    ) -> Extraction:
        """Return what was tracked; what of the rest lies after `last` was not looked at."""
        left = (
            PassedOver(max(last, one.start or 0.0), one.stop or self.video.duration, "enough")
            for one in rest
        )
        passed = sorted([*self.video.passed_over, *left], key=lambda one: one.start)
        masks = tracker.silhouettes(self.identifier, self.video.sha256)
        if not any(one.present.any() for one in masks):
            masks = ()
        video = replace(self.video, passed_over=joined(passed))
        return Extraction(video, self._tracks(tracker), masks)

    def _frames(
        self, part: Stretch, make: Callable[[], PoseEstimator], workers: int, progress: Progress
    ) -> Generator[FramePoses, None, None]:
        path, media, duration = self.video.path, self.settings.media, self.video.duration
        pose = self.settings.pose
        rate = thinned_rate(self.video.frame_rate, pose)
        seconds = self._seconds(part)
        workers = min(workers, choose_workers(seconds, pose))
        if workers > 1:
            yield from estimate_parallel(
                path, make, pose, media, duration, workers, progress, rate=rate, part=part
            )
            return
        with make() as estimator:
            for frame in estimate_frames(path, estimator, media, part.start, part.stop, rate):
                yield frame
                if progress is not None:
                    progress(min(1.0, (frame.time - (part.start or 0.0)) / seconds))


def joined(passed: Sequence[PassedOver]) -> tuple[PassedOver, ...]:
    """Return stretches in order, those of one kind that overlap or touch as one."""
    parts: list[PassedOver] = []
    for one in passed:
        if parts and parts[-1].why == one.why and one.start <= parts[-1].stop:
            parts[-1] = replace(parts[-1], stop=max(parts[-1].stop, one.stop))
        else:
            parts.append(one)
    return tuple(parts)


def part_of(progress: Progress, begin: float, end: float) -> Progress:
    """Return what reports the share of a part, from `begin` to `end` of the whole."""
    if progress is None:
        return None
    return lambda share: progress(begin + share * (end - begin))

"""From a video file to one raw pose track per person."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gaitproof.config import VerifySettings
from gaitproof.media.probe import VideoInfo, probe
from gaitproof.pose.cache import Entry, PoseCache, cache_key
from gaitproof.pose.estimator import PoseEstimator, create_estimator, estimator_identifier
from gaitproof.pose.frames import FramePoses, estimate_frames
from gaitproof.pose.parallel import choose_workers, estimate_parallel
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
    """
    settings = settings or VerifySettings()
    tracking = tracking or TrackingSettings()
    video = probe(path, settings.media)
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
    tracker = Tracker(tracking)
    # closed in any case, so that an interrupt leaves no thread and no open model behind
    with closing(_frames(video, settings, make, workers, progress)) as frames:
        for found in frames:
            tracker.add(found.time, found.detections, found.motion)
    tracks = tracker.finish((video.width, video.height), identifier, video.sha256)
    masks = tracker.silhouettes(identifier, video.sha256)
    if not any(one.present.any() for one in masks):
        masks = ()
    if cache is not None and key is not None:
        cache.save(key, Entry(tracks, masks))
    return Extraction(video, tracks, masks)


def _frames(
    video: VideoInfo,
    settings: VerifySettings,
    make: Callable[[], PoseEstimator],
    workers: int,
    progress: Callable[[float], None] | None,
) -> Generator[FramePoses, None, None]:
    if workers > 1:
        yield from estimate_parallel(
            video.path, make, settings.pose, settings.media, video.duration, workers, progress
        )
        return
    with make() as estimator:
        for found in estimate_frames(video.path, estimator, settings.media):
            yield found
            if progress is not None:
                progress(min(1.0, found.time / video.duration))

"""Many videos to folders of poses and features: parallel, resumable, one failure stops no other."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.cluster import current_pool
from gaitproof.config import VerifySettings
from gaitproof.data.listing import videos_below
from gaitproof.data.manifest import locate, read_manifest
from gaitproof.data.remote import fetched, is_url, list_remote
from gaitproof.errors import GaitproofError, InputError, MediaError
from gaitproof.gait.quality import enough_walking, track_windows
from gaitproof.media.files import compute_sha256, make_folder, write_atomically
from gaitproof.pose.cache import cache_key
from gaitproof.pose.estimator import PoseEstimator, estimator_identifier
from gaitproof.pose.extract import Extraction, extract
from gaitproof.pose.formats.npz import to_bytes
from gaitproof.pose.formats.silhouette_npz import save_silhouettes
from gaitproof.pose.parallel import available_processors, with_threads
from gaitproof.pose.tracking import TrackingSettings
from gaitproof.processes import as_finished, run_apart
from gaitproof.reading import FileKind, guarded, read_json
from gaitproof.types import GaitWindows

MARKER: Final = "extraction.json"
"""Written last: a folder without it is unfinished."""

CRASHED: Final = "The process that read it crashed, twice."

MARKER_FILE: Final = FileKind("record of an extraction", MediaError, hint="extract the video again")


@dataclass(frozen=True)
class Job:
    """A video, the folder for its results, and the video's URL if it lies elsewhere."""

    video: Path
    folder: Path
    url: str = ""

    @property
    def name(self) -> str:
        """The video's URL or path."""
        return self.url or str(self.video)


@dataclass(frozen=True)
class JobResult:
    """What became of a job.

    Parameters
    ----------
    video, folder
        As in `Job`.
    people
        Tracks found.
    windows
        Feature windows of all of them.
    skipped
        Whether an earlier run had finished it.
    error
        One sentence, or None.
    """

    video: Path
    folder: Path
    people: int = 0
    windows: int = 0
    skipped: bool = False
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "video": str(self.video), "folder": str(self.folder)}


class _CancelledError(Exception):
    """The user interrupted the batch."""


def find_videos(paths: Iterable[Path | str], out: Path, root: Path | None = None) -> list[Job]:
    """List the videos that are named or lie in the named folders, with a result folder each.

    A name may be a URL that fsspec reads. A video of a named folder or of a manifest (``.csv``)
    keeps its place below the folder; a manifest's folder is its own, or `root`.

    Raises
    ------
    InputError
        If a folder or manifest cannot be read or holds no video, or two videos would share a
        folder.
    """
    jobs: dict[Path, Job] = {}
    for name in paths:
        path = Path(name)
        if is_url(str(name)):
            for title, place in list_remote(str(name)):
                jobs[out / place] = Job(place, out / place, title)
            continue
        if path.is_dir():
            files = videos_below(path, lambda folder: folder.resolve() == out.resolve())
            videos = [(video, video.relative_to(path)) for video in files]
        elif path.suffix.lower() == ".csv":
            rows = read_manifest(path)
            videos = [(locate(root or path.parent, row.path), Path(row.path)) for row in rows]
        else:
            videos = [(path, Path(path.name))]
        for video, place in videos:
            job = Job(video, out / place)
            other = jobs.setdefault(job.folder, job)
            if other.video.resolve() != video.resolve():
                raise InputError(
                    f"The videos {str(other.video)!r} and {str(video)!r} have the same name.",
                    hint="extract them into different folders",
                )
    return list(jobs.values())


def extract_many(
    jobs: list[Job],
    settings: VerifySettings,
    *,
    workers: int = 0,
    again: bool = False,
    progress: Callable[[float], None] = lambda share: None,
    estimator_factory: Callable[[], PoseEstimator] | None = None,
) -> list[JobResult]:
    """Do the jobs and report on each, in the order given.

    Parameters
    ----------
    jobs
        What to do.
    settings
        Media limits, pose and cleaning settings.
    workers
        Videos at a time; 0 for one per processor. Processors left over share the clips.
    again
        Whether finished jobs are done again.
    progress
        Called with the share that is done, 0 to 1.
    estimator_factory
        As for `extract`.

    Raises
    ------
    InputError
        If a result cannot be written: it would not be better for the next video.
    """
    if current_pool() is not None:
        return _extract_apart(jobs, settings, again, progress, estimator_factory)
    processors = available_processors()
    count = min(workers or processors, max(1, len(jobs)))
    settings = with_threads(settings, max(1, processors // count))
    done = [0.0] * len(jobs)
    cancelled = threading.Event()

    def run(i: int) -> JobResult:
        def report(share: float) -> None:
            if cancelled.is_set():
                raise _CancelledError
            done[i] = share
            progress(sum(done) / len(done))

        try:
            return _do(jobs[i], settings, again, report, estimator_factory)
        finally:
            done[i] = 1.0

    results: dict[int, JobResult] = {}
    with ThreadPoolExecutor(count, thread_name_prefix="gaitproof-extract") as pool:
        futures = {pool.submit(run, i): i for i in range(len(jobs))}
        try:
            for future in as_finished(futures):
                results[futures[future]] = future.result()
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [results[i] for i in range(len(jobs))]


def _extract_apart(
    jobs: list[Job],
    settings: VerifySettings,
    again: bool,
    progress: Callable[[float], None],
    estimator_factory: Callable[[], PoseEstimator] | None,
) -> list[JobResult]:
    """Do the jobs on a cluster, one processor each, and each by one thread."""
    work = partial(
        _do,
        settings=with_threads(settings, 1),
        again=again,
        progress=_no_progress,
        estimator_factory=estimator_factory,
    )
    results: dict[Job, JobResult] = {}
    with closing(run_apart(jobs, work, 1)) as finished:
        for job, result in finished:
            results[job] = result or JobResult(job.video, job.folder, error=CRASHED)
            progress(len(results) / len(jobs))
    return [results[job] for job in jobs]


def _no_progress(share: float) -> None:
    """Tell nobody: the caller is in another process."""


def _do(
    job: Job,
    settings: VerifySettings,
    again: bool,
    progress: Callable[[float], None],
    estimator_factory: Callable[[], PoseEstimator] | None,
) -> JobResult:
    try:
        with fetched(job.url) if job.url else nullcontext(job.video) as video:
            stamp = _stamp(video, settings, estimator_factory)
            if not again:
                finished = _finished(job, stamp)
                if finished is not None:
                    return finished
            extraction = extract(
                video,
                settings,
                progress=progress,
                estimator_factory=estimator_factory,
                enough=enough_walking(settings),
            )
        windows = [track_windows(track, settings.cleaning) for track in extraction.tracks]
    except GaitproofError as error:
        return JobResult(job.video, job.folder, error=str(error))
    _write(job, extraction, windows, stamp)
    return JobResult(
        job.video, job.folder, len(extraction.tracks), sum(len(part) for part in windows)
    )


def _stamp(
    video: Path,
    settings: VerifySettings,
    estimator_factory: Callable[[], PoseEstimator] | None,
) -> str:
    """Return what a finished result must have been made from to be kept."""
    name = estimator_identifier(settings.pose) if estimator_factory is None else "injected"
    key = cache_key(compute_sha256(video), name, settings.pose, TrackingSettings())
    return f"{key}/{settings.cleaning.model_dump_json()}"


def _finished(job: Job, stamp: str) -> JobResult | None:
    path = job.folder / MARKER
    try:
        marker = read_json(path, MARKER_FILE)
        with guarded(path, MARKER_FILE):
            people = marker["people"]
            whole = all(
                (job.folder / person[name]).is_file()
                for person in people
                for name in ("poses", "features", "silhouettes")
                if name in person
            )
            if marker["stamp"] != stamp or not whole:
                return None
            windows = sum(int(person["windows"]) for person in people)
    except MediaError:
        return None
    return JobResult(job.video, job.folder, len(people), windows, skipped=True)


def _write(job: Job, extraction: Extraction, windows: list[GaitWindows], stamp: str) -> None:
    folder = job.folder
    make_folder(folder)
    (folder / MARKER).unlink(missing_ok=True)
    for stale in folder.glob("person-*.npz"):
        stale.unlink()
    people: list[dict[str, Any]] = []
    for i, (track, part) in enumerate(zip(extraction.tracks, windows, strict=True)):
        poses, table = f"person-{i}.npz", f"person-{i}.features.npz"
        write_atomically(folder / poses, to_bytes(track))
        buffer = io.BytesIO()
        np.savez(buffer, features=part.features, mask=part.mask, starts=part.starts)
        write_atomically(folder / table, buffer.getvalue())
        person: dict[str, Any] = {
            "poses": poses,
            "features": table,
            "windows": len(part),
            "frames": len(track),
            "start": float(track.timestamps[0]),
            "end": float(track.timestamps[-1]),
        }
        if extraction.silhouettes:
            person["silhouettes"] = f"person-{i}.silhouettes.npz"
            save_silhouettes(folder / person["silhouettes"], extraction.silhouettes[i])
        people.append(person)
    video = {**asdict(extraction.video), "path": job.name}
    text = json.dumps({"video": video, "people": people, "stamp": stamp}, indent=2)
    write_atomically(folder / MARKER, text.encode())

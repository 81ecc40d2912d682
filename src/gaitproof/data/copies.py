"""Augmented copies of a data set: planned, written in parallel, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from gaitproof.config import MediaLimits
from gaitproof.data.manifest import AUGMENTED_MARKER, DERIVED_MARK, ManifestRow, locate
from gaitproof.errors import ConfigError, GaitproofError, InputError, MediaError
from gaitproof.media.augment import (
    DERIVED_AS,
    KINDS,
    RANDOM_KINDS,
    Change,
    Kind,
    augment_video,
    draw,
)
from gaitproof.media.drafts import sweep
from gaitproof.media.files import compute_sha256, make_folder, write_atomically
from gaitproof.processes import as_finished, worker_pool

VERSION: Final = 1
"""Changes when the same seed no longer gives the same copies."""

MAX_COPIES: Final = 100

_SUFFIX: Final = ".mp4"


@dataclass(frozen=True)
class CopyJob:
    """A copy to write and its row of the manifest."""

    source: Path
    target: Path
    change: Change
    row: ManifestRow


@dataclass(frozen=True)
class CopyResult:
    """What became of a copy.

    Parameters
    ----------
    row
        Its row; `row.path` is where it lies.
    skipped
        Whether an earlier run had written it.
    error
        One sentence, or None.
    """

    row: ManifestRow
    skipped: bool = False
    error: str | None = None


def plan_copies(
    rows: Sequence[ManifestRow],
    root: Path,
    out: Path,
    *,
    kinds: Sequence[Kind] = KINDS,
    copies: int = 1,
    seed: int = 0,
) -> tuple[list[CopyJob], list[CopyResult]]:
    """List the copies of a data set's originals.

    Copies are made of real originals only: not of face swaps, not of copies. A copy's row has its
    original's labels, but for `parent`, its own recording name and, for mirrored and reversed
    walks, a subject of its own. What is drawn for a copy depends on the seed, the file's content
    and the copy's name alone, and so does the file's name: a finished copy of other settings or
    of another original is never taken for this one.

    Parameters
    ----------
    rows
        The manifest.
    root
        Its folder.
    out
        Folder for the copies, below `root`.
    kinds
        What to do, each by itself.
    copies
        Of each kind that is drawn at random; of the others there is one.
    seed
        Of the drawing.

    Returns
    -------
    tuple
        The jobs, and a failure for every original that cannot be read.

    Raises
    ------
    ConfigError
        If a kind is unknown or there twice, or the number of copies out of range.
    InputError
        If `out` does not lie below `root`.
    """
    if not kinds or len(set(kinds)) < len(kinds) or not set(KINDS).issuperset(kinds):
        raise ConfigError(
            "The kinds of copies are not valid.",
            expected=f"some of {', '.join(KINDS)}, each once",
            actual=", ".join(kinds),
        )
    if not 1 <= copies <= MAX_COPIES or seed < 0:
        raise ConfigError(
            "The number of copies or the seed is out of range.",
            expected=f"1 to {MAX_COPIES} copies, a seed of 0 or more",
            actual=f"{copies} copies, seed {seed}",
        )
    base, inside = root.resolve(), out.resolve()
    if base == inside or not inside.is_relative_to(base):
        raise InputError(
            f"The folder {str(out)!r} is not below the data set's folder.",
            expected=f"a folder in {str(root)!r}, so that one manifest can name both",
        )
    place = PurePosixPath(inside.relative_to(base).as_posix())
    jobs, failures = [], []
    for row in rows:
        if row.parent or row.label != "real":
            continue
        try:
            source = locate(root, row.path)
            digest = compute_sha256(source)
            if row.sha256 and digest != row.sha256:
                raise InputError(
                    f"The file {str(source)!r} is not the one that the manifest lists.",
                    hint="write the manifest again",
                )
        except GaitproofError as error:
            failures.append(CopyResult(row, error=str(error)))
            continue
        for kind in kinds:
            for number in range(1, 1 + (copies if kind in RANDOM_KINDS else 1)):
                jobs.append(_job(row, source, digest, root, place, kind, number, seed))
    return jobs, failures


def _job(
    row: ManifestRow,
    source: Path,
    digest: str,
    root: Path,
    place: PurePosixPath,
    kind: Kind,
    number: int,
    seed: int,
) -> CopyJob:
    name = f"{kind}{number}"
    key = sha256(json.dumps([VERSION, digest, name, seed]).encode()).digest()
    original = PurePosixPath(row.path)
    path = place / original.parent / f"{original.stem}{DERIVED_MARK}{name}-{key.hex()[:8]}{_SUFFIX}"
    change = draw(kind, np.random.default_rng(list(key)))
    derived = DERIVED_AS.get(kind)
    copy = replace(
        row,
        path=str(path),
        subject=row.subject if derived is None else f"{row.subject}{DERIVED_MARK}{derived}",
        recording=f"{row.recording}{DERIVED_MARK}{name}",
        parent=row.path,
        sha256="",
        split="unused" if row.split in ("test", "validation") else row.split,
    )
    return CopyJob(source, root / path, change, copy)


def write_copies(
    jobs: Sequence[CopyJob],
    limits: MediaLimits | None = None,
    *,
    workers: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> list[CopyResult]:
    """Write the copies that are not there yet; one failure stops no other.

    Unfinished files that a killed run left in the folders of the copies are removed first.

    Parameters
    ----------
    jobs
        Of `plan_copies`.
    limits
        Bounds on the originals.
    workers
        Processes.
    progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    list of CopyResult
        In the order of `jobs`.

    Raises
    ------
    InputError
        If a folder cannot be made.
    MediaError
        If a process crashes.
    """
    limits = limits or MediaLimits()
    for folder in {job.target.parent for job in jobs}:
        sweep(make_folder(folder))
    results = {
        i: CopyResult(job.row, skipped=True) for i, job in enumerate(jobs) if job.target.exists()
    }
    missing = [i for i in range(len(jobs)) if i not in results]
    for i, result in _run([(i, jobs[i]) for i in missing], limits, workers):
        results[i] = result
        progress(len(results) / len(jobs))
    return [results[i] for i in range(len(jobs))]


def mark_folder(out: Path, *, kinds: Sequence[Kind], copies: int, seed: int) -> None:
    """Mark a folder as one of copies, so that they are never taken for recordings."""
    text = json.dumps({"kinds": list(kinds), "copies": copies, "seed": seed, "version": VERSION})
    write_atomically(make_folder(out) / AUGMENTED_MARKER, text.encode())


def _run(
    jobs: Sequence[tuple[int, CopyJob]], limits: MediaLimits, workers: int
) -> Iterator[tuple[int, CopyResult]]:
    if min(workers, len(jobs)) < 2:
        for i, job in jobs:
            yield i, _write(job, limits)
        return
    crash = MediaError("A process that wrote a copy of a video crashed.", hint="start it again")
    with worker_pool(min(workers, len(jobs)), crash) as pool:
        futures = {pool.submit(_write, job, limits): i for i, job in jobs}
        for future in as_finished(futures):
            yield futures[future], future.result()


def _write(job: CopyJob, limits: MediaLimits) -> CopyResult:
    """Write one copy; runs in a worker process."""
    try:
        augment_video(job.source, job.target, job.change, limits)
    except GaitproofError as error:
        return CopyResult(job.row, error=str(error))
    return CopyResult(job.row)

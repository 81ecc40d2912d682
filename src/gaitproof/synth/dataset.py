"""A folder of made walks: people x walks x views, with truth and a manifest; resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.errors import ConfigError, DependencyError, InputError
from gaitproof.media.files import write_atomically
from gaitproof.media.manifest import ManifestRow, manifest_bytes
from gaitproof.processes import worker_pool
from gaitproof.synth.raster import require_renderer
from gaitproof.synth.staging import Stage
from gaitproof.synth.walker import Walker

MANIFEST: Final = "manifest.csv"
RECIPE: Final = "dataset.json"
VERSION: Final = 2
"""Changes when the same seed no longer gives the same pictures."""


@dataclass(frozen=True)
class Recipe:
    """What fixes every clip; stored beside the clips so that a resumed run cannot mix two."""

    seed: int
    seconds: float
    width: int
    height: int
    frame_rate: float
    stage: Stage
    version: int = VERSION


@dataclass(frozen=True)
class Job:
    """One clip to make."""

    recipe: Recipe
    person: int
    walk: int
    view: float
    face: int | None
    path: Path
    parent: Path | None

    @property
    def clip_seed(self) -> int:
        """Seed of the walk: a swap shares it with its parent."""
        view = round(self.view * 100) % 36000
        state = np.random.default_rng([self.recipe.seed, self.person, self.walk, view, 0xDA7A])
        return int(state.integers(2**31))


def subject_name(person: int) -> str:
    """Return the name of person number `person`: ``p000``."""
    return f"p{person:03d}"


def make_person(seed: int, person: int) -> Walker:
    """Return person number `person` of a data set; more people do not change earlier ones."""
    return Walker.random(int(np.random.default_rng([seed, person, 0x9E50]).integers(2**31)))


def _recording(walk: int, view: float) -> str:
    return f"w{walk:02d}_v{view:g}".replace("-", "m").replace(".", "d")


def plan(
    directory: Path,
    recipe: Recipe,
    people: int,
    walks: int,
    views: Sequence[float],
    swaps: int,
) -> list[Job]:
    """List the clips of a data set, originals before their swaps.

    Swap number k of a person puts the face of the k-th next person on the person's last walk,
    at each view.
    """
    jobs, fakes = [], []
    for person in range(people):
        folder = directory / subject_name(person)
        for walk in range(walks):
            for view in views:
                path = folder / f"{_recording(walk, view)}.mp4"
                jobs.append(Job(recipe, person, walk, view, None, path, None))
        for number in range(swaps):
            face = (person + 1 + number) % people
            for view in views:
                parent = folder / f"{_recording(walks - 1, view)}.mp4"
                path = folder / f"{parent.stem}_face-{subject_name(face)}.mp4"
                fakes.append(Job(recipe, person, walks - 1, view, face, path, parent))
    return jobs + fakes


def _row(job: Job, directory: Path) -> ManifestRow:
    """Return what the manifest says of a clip; a swap's subject is who walks, not whose face."""
    face = None if job.face is None else subject_name(job.face)
    return ManifestRow(
        path=job.path.relative_to(directory).as_posix(),
        subject=subject_name(job.person),
        recording=job.path.stem,
        session=f"w{job.walk:02d}",
        view=f"{job.view:g}",
        condition="walk" if face is None else f"faceswap:{face}",
        parent="" if job.parent is None else job.parent.relative_to(directory).as_posix(),
        label="real" if face is None else "fake",
    )


def _is_done(job: Job) -> bool:
    # the truth is written after the video, so it alone would do; a user may delete either
    return job.path.exists() and job.path.with_suffix(".npz").exists()


def _work(job: Job) -> Path:
    """Make one clip; runs in a worker process."""
    from gaitproof.synth.clips import render_walk
    from gaitproof.synth.faceswap import swap_face

    walker = make_person(job.recipe.seed, job.person)
    size = (job.recipe.width, job.recipe.height)
    recipe = job.recipe
    if job.face is None or job.parent is None:
        render_walk(
            walker,
            view=job.view,
            seed=job.clip_seed,
            out=job.path,
            seconds=recipe.seconds,
            size=size,
            frame_rate=recipe.frame_rate,
            stage=recipe.stage,
        )
    else:
        swap_face(
            job.parent,
            walker,
            make_person(recipe.seed, job.face),
            view=job.view,
            seed=job.clip_seed,
            out=job.path,
            seconds=recipe.seconds,
            size=size,
            frame_rate=recipe.frame_rate,
            stage=recipe.stage,
        )
    return job.path


def renderer_crash() -> DependencyError:
    """Return what to raise when a process that draws walkers dies."""
    return DependencyError(
        "The renderer crashed while drawing a walker.",
        hint="'gaitproof doctor', which tests the renderer by itself",
    )


def _run(groups: Sequence[Sequence[Job]], workers: int) -> Iterator[Path]:
    """Make clips, group after group, and yield each when it is finished."""
    workers = min(workers, max(len(group) for group in groups))
    if workers < 2:
        for group in groups:
            yield from map(_work, group)
        return
    with worker_pool(workers, renderer_crash()) as pool:
        for group in groups:
            for future in as_completed([pool.submit(_work, job) for job in group]):
                yield future.result()


def _check(recipe: Recipe, people: int, walks: int, views: Sequence[float], swaps: int) -> None:
    problems = [
        (not 1 <= people <= 999, "people", "1 to 999", people),
        (not 1 <= walks <= 99, "walks", "1 to 99", walks),
        (not views, "views", "at least one", len(views)),
        (len(set(views)) != len(views), "views", "different ones", list(views)),
        (any(not -180 <= v <= 180 for v in views), "views", "-180 to 180 degrees", list(views)),
        (recipe.seed < 0, "seed", "0 or more", recipe.seed),
        (not 0.2 <= recipe.seconds <= 600, "seconds", "0.2 to 600", recipe.seconds),
        (not 0 <= swaps < max(people, 1), "swaps", "0 to people - 1", swaps),
    ]
    for wrong, name, expected, actual in problems:
        if wrong:
            raise ConfigError(
                f"The data set cannot be made with this number of {name}."
                if name in ("people", "walks", "swaps")
                else f"The data set cannot be made with these {name}.",
                expected=expected,
                actual=str(actual),
            )


def keep_recipe(path: Path, wanted: dict[str, Any]) -> None:
    """Store what a data set depends on, or check it against what an earlier run stored.

    Raises
    ------
    ConfigError
        If the folder holds a data set made with other settings.
    InputError
        If what was stored cannot be read.
    """
    if path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"The file {str(path)!r} cannot be read.", hint="choose an empty folder"
            ) from error
        if stored != wanted:
            raise ConfigError(
                f"The folder {str(path.parent)!r} holds a data set made with other settings.",
                expected=json.dumps(stored),
                actual=json.dumps(wanted),
                hint="repeat those settings to go on, or choose an empty folder",
            )
        return
    write_atomically(path, (json.dumps(wanted, indent=2) + "\n").encode())


def make(
    directory: Path,
    *,
    people: int = 8,
    walks: int = 4,
    views: Sequence[float] = (20.0, 45.0, 70.0),
    seed: int = 0,
    seconds: float = 6.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: float = 30.0,
    stage: Stage = "auto",
    swaps: int = 0,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make a data set of walks, or go on with one that was interrupted.

    Every clip has its own day-to-day variation, clothes, place and camera. Clips that exist are
    kept; each appears whole or not at all. The same seed gives the same joints to the bit, and on
    the same machine the same videos; more people, walks or views add clips without changing others.

    Parameters
    ----------
    directory
        Folder to fill: ``p000/w00_v45.mp4``, the truth beside it as ``.npz``, ``manifest.csv``.
    people, walks, views
        Made are ``people * walks * len(views)`` clips; a view is the angle between walking
        direction and camera, degrees.
    seed
        Of the whole set.
    seconds, size, frame_rate, stage
        As in `clips.render_walk`.
    swaps
        Face swaps per person and view, with the faces of the next people.
    workers
        Processes; 0 takes one per processor.
    progress
        Called with (finished, all) clips, also once at the start.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    DependencyError
        If the renderer is missing.
    """
    recipe = Recipe(seed, float(seconds), size[0], size[1], float(frame_rate), stage)
    views = [float(view) for view in views]
    _check(recipe, people, walks, views, swaps)
    require_renderer()
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for person in range(people):
            (directory / subject_name(person)).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {str(directory)!r} cannot be made.", actual=str(error.strerror)
        ) from error
    keep_recipe(directory / RECIPE, asdict(recipe))
    jobs = plan(directory, recipe, people, walks, views, swaps)
    count = workers or os.cpu_count() or 1
    missing = [job for job in jobs if not _is_done(job)]
    done = len(jobs) - len(missing)
    if progress is not None:
        progress(done, len(jobs))
    # swaps read their parents, so the parents come first
    groups = [[job for job in missing if (job.parent is None) is real] for real in (True, False)]
    for _ in _run(groups, count):
        done += 1
        if progress is not None:
            progress(done, len(jobs))
    manifest = directory / MANIFEST
    write_atomically(manifest, manifest_bytes([_row(job, directory) for job in jobs]))
    return manifest

"""A folder of synthetic walks: people x walks x views, with truth and a manifest; resumable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.data.manifest import ManifestRow, manifest_bytes
from gaitproof.errors import ConfigError
from gaitproof.media.files import write_atomically
from gaitproof.synth.raster import require_renderer
from gaitproof.synth.staging import Stage
from gaitproof.synth.walker import Walker
from gaitproof.synth.writer import (
    Progress,
    check_numbers,
    make_missing,
    open_folder,
    renderer_crash,
    subject_name,
)

MANIFEST: Final = "manifest.csv"
RECIPE: Final = "dataset.json"
VERSION: Final = 2
"""Changes when the same seed no longer gives the same frames."""


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


def _work(job: Job) -> None:
    """Make one clip; runs in a worker process."""
    from gaitproof.synth.clips import render_walk, swap_face

    recipe = job.recipe
    walker = make_person(recipe.seed, job.person)
    film: dict[str, Any] = {
        "view": job.view,
        "seed": job.clip_seed,
        "out": job.path,
        "seconds": recipe.seconds,
        "size": (recipe.width, recipe.height),
        "frame_rate": recipe.frame_rate,
        "stage": recipe.stage,
    }
    if job.face is None or job.parent is None:
        render_walk(walker, **film)
    else:
        swap_face(job.parent, walker, make_person(recipe.seed, job.face), **film)


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
    progress: Progress = lambda done, total: None,
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

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds a set made with other settings.
    DependencyError
        If the renderer is missing.
    """
    recipe = Recipe(seed, float(seconds), size[0], size[1], float(frame_rate), stage)
    views = [float(view) for view in views]
    if not views or len(set(views)) != len(views):
        raise ConfigError(
            "The data set cannot be made with these views.",
            expected="one or more, each once",
            actual=str(views),
        )
    check_numbers(
        "The data set",
        people=(people, 1, 999),
        walks=(walks, 1, 99),
        views=(max(views, key=abs), -180, 180),
        seed=(seed, 0, inf),
        seconds=(seconds, 0.2, 600),
        swaps=(swaps, 0, max(people, 1) - 1),
    )
    require_renderer()
    names = map(subject_name, range(people))
    directory = open_folder(directory, RECIPE, asdict(recipe), names)
    jobs = plan(directory, recipe, people, walks, views, swaps)
    # swaps read their parents, so the parents come first
    stages = [[job for job in jobs if (job.parent is None) is real] for real in (True, False)]
    make_missing(stages, _is_done, _work, workers, renderer_crash(), progress)
    manifest = directory / MANIFEST
    write_atomically(manifest, manifest_bytes([_row(job, directory) for job in jobs]))
    return manifest

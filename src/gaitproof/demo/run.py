"""Filming, enrolling, verifying: the demo's real work."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from gaitproof.demo.plan import NOBODY, Clip, Plan, Trial
from gaitproof.errors import GalleryError, ModelError
from gaitproof.models import packaged_file
from gaitproof.pose.extract import Extraction, extract
from gaitproof.processes import run_all
from gaitproof.reading import FileKind, parse_model
from gaitproof.synth.writer import renderer_crash
from gaitproof.types import Verdict
from gaitproof.verify.signals import KnownFootage, load_signal_weights
from gaitproof.verify.verifier import Verifier

FILMING_PROCESSES: Final = 2
"""Films drawn at the same time; each process of the software renderer keeps one core busy."""

DEMO_MODEL: Final = "blend"
"""Made for walkers drawn as the demo's are, so that they need no reference footage; the default
model decides nothing without."""

RENDERED: Final = "rendered.json"
"""How both signals of such walkers are added up; made by `python -m experiments demo`."""

_FILE: Final = FileKind(
    "file of weights for rendered walkers",
    ModelError,
    2**16,
    hint="make it with 'python -m experiments demo'",
    missing="make it with 'python -m experiments demo'",
)

GALLERY: Final = "gallery.db"
"""Name of the gallery in the demo's folder."""

Progress = Callable[[str, int, int], None]
"""Called with the stage, what is done and what there is in all."""


@dataclass(frozen=True)
class TrialResult:
    """A trial and its verdict."""

    trial: Trial
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Whether the decision is the expected one."""
        return self.verdict.decision is self.trial.expected

    def to_dict(self) -> dict[str, Any]:
        """Return the trial's entry in ``demo.json``."""
        return {
            "clip": clip_file(self.trial.clip),
            "claim": self.trial.claim,
            "expected": self.trial.expected.value,
            "verdict": self.verdict.decision.value,
            "similarity": self.verdict.similarity,
            "log10_lr": self.verdict.log10_lr,
            "seconds": round(self.verdict.seconds, 3),
        }


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo found.

    Parameters
    ----------
    plan
        What was done.
    trials
        Verdicts, in the plan's order.
    refusal
        What was answered to a claim that nobody enrolled; None if it was wrongly accepted.
    extractions
        Pose tracks of every clip, by clip.
    seconds
        Wall-clock time.
    """

    plan: Plan
    trials: tuple[TrialResult, ...]
    refusal: str | None
    extractions: Mapping[Clip, Extraction]
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether every answer is the expected one, the refusal included."""
        return self.refusal is not None and all(trial.as_expected for trial in self.trials)

    def to_json(self) -> str:
        """Return the text of ``demo.json``."""
        entries = [trial.to_dict() for trial in self.trials]
        return json.dumps({"trials": entries}, indent=2, ensure_ascii=False) + "\n"


def clip_file(clip: Clip) -> str:
    """Return where a clip lies inside the demo's folder."""
    return f"clips/{clip.name}.mp4"


def film(clip: Clip, folder: Path) -> Clip:
    """Draw one clip; a face swap is made of the finished video of the walk, as forgers do.

    Parameters
    ----------
    clip
        What to draw.
    folder
        The demo's folder, with a folder ``clips`` in it.
    """
    # imported here: the parent process never needs the renderer
    from gaitproof.synth.clips import render_walk, swap_face
    from gaitproof.synth.walker import Walker

    walker = Walker.random(clip.walker_seed)
    out = folder / clip_file(clip)
    take: dict[str, Any] = {"view": clip.view, "seed": clip.take_seed}
    take |= {"seconds": clip.seconds, "size": clip.size}
    if clip.face_seed is None:
        render_walk(walker, **take, out=out)
        return clip
    with TemporaryDirectory(dir=folder) as temporary:
        genuine = Path(temporary) / out.name
        render_walk(walker, **take, out=genuine)
        swap_face(genuine, walker, Walker.random(clip.face_seed), **take, out=out)
    return clip


def film_all(clips: tuple[Clip, ...], folder: Path, progress: Progress) -> None:
    """Draw all clips, two at a time where there are two processors."""
    (folder / "clips").mkdir()
    workers = min(FILMING_PROCESSES, os.cpu_count() or 1)
    run_all(
        clips,
        partial(film, folder=folder),
        workers,
        renderer_crash(),
        lambda done: progress("film", done, len(clips)),
    )


class RememberingExtractor:
    """Extracts poses and remembers them, so that images need no second pass.

    Parameters
    ----------
    files
        Where each clip lies now, by the path it will have when the demo is in place: galleries
        and verdicts name the second, which stays true after the folder was moved.
    extractor
        What does the work; the signature of `gaitproof.pose.extract.extract`.
    """

    def __init__(self, files: Mapping[Path, Path], extractor: Callable[..., Extraction]) -> None:
        self._files = files
        self._extractor = extractor
        self.extractions: dict[Path, Extraction] = {}

    def __call__(self, path: str | Path, *args: Any, **options: Any) -> Extraction:
        """Extract the poses of the clip that will lie at `path`."""
        extraction = self._extractor(self._files[Path(path)], *args, **options)
        self.extractions[Path(path)] = extraction
        return extraction


def open_demo_verifier(gallery: Path, **options: Any) -> Verifier:
    """Open a verifier with the demo's model, and with what is known of rendered walkers."""
    weights = load_signal_weights()
    shipped = packaged_file("gaitproof.demo", RENDERED)
    if weights is not None and shipped is not None:
        known = parse_model(*shipped, _FILE, KnownFootage)
        weights = weights.model_copy(update={"known": known})
    return Verifier.open(gallery, encoder=DEMO_MODEL, weights=weights, **options)


def run_demo(
    plan: Plan,
    folder: Path,
    final: Path,
    *,
    progress: Progress = lambda stage, done, total: None,
    film_clips: Callable[[tuple[Clip, ...], Path, Progress], None] = film_all,
    extractor: Callable[..., Extraction] = extract,
    open_verifier: Callable[..., Verifier] = open_demo_verifier,
) -> DemoResult:
    """Film the plan's clips, enrol its people, ask its questions.

    Parameters
    ----------
    plan
        What to do.
    folder
        Existing folder that receives ``clips/*.mp4`` and ``gallery.db``.
    final
        Where that folder will lie in the end.
    progress
        Called after each clip, person and trial.
    film_clips, extractor, open_verifier
        What draws, what finds poses and what decides; replaced in tests.
    """
    start = time.perf_counter()
    film_clips(plan.clips, folder, progress)
    places = {clip: final / clip_file(clip) for clip in plan.clips}
    files = {place: folder / clip_file(clip) for clip, place in places.items()}
    remember = RememberingExtractor(files, extractor)
    verifier = open_verifier(folder / GALLERY, extractor=remember)
    for done, (name, clips) in enumerate(plan.enrolment.items(), start=1):
        verifier.enroll(name, [places[clip] for clip in clips])
        progress("enrol", done, len(plan.enrolment))
    results = []
    for trial in plan.trials:
        verdict = verifier.verify(places[trial.clip], claim=trial.claim)
        results.append(TrialResult(trial, verdict))
        progress("verify", len(results), len(plan.trials))
    refusal = None
    try:
        verifier.verify(places[plan.trials[0].clip], claim=NOBODY)
    except GalleryError as error:
        # the folder is moved afterwards: its present path would be wrong on the page
        refusal = str(error).replace(f"{folder}{os.sep}", "")
    extractions = {clip: remember.extractions[place] for clip, place in places.items()}
    return DemoResult(plan, tuple(results), refusal, extractions, time.perf_counter() - start)

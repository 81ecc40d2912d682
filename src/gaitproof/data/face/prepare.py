"""From a data set of faces to a store of them: parallel, resumable, one failure stops no other."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import Field, model_validator

from gaitproof.config import MediaLimits
from gaitproof.data.face.clips import FaceClip
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.giveaway import Giveaways, find_giveaways
from gaitproof.data.face.layouts import read_layout
from gaitproof.data.face.sampling import extract_faces, measure
from gaitproof.data.face.spacing import Sampling
from gaitproof.data.face.splits import (
    SHARES,
    assign_splits,
    find_equal_files,
    find_leaks,
    set_aside,
)
from gaitproof.data.face.store import (
    CLIP_FOLDER,
    StoredClip,
    StoreSettings,
    find_clip,
    write_clip,
    write_index,
)
from gaitproof.data.manifest import locate
from gaitproof.errors import GaitproofError, InputError
from gaitproof.face.detect import DetectorSettings, create_detector
from gaitproof.face.quality import FaceGate
from gaitproof.media.drafts import hold_folder, sweep
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.media.sound import Sound, read_sound
from gaitproof.pose.parallel import available_processors
from gaitproof.processes import run_apart
from gaitproof.reading import FileKind, guarded, read_json, shown
from gaitproof.text import csv_text

_RECORD: Final = FileKind("record of a run", InputError, 2**20, hint="choose another folder")

RUN_FILE: Final = "prepare.json"
"""What the run was told."""


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs, and remove what killed ones left unfinished.

    The operating system lets go of it when the process ends, however it ends.

    Raises
    ------
    InputError
        If it cannot be made or opened, or another run holds it.
    """
    with hold_folder(make_folder(folder), f"Another run is preparing faces in {str(folder)!r}."):
        _tidy(folder)
        sweep(folder)
        try:
            yield
        finally:
            _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove the clips that a killed process had begun."""
    for unfinished in (folder / CLIP_FOLDER).glob(".*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def begin_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what a run is told, or check that an earlier one was told the same.

    Parameters
    ----------
    folder
        Claimed.
    settings
        Plain values for JSON.

    Raises
    ------
    InputError
        If the folder holds something else, or belongs to a run with other settings.
    """
    file = folder / RUN_FILE
    if not file.exists():
        # what begins with a dot is the system's: .DS_Store, a lock on Windows
        if any(not path.name.startswith(".") for path in folder.iterdir()):
            raise InputError(
                f"The folder {str(folder)!r} holds something else.",
                expected="a new or empty folder, or one that an earlier run began",
            )
        write_atomically(file, (json.dumps(settings, indent=1) + "\n").encode())
        return
    before = read_json(file, _RECORD)
    with guarded(file, _RECORD):
        changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        raise InputError(
            f"The faces in {str(folder)!r} were prepared with other settings.",
            expected=", ".join(f"{name} {shown(before.get(name))}" for name in changed),
            actual=", ".join(f"{name} {settings[name]}" for name in changed),
            hint="give the same settings, or choose another folder",
        )


CRASHED: Final = "The process that read it crashed."

FAILURES_FILE: Final = "failures.csv"
"""Clips and reasons; only a header where nothing failed."""

SHOWN_LEAKS: Final = 3
"""Leaks that the message names; the others are counted."""


GATE: Final = FaceGate(max_covered=1.0)
"""What a face must offer, as in a scan: error rates then hold for the faces that get one. But hands
and hair before a face are nothing to be kept from learning, and a crude forgery may look like
something before a face."""


class PrepareSettings(Sampling):
    """How a data set is prepared."""

    layout: str = "auto"
    """A name of `gaitproof.data.face.layouts.LAYOUTS`, or ``auto``."""
    detector: DetectorSettings = DetectorSettings()
    gate: FaceGate = GATE
    seed: int = Field(default=0, ge=0)
    """Draws the sides of clips that have no published one."""
    shares: tuple[float, float, float] = (SHARES["train"], SHARES["validation"], SHARES["test"])
    """Of train, validation and test among them; they add up to 1."""
    set_aside: float = Field(default=0.0, ge=0, le=0.5)
    """Share of the training clips that become validation clips where the data set has none."""
    media: MediaLimits = MediaLimits()
    sound: bool = False
    """Whether what is heard is stored, too; it needs a rate."""

    @model_validator(mode="after")
    def _sound_needs_a_rate(self) -> PrepareSettings:
        if self.sound and self.rate is None:
            raise ValueError("sound goes with images at a rate of their own: give one")
        return self


@dataclass(frozen=True)
class Failure:
    """A clip that could not be prepared, and why, in a sentence."""

    clip: str
    reason: str


@dataclass(frozen=True)
class Count:
    """How much of one kind there is."""

    split: str
    label: str
    manipulation: str
    clips: int
    pictures: int


@dataclass(frozen=True)
class Prepared:
    """What became of a data set.

    Parameters
    ----------
    clips
        What is in the store, in natural order of their paths.
    failures
        What is not, likewise.
    kept
        Clips that an earlier run had finished.
    unused
        Clips left out because they would tie one side of the split to another.
    """

    clips: tuple[StoredClip, ...]
    failures: tuple[Failure, ...]
    kept: int
    unused: int

    def counts(self) -> tuple[Count, ...]:
        """Return how many clips and images there are of every split, label and manipulation."""
        clips: Counter[tuple[str, str, str]] = Counter()
        images: Counter[tuple[str, str, str]] = Counter()
        for stored in self.clips:
            kind = (stored.clip.split, stored.clip.label.value, stored.clip.manipulation)
            clips[kind] += 1
            images[kind] += stored.images
        order = {split: place for place, split in enumerate(SHARES)}
        kinds = sorted(clips, key=lambda kind: (order[kind[0]], kind[1] == "fake", kind[2]))
        return tuple(Count(*kind, clips[kind], images[kind]) for kind in kinds)

    def giveaways(self) -> Giveaways:
        """Return how well the clips' rate, length and sampling alone predict their labels."""
        return find_giveaways(self.clips)

    def warnings(self) -> tuple[str, ...]:
        """Say what is wrong with the data set rather than with single clips."""
        said = []
        if self.unused:
            said.append(
                f"{self.unused} clips were left out, since their names tie one side of the split "
                "to another. Where clips are only numbered, anew in every folder: --layout numbered"
            )
        giveaways = self.giveaways()
        if giveaways.telling:
            by = ", ".join(f"{name} (AUC {giveaways.auc[name]:.0%})" for name in giveaways.telling)
            said.append(
                f"forged clips can be recognised without looking at a face, by {by}. A "
                "temporal network may learn that instead of forgeries. --rate makes the time "
                "between images the same; length and frame rate are the data set's"
            )
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, the clips counted."""
        return {
            "clips": len(self.clips),
            "pictures": sum(stored.images for stored in self.clips),
            "kept": self.kept,
            "unused": self.unused,
            "failed": len(self.failures),
            "counts": [asdict(count) for count in self.counts()],
            "failures": [asdict(failure) for failure in self.failures],
            "giveaways": self.giveaways().to_dict(),
        }


def prepare(
    root: Path,
    out: Path,
    settings: PrepareSettings | None = None,
    *,
    workers: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Prepared:
    """Cut the main face out of some images of every clip of a data set.

    Killed at any moment and started again, it resumes; clips that failed are tried
    again.

    Parameters
    ----------
    root
        The data set's folder.
    out
        Folder of the store: new, empty, or of an earlier run with the same settings.
    settings
        The defaults if None.
    workers
        Processes; 0 for one per processor.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        If the data set cannot be read or leaks across its splits; if `out` is something else,
        belongs to other settings or to a run that is going on, or cannot be written.
    DependencyError, ModelError
        If the detector cannot be made.
    """
    settings = settings or PrepareSettings()
    clips, failures = plan(root, settings)
    with create_detector(settings.detector) as detector:
        sampling = settings.model_dump(include=set(Sampling.model_fields))
        store = StoreSettings(detector=detector.identifier, sound=settings.sound, **sampling)
    with claim_folder(out):
        begin_run(
            out,
            {
                "root": str(root.resolve()),
                **store.model_dump(mode="json", exclude=None if settings.sound else {"sound"}),
                "gate": settings.gate.model_dump(),
                "seed": settings.seed,
                "shares": list(settings.shares),
                # runs of earlier versions said nothing of it
                "set_aside": settings.set_aside or None,
            },
        )
        used = [clip for clip in clips if clip.split != "unused"]
        stored_clips = {clip.path: stored for clip in used if (stored := find_clip(out, clip))}
        kept = len(stored_clips)
        missing = [clip for clip in used if clip.path not in stored_clips]
        do = partial(_prepare_clip, root, out, settings)
        with closing(run_apart(missing, do, workers or available_processors())) as results:
            for done, (clip, result) in enumerate(results, start=kept + 1):
                if isinstance(result, StoredClip):
                    stored_clips[clip.path] = result
                else:
                    failures.append(result or Failure(clip.path, CRASHED))
                progress(done / len(used))
        order = {clip.path: place for place, clip in enumerate(clips)}
        failures.sort(key=lambda failure: order.get(failure.clip, -1))
        prepared = Prepared(
            tuple(stored_clips[clip.path] for clip in used if clip.path in stored_clips),
            tuple(failures),
            kept,
            len(clips) - len(used),
        )
        _write_failures(out, prepared.failures)
        write_index(out, store, prepared.clips)
    return prepared


def plan(root: Path, settings: PrepareSettings) -> tuple[tuple[FaceClip, ...], list[Failure]]:
    """Return the clips with their sides, and those whose names cannot be written down."""
    clips, failures = [], []
    for clip in read_layout(root, settings.layout):
        name = clip.path.encode("utf-8", "backslashreplace").decode()
        if name == clip.path:
            clips.append(clip)
        else:
            failures.append(Failure(name, "Its name is not UTF-8 text."))
    divided = assign_splits(clips, dict(zip(SHARES, settings.shares, strict=True)), settings.seed)
    divided = set_aside(divided, settings.set_aside, settings.seed)
    leaks = (*find_leaks(divided), *find_equal_files(root, divided))
    if leaks:
        more = f" and {len(leaks) - SHOWN_LEAKS} more" if len(leaks) > SHOWN_LEAKS else ""
        raise InputError(
            f"The splits of {str(root)!r} leak.",
            expected="nobody, no source video and no file on two sides",
            actual="; ".join(leaks[:SHOWN_LEAKS]) + more,
            hint="remove one of each, or have the lists name the same side for both",
        )
    return divided, failures


def _prepare_clip(
    root: Path, out: Path, settings: PrepareSettings, clip: FaceClip
) -> StoredClip | Failure:
    """Prepare one clip; runs in a worker process."""
    try:
        path = locate(root, clip.path)
        footage = measure(path, settings.media)
        with create_detector(settings.detector) as detector:
            faces = extract_faces(
                path,
                footage,
                settings.of(clip.label),
                detector,
                cropped=clip.cropped,
                gate=settings.gate,
                limits=settings.media,
            )
        sound = _hear(path, faces, settings) if settings.sound else None
    except GaitproofError as error:
        return Failure(clip.path, " ".join(str(error).split()))
    except Exception as error:  # whatever a hostile file sets off in a decoder stops no other clip
        return Failure(clip.path, " ".join(f"{type(error).__name__}: {error}".split()))
    try:
        # what is stored is no crop any more, whatever it was cut from
        return write_clip(out, replace(clip, cropped=False), faces, footage, sound)
    except OSError as error:
        raise InputError(
            f"The faces cannot be written to {str(out)!r}.",
            actual=error.strerror or str(error),
            hint="free disk space; the same command resumes",
        ) from error


def _hear(path: Path, faces: StoredFaces, settings: PrepareSettings) -> Sound:
    """Return what is heard from the first stored image on."""
    sound = None if path.is_dir() else read_sound(path, settings.media)
    if sound is None:
        raise InputError("The clip has no sound.")
    assert settings.rate is not None
    first, last = float(faces.times[0]), float(faces.times[-1]) + 1 / settings.rate
    return sound.between(first, last)


def _write_failures(out: Path, failures: Sequence[Failure]) -> None:
    text = csv_text([("clip", "reason"), *((one.clip, one.reason) for one in failures)])
    write_atomically(out / FAILURES_FILE, text.encode("utf-8", "backslashreplace"))

"""Is a swapped face told from a genuine one: filmed portraits, each with its swapped twins.

Every portrait is filmed as it is and with another person's face, in three ways that no training
uses, with the same movement, light, noise and compression; every clip goes the way of a user's
video, through `gaitproof.face.scan.scan_video`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import DependencyError, GaitproofError, InputError
from gaitproof.evaluate.face.clips import COMPRESSIONS, FRAME_RATE, ClipSettings, move_portrait
from gaitproof.evaluate.face.figures import FaceFigures, compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.evaluate.face.swaps import SWAPS
from gaitproof.evaluate.fusion_trials import SingleTrials, write_single
from gaitproof.face.detect import DetectorSettings, FaceDetector, create_detector
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan, ScanSettings, scan_video
from gaitproof.face.verdict import FaceDecision, FaceVerdict
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.media.manifest import locate
from gaitproof.media.still import read_still
from gaitproof.processes import worker_pool
from gaitproof.report.face_tables import format_figure
from gaitproof.train.face.data.clips import FaceClip, Label
from gaitproof.train.face.data.layouts import read_layout
from gaitproof.train.face.data.splits import assign_splits, join_by_keys

if TYPE_CHECKING:
    from rich.table import Table

Image = NDArray[np.uint8]
Marks = NDArray[np.float64]

GENUINE: Final = "genuine"
KINDS: Final = (GENUINE, *SWAPS)

_TIMED: Final = 16
"""Crops that the network's own time is measured on."""


@dataclass(frozen=True)
class Pairing:
    """A portrait, and the one whose face is put on it.

    Parameters
    ----------
    target, source
        Paths below the data set's root.
    people
        Who is on them.
    """

    target: str
    source: str
    people: tuple[str, str]

    def name(self, seed: int, seconds: float) -> str:
        """Return the name of its clips' folder: the same for the same pictures and movement."""
        text = "\x1f".join((self.target, self.source, str(seed), str(seconds)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Trial:
    """One scanned clip.

    Parameters
    ----------
    target
        The filmed portrait.
    people
        Who is in it: one person in a genuine clip, two in a swapped one.
    kind
        One of `KINDS`.
    compression
        A name of `COMPRESSIONS`.
    faces
        How many were found; the portrait shows one.
    decision
        Of the clip, value of `FaceDecision`.
    score
        Of the face that fills most of the clip, 0 (forged) to 1 (genuine); None without one.
    log10_lr
        The same calibrated; None without a calibration.
    pictures
        Of it that were scored.
    seconds
        That the scan took.
    """

    target: str
    people: tuple[str, ...]
    kind: str
    compression: str
    faces: int
    decision: str
    score: float | None
    log10_lr: float | None
    pictures: int
    seconds: float


@dataclass(frozen=True)
class FacesBench:
    """All trials, and what could not be filmed.

    Parameters
    ----------
    model_id
        Whose answers they are.
    split
        Side of the data set that the people are on.
    threshold
        Of the model.
    crop_ms
        Milliseconds of the network per crop, in a batch.
    trials
        Two portraits are never swapped with each other's own person.
    failures
        Portraits and why they could not be used.
    """

    model_id: str
    split: str
    threshold: float
    crop_ms: float
    trials: tuple[Trial, ...]
    failures: tuple[tuple[str, str], ...]

    def select(self, kind: str | None, compression: str | None) -> tuple[Trial, ...]:
        """Return trials of a kind (all swaps if None) at a compression (any if None)."""
        return tuple(
            trial
            for trial in self.trials
            if (trial.kind == kind or (kind is None and trial.kind != GENUINE))
            and compression in (None, trial.compression)
        )

    def scores(self, kind: str | None = None, compression: str | None = None) -> FaceScores:
        """Return the scores of genuine clips and of those of a kind, where there are any."""
        chosen = self.select(GENUINE, compression) + self.select(kind, compression)
        scored = [(one, one.score) for one in chosen if one.score is not None]
        return FaceScores(
            np.array([score for _, score in scored], np.float64),
            np.array([one.kind == GENUINE for one, _ in scored], np.bool_),
            tuple(one.people for one, _ in scored),
        )

    @cached_property
    def figures(self) -> dict[tuple[str | None, str | None], FaceFigures]:
        """Figures per kind of swap (None: all) and compression (None: both)."""
        return {
            (kind, compression): compute_figures(self.scores(kind, compression), self.threshold)
            for compression in (*COMPRESSIONS, None)
            for kind in (*SWAPS, None)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "model_id": self.model_id,
            "split": self.split,
            "threshold": self.threshold,
            "crop_ms": self.crop_ms,
            "figures": [
                {"kind": kind or "all", "compression": compression or "all", **asdict(found)}
                for (kind, compression), found in self.figures.items()
            ],
            "trials": [asdict(trial) for trial in self.trials],
            "failures": [{"picture": name, "reason": why} for name, why in self.failures],
        }


def run(
    root: Path,
    folder: Path,
    *,
    model: str | Path | None = None,
    split: str = "test",
    people: int = 0,
    seed: int = 0,
    seconds: float = ClipSettings().seconds,
    workers: int = 1,
    detector: DetectorSettings | None = None,
    progress: Callable[[float], None] | None = None,
) -> FacesBench:
    """Film and scan the portraits of one side of a data set.

    Parameters
    ----------
    root
        Folder with portraits and ``clips.csv``, see `gaitproof.train.face.data.layouts.table`.
    folder
        Clips and answers are kept here, and gone on with if begun.
    model
        Name or folder of the weights; None for those of the package.
    split
        Side whose people are filmed; ``test``, for figures.
    people
        So many are drawn; 0 for all.
    seed
        Draws people, portraits, pairs and movements.
    seconds
        Length of every clip.
    workers
        Processes.
    detector
        Finds the faces; the default if None.
    progress
        Told the share done, 0 to 1.

    Raises
    ------
    InputError
        If there are fewer than three people, or the folder cannot be written.
    ModelError
        If the model cannot be used.
    """
    pairings = pair_portraits(read_layout(root, "table"), split, people, seed)
    loaded = FaceForgeryModel.load(model)
    make_folder(folder)
    settings = ScanSettings(detector=detector or DetectorSettings())
    job = _Job(root, folder, None if model is None else str(model), settings, seed, seconds)
    trials: dict[str, list[Trial]] = {}
    failures: dict[str, str] = {}
    crash = DependencyError("A process that films portraits was killed.", hint="use fewer workers")
    with worker_pool(workers, crash) as pool:
        waiting = {pool.submit(job, pairing): pairing.target for pairing in pairings}
        for done, future in enumerate(as_completed(waiting), start=1):
            found = future.result()
            if isinstance(found, str):
                failures[waiting[future]] = found
            else:
                trials[waiting[future]] = found
            if progress is not None:
                progress(done / len(waiting))
    ordered = [pairing.target for pairing in pairings]
    return FacesBench(
        loaded.card.model_id,
        split,
        loaded.card.operating_point.threshold,
        time_network(loaded),
        tuple(trial for name in ordered for trial in trials.get(name, ())),
        tuple((name, failures[name]) for name in ordered if name in failures),
    )


def pair_portraits(
    clips: Sequence[FaceClip], split: str, people: int, seed: int
) -> tuple[Pairing, ...]:
    """Draw one portrait of every person, and whose face is put on it.

    The people stand in a ring in random order; everybody gets the face of the next.

    Parameters
    ----------
    clips
        Of the data set; forged ones are left out.
    split
        Side whose people are drawn.
    people
        How many; 0 for all.
    seed
        Of the draw.

    Raises
    ------
    InputError
        If there are fewer than three.
    """
    chosen = [
        clip for clip in assign_splits(clips) if clip.split == split and clip.label is Label.REAL
    ]
    portraits: dict[int, list[FaceClip]] = {}
    for number, clip in zip(join_by_keys([clip.keys for clip in chosen]), chosen, strict=True):
        portraits.setdefault(number, []).append(clip)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(portraits))[: people or None]
    if len(order) < 3:
        raise InputError(
            f"Swapping faces needs portraits of three people of the split {split!r}.",
            actual=f"{len(order)} people",
        )
    drawn = [
        portraits[int(number)][int(rng.integers(len(portraits[int(number)])))] for number in order
    ]
    return tuple(
        Pairing(target.path, source.path, (target.keys[0], source.keys[0]))
        for target, source in zip(drawn, drawn[1:] + drawn[:1], strict=True)
    )


@dataclass(frozen=True)
class _Job:
    """Films and scans one pairing, in another process."""

    root: Path
    folder: Path
    model: str | None
    settings: ScanSettings
    seed: int
    seconds: float

    def __call__(self, pairing: Pairing) -> list[Trial] | str:
        """Return its trials, or why there are none."""
        model = FaceForgeryModel.load(self.model)
        own = make_folder(self.folder / self._name(pairing))
        # other weights or settings scan the same clips anew
        asked = (model.card.model_dump_json(), self.settings.model_dump_json())
        known = "".join((*asked, *(one.name for one in fields(Trial))))
        kept = own / f"trials-{hashlib.sha256(known.encode()).hexdigest()[:16]}.json"
        if kept.is_file():
            entries = json.loads(kept.read_text("utf-8"))
            return [Trial(**entry | {"people": tuple(entry["people"])}) for entry in entries]
        with create_detector(self.settings.detector) as detector:
            try:
                clips = self._film(own, pairing, detector)
            except GaitproofError as error:
                return str(error)
            trials = [
                _judge(scan_video(path, model, self.settings, detector=detector), pairing, *which)
                for which, path in clips.items()
            ]
        text = json.dumps([asdict(trial) for trial in trials], indent=1)
        write_atomically(kept, text.encode())
        return trials

    def _name(self, pairing: Pairing) -> str:
        return pairing.name(self.seed, self.seconds)

    def _film(
        self, own: Path, pairing: Pairing, detector: FaceDetector
    ) -> dict[tuple[str, str], Path]:
        clips = {
            (kind, compression): own / f"{kind}-{compression}.mp4"
            for kind in KINDS
            for compression in COMPRESSIONS
        }
        missing = {which: path for which, path in clips.items() if not path.is_file()}
        if missing:
            target, source = (
                read_still(locate(self.root, path)) for path in (pairing.target, pairing.source)
            )
            marks = [
                find_marks(picture, path, detector)
                for picture, path in ((target, pairing.target), (source, pairing.source))
            ]
            movement = int(self._name(pairing), 16) % 2**32
            for kind in KINDS:
                picture = target if kind == GENUINE else SWAPS[kind](target, source, *marks)
                film(picture, movement, self.seconds, {c: clips[kind, c] for c in COMPRESSIONS})
        return clips


def find_marks(picture: Image, name: str, detector: FaceDetector) -> Marks:
    """Return the mesh of a portrait's largest face, shape (468, 2), pixels.

    Raises
    ------
    InputError
        If there is no face with a mesh.
    """
    meshes = [(face.size, face.mesh) for face in detector.detect(picture) if face.mesh is not None]
    if not meshes:
        raise InputError(f"No face with landmarks was found in {name!r}.")
    return max(meshes, key=lambda one: one[0])[1]


def film(portrait: Image, seed: int, seconds: float, paths: Mapping[str, Path]) -> None:
    """Film a portrait once and write it at several compressions; see `move_portrait`."""
    settings = ClipSettings(seconds)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                VideoWriter(path, FRAME_RATE, settings.size, crf=COMPRESSIONS[name])
            )
            for name, path in paths.items()
        ]
        for picture in move_portrait(portrait, seed, settings):
            for writer in writers:
                writer.write(picture)


def time_network(model: FaceForgeryModel) -> float:
    """Return the milliseconds that the network takes per crop, of a batch or turn."""
    side, clip = model.card.alignment.size, model.card.clip
    count = _TIMED if clip is None else clip.frames
    score: Callable[[Image], object] = model.score if clip is None else model.score_turn
    crops = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    score(crops)
    times = []
    for _ in range(3):
        began = perf_counter()
        score(crops)
        times.append(perf_counter() - began)
    return 1000 * min(times) / count


def _judge(found: FaceScan, pairing: Pairing, kind: str, compression: str) -> Trial:
    main = max(found.faces, key=_extent, default=None)
    return Trial(
        target=pairing.target,
        people=pairing.people[:1] if kind == GENUINE else pairing.people,
        kind=kind,
        compression=compression,
        faces=len(found.faces),
        decision=found.decision.value,
        score=None if main is None else main.score,
        log10_lr=None if main is None else main.log10_lr,
        pictures=0 if main is None else len(main.frames),
        seconds=found.seconds,
    )


def _extent(face: FaceVerdict) -> float:
    """Return the sum of a face's sizes over its scored pictures."""
    # what the detector takes for a face beside the real one is small, or seen now and then
    boxes = np.array([frame.box for frame in face.frames]).reshape(-1, 4)
    return float(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)).sum())


def write_trials(result: FacesBench, path: Path) -> None:
    """Write the likelihood ratios for ``bench fusion --faces``, grouped by who was filmed.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    known = [(one, one.log10_lr) for one in result.trials if one.log10_lr is not None]
    write_single(
        path,
        SingleTrials(
            np.array([one.people[0] for one, _ in known], np.str_),
            np.array([one.kind == GENUINE for one, _ in known], np.bool_),
            np.array([ratio for _, ratio in known], np.float64),
        ),
    )


def figure_table(result: FacesBench) -> Table:
    """Lay out AUC and errors per kind of swap and compression."""
    from rich.table import Table

    persons = len({trial.target for trial in result.trials})
    table = Table(
        title=f"{persons} people of the split {result.split}, each filmed as they are and swapped; "
        "% [95 % over people]"
    )
    for title in ("swap", "compression", "AUC", "EER", "forged called genuine", "clips"):
        words = title in ("swap", "compression")
        table.add_column(title, justify="left" if words else "right", overflow="fold")
    for (kind, compression), found in result.figures.items():
        table.add_row(
            kind or "all",
            compression or "both",
            *(format_figure(found, name) for name in ("auc", "eer", "false_real")),
            f"{found.genuine} + {found.forged}",
            end_section=kind is None,
        )
    return table


def verdict_table(result: FacesBench) -> Table:
    """Count the answers per kind and compression."""
    from rich.table import Table

    table = Table(title="Answers")
    table.add_column("clip")
    table.add_column("compression")
    for decision in FaceDecision:
        table.add_column(decision.value, justify="right")
    for kind in KINDS:
        for compression in COMPRESSIONS:
            counts = Counter(trial.decision for trial in result.select(kind, compression))
            table.add_row(kind, compression, *(str(counts[one.value]) for one in FaceDecision))
    return table


def cost_line(result: FacesBench) -> str:
    """Say what a clip and a crop cost."""
    seconds = [trial.seconds for trial in result.trials]
    pictures = [trial.pictures for trial in result.trials]
    if not seconds:
        return "Nothing was scanned."
    more = sum(trial.faces > 1 for trial in result.trials)
    beside = f" In {more} of {len(seconds)} clips the detector saw a second face." if more else ""
    return (
        f"A clip took {np.median(seconds):.2f} s (median) for {np.median(pictures):.0f} pictures; "
        f"the network alone {result.crop_ms:.1f} ms per crop.{beside}"
    )

"""Is a swapped face told from a genuine one: filmed portraits, each with its swapped twins.

Every portrait is filmed as it is and with another person's face, in three ways that no training
uses, with the same movement, light, noise and compression; every clip goes the way of a user's
video, through `gaitproof.face.scan.scan_video`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from experiments.faces.portraits import Pairing, film, find_marks, pair_portraits
from experiments.faces.swaps import SWAPS
from experiments.faces.trials import GENUINE, KINDS, FacesResult, Trial
from experiments.shared import Progress, kept_rows, no_progress
from gaitproof.bench.face_scan import COMPRESSIONS, ClipSettings, time_network
from gaitproof.data.face.layouts import read_layout
from gaitproof.data.manifest import locate
from gaitproof.errors import DependencyError, GaitproofError
from gaitproof.face.detect import DetectorSettings, FaceDetector, create_detector
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan, ScanSettings, scan_video
from gaitproof.face.verdict import FaceVerdict
from gaitproof.media.decode import read_still
from gaitproof.media.files import make_folder
from gaitproof.processes import run_all


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
    progress: Progress = no_progress,
) -> FacesResult:
    """Film and scan the portraits of one side of a data set.

    Parameters
    ----------
    root
        Folder with portraits and ``clips.csv``, see `gaitproof.data.face.layouts.table`.
    folder
        Clips and answers are kept here; an interrupted run resumes.
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
        Called with the share done, 0 to 1.

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
    crash = DependencyError("A process that films portraits was killed.", hint="use fewer workers")
    results = run_all(pairings, job, workers, crash, lambda done: progress(done / len(pairings)))
    named = [(pairing.target, one) for pairing, one in zip(pairings, results, strict=True)]
    return FacesResult(
        loaded.card.model_id,
        split,
        loaded.card.operating_point.threshold,
        time_network(loaded),
        tuple(trial for one in results if not isinstance(one, str) for trial in one),
        tuple((name, one) for name, one in named if isinstance(one, str)),
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

        def scan() -> list[dict[str, Any]]:
            with create_detector(self.settings.detector) as detector:
                clips = self._film(own, pairing, detector)
                scans = {
                    which: scan_video(path, model, self.settings, detector=detector)
                    for which, path in clips.items()
                }
            return [asdict(_judge(one, pairing, *which)) for which, one in scans.items()]

        try:
            rows = kept_rows(kept, scan)
        except GaitproofError as error:
            return str(error)
        return [Trial(**row | {"people": tuple(row["people"])}) for row in rows]

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
                find_marks(image, path, detector)
                for image, path in ((target, pairing.target), (source, pairing.source))
            ]
            movement = int(self._name(pairing), 16) % 2**32
            for kind in KINDS:
                image = target if kind == GENUINE else SWAPS[kind](target, source, *marks)
                film(image, movement, self.seconds, {c: clips[kind, c] for c in COMPRESSIONS})
        return clips


def _judge(scan: FaceScan, pairing: Pairing, kind: str, compression: str) -> Trial:
    main = max(scan.faces, key=_extent, default=None)
    return Trial(
        target=pairing.target,
        people=pairing.people[:1] if kind == GENUINE else pairing.people,
        kind=kind,
        compression=compression,
        faces=len(scan.faces),
        decision=scan.decision.value,
        score=None if main is None else main.score,
        log10_lr=None if main is None else main.log10_lr,
        pictures=0 if main is None else len(main.frames),
        seconds=scan.seconds,
    )


def _extent(face: FaceVerdict) -> float:
    """Return the sum of a face's sizes over its scored images."""
    # what the detector takes for a face beside the real one is small, or seen now and then
    boxes = np.array([frame.box for frame in face.frames]).reshape(-1, 4)
    return float(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)).sum())

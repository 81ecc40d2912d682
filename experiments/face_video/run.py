"""Threshold, band and calibration of a face model from genuine video, leaving people out.

Genuine videos of talking people and swaps made of them go the way of a user's video, through
`gaitproof.face.scan.scan_video`. Faces are cut out once per alignment and scored once per model, so
that another model takes no more than its own passes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.face_video.films import ORIGINAL, SECONDS, Clip, Film, make_films, plan_films
from experiments.shared import Progress, no_progress
from gaitproof.closing import Closing
from gaitproof.errors import ModelError
from gaitproof.evaluate.face.figures import FaceFigures, compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.card import FaceConditions, FaceDetectorCard
from gaitproof.face.consistency import compute_flicker, find_drop, make_trace
from gaitproof.face.detect import FaceDetector, create_detector
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.pace import FRAMES
from gaitproof.face.quality import measure_contrast, measure_grain, measure_light
from gaitproof.face.scan import ScanSettings, scan_video
from gaitproof.face.segments import MIN_FRAMES
from gaitproof.face.sightings import spread_evenly
from gaitproof.face.types import Face
from gaitproof.face.verdict import FrameScore
from gaitproof.media.files import atomic_path, make_folder, write_atomically
from gaitproof.modelling.face.operating_point import (
    answer_others,
    fit_calibration,
    fit_operating_point,
)

Float64 = NDArray[np.float64]

_PROTOCOL: Final = (
    "Then threshold, band, calibration and error rates: genuine video of talking people who had no "
    "part in the training, as it came and re-encoded, and swaps made of it in three ways that no "
    "training used; error rates of people who had no say in the band (experiments/face_video)."
)

STEP: Final = 0.25
"""Seconds between the frames in which faces are cut out: those in which a scan follows them."""

CUTS: Final = 2
"""Raised when a scan passes over other frames without a new setting: 2 since blurred ones are.
Faces cut before, and their scores, are then not taken."""

_SCAN: Final = ScanSettings(every=STEP)
"""Faces cut under other settings, gates among them, are not taken either."""


@dataclass(frozen=True, eq=False)
class ScoredFilm:
    """The scores of a film's largest face.

    Parameters
    ----------
    film
        Which film.
    times
        Shape (N,), seconds, increasing.
    scores
        Shape (N,), 0 (forged) to 1 (genuine).
    sharpness, size, light, contrast, noise, detail
        Shapes (N,): of the aligned faces, see `gaitproof.face.types.FaceQuality`; size in pixels.
    flicker
        Grey levels, over the frames that a scan takes.
    """

    film: Film
    times: Float64
    scores: Float64
    sharpness: Float64
    size: Float64
    flicker: float
    light: Float64
    contrast: Float64
    noise: Float64
    detail: Float64

    @property
    def scanned(self) -> Float64:
        """Scores of the frames that a scan takes by default."""
        held = np.array(self.held[1], np.float64)
        return held[spread_evenly(len(held), FRAMES)]

    @property
    def held(self) -> tuple[list[float], list[float]]:
        """Times and scores of the frames that a scan holds to choose from: every 2nd, 4th ..."""
        stride = 1
        while len(self.scores[::stride]) > 2 * FRAMES:
            stride *= 2
        return self.times[::stride].tolist(), self.scores[::stride].tolist()


@dataclass(frozen=True, eq=False)
class FaceVideoResult:
    """What a model says of genuine videos and of swaps made of them.

    Parameters
    ----------
    before
        The model's card as it was.
    card
        With threshold, band, calibration and figures of these films.
    films
        All films in which a face could be judged.
    left_out
        Names of the others.
    wrong_answers
        Largest share of wrong answers that was aimed at.
    """

    before: FaceDetectorCard
    card: FaceDetectorCard
    films: tuple[ScoredFilm, ...]
    left_out: tuple[str, ...]
    wrong_answers: float

    def answers(self, *, before: bool) -> NDArray[np.int8]:
        """Return 1 (REAL), 0 or -1 (FAKE) of all films; by people left out unless `before`."""
        scores = to_scores(self.films, self.before if before else self.card)
        if before:
            point = self.before.operating_point
            return (scores.scores >= point.high).astype(np.int8) - (scores.scores < point.low)
        return answer_others(scores, wrong_answers=self.wrong_answers)

    def figures(self, kind: str | None, compression: str | None) -> FaceFigures:
        """Return figures of a kind of swap (None: all) at a compression (None: all)."""
        chosen = [
            one
            for one in self.films
            if compression in (None, one.film.compression)
            and (one.film.genuine or kind in (None, one.film.kind))
        ]
        return compute_figures(to_scores(chosen, self.card), self.card.operating_point.threshold)


def run(
    clips: Sequence[Clip],
    folder: Path,
    *,
    model: str | Path | None = None,
    seed: int = 0,
    wrong_answers: float = 0.05,
    share: float | None = None,
    progress: Progress = no_progress,
) -> FaceVideoResult:
    """Make the films, score them, and set what the model's card says of them.

    Parameters
    ----------
    clips
        Genuine videos.
    folder
        Films, faces and scores are kept here; an interrupted run resumes.
    model
        Name or folder of the weights; None for those of the package.
    seed
        Of the pairs.
    wrong_answers
        Largest share of wrong answers among either kind, between 0 and 0.5.
    share
        `FaceDetectorCard.run`, for the card; None for what the card says.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If there are too few people, or no face in a video.
    ModelError
        If the model judges frames together.
    """
    loaded = FaceForgeryModel.load(model)
    if loaded.card.clip is not None:
        raise ModelError("Only models of single frames are calibrated on video so far.")
    films = plan_films(clips, make_folder(folder / "films"), seed)
    faces = make_folder(folder / "faces")
    with create_detector() as detector:
        for number, clip in enumerate(clips):
            make_films(clip, films, clips, detector)
            for film in films:
                if film.clip == clip.name:
                    cut_faces(film, faces, loaded.card, detector)
            progress((number + 1) / len(clips))
    scored = score_films(films, faces, loaded)
    judged = tuple(one for one in scored if len(one.scores) >= MIN_FRAMES)
    known = {one.film.path for one in judged}
    card = loaded.card
    if share is not None:
        card = FaceDetectorCard.model_validate(card.model_dump() | {"run": share})
    return FaceVideoResult(
        loaded.card,
        calibrate_card(card, judged, wrong_answers),
        judged,
        tuple(film.path.name for film in films if film.path not in known),
        wrong_answers,
    )


class _Cutter(FaceForgeryModel):
    """Keeps the faces that it is asked to score."""

    def __init__(self, card: FaceDetectorCard) -> None:
        self.card = card
        self.taken: list[NDArray[np.uint8]] = []

    def score(self, crops: NDArray[np.uint8]) -> Float64:
        """Keep the faces."""
        self.taken.append(crops)
        return np.ones(len(crops))


class _Recorder(Closing):
    """Remembers what a detector found in the images of a film, for others like it."""

    def __init__(self, detector: FaceDetector, kept: Path) -> None:
        self._detector, self._kept = detector, kept
        self.identifier = detector.identifier
        self._known = iter(json.loads(kept.read_text("utf-8"))) if kept.is_file() else None
        self._found: list[list[dict[str, Any]]] = []

    def detect(self, image: NDArray[np.uint8], smallest: float | None = None) -> tuple[Face, ...]:
        """Find faces, or say again which were found."""
        if self._known is not None:
            # recordings of earlier versions do not say what points come from: a mesh
            return tuple(Face(**({"landmarks": "mesh"} | one)) for one in next(self._known))
        faces = self._detector.detect(image, smallest)
        self._found.append(
            [
                {
                    "box": one.box.tolist(),
                    "points": one.points.tolist(),
                    "score": one.score,
                    "landmarks": one.landmarks,
                }
                for one in faces
            ]
        )
        return faces

    def close(self) -> None:
        """Do nothing: the detector is somebody else's."""

    def keep(self) -> None:
        """Write what was found."""
        if self._known is None:
            write_atomically(self._kept, json.dumps(self._found).encode())


def cut_faces(film: Film, folder: Path, card: FaceDetectorCard, detector: FaceDetector) -> Path:
    """Cut out the largest face of a film in every `STEP` seconds; kept in a folder."""
    kept = kept_faces(film, folder, card)
    if kept.is_file():
        return kept
    cutter = _Cutter(card)
    # the same places in all films made of a video, so that they differ by the swap alone
    own = film.compression == ORIGINAL
    seen = folder / f"{film.clip}-{'original' if own else 'made'}.json"
    recorder = _Recorder(detector, seen)
    scan = scan_video(film.path, cutter, _SCAN, detector=recorder)
    recorder.keep()
    side = card.alignment.size
    crops = np.concatenate([np.zeros((0, side, side, 3), np.uint8), *cutter.taken])
    frames: tuple[FrameScore, ...] = ()
    begin = place = 0
    for face in scan.faces:
        if _extent(face.frames) > _extent(frames):
            begin, frames = place, face.frames
        place += len(face.frames)
    with atomic_path(kept) as path, path.open("wb") as file:
        np.savez(
            file,
            crops=crops[begin : begin + len(frames)],
            times=[one.time for one in frames],
            sharpness=[one.quality.blur for one in frames],
            size=[one.quality.size_px for one in frames],
        )
    return kept


def kept_faces(film: Film, folder: Path, card: FaceDetectorCard) -> Path:
    """Return the file that the faces cut out of a film are kept in."""
    how = f"{CUTS} {card.alignment.model_dump_json()} {_SCAN.model_dump_json()}"
    digest = hashlib.sha256(how.encode()).hexdigest()
    return folder / f"{film.path.stem}-{film.compression}-{digest[:16]}.npz"


def _extent(frames: Sequence[FrameScore]) -> float:
    # what the detector takes for a face beside the real one is small, or seen now and then
    return sum(frame.quality.size_px for frame in frames)


def score_films(
    films: Sequence[Film], folder: Path, model: FaceForgeryModel
) -> tuple[ScoredFilm, ...]:
    """Score the faces that were cut out of films; scores are kept per model."""
    kept = folder / f"scores-{model.card.weights_sha256[:16]}.json"
    known: dict[str, list[float]] = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    scored = []
    for film in films:
        path = kept_faces(film, folder, model.card)
        with np.load(path) as held:
            faces = {name: held[name] for name in held.files}
        if film.compression != ORIGINAL:
            faces = {name: one[faces["times"] < SECONDS] for name, one in faces.items()}
        crops, name = faces["crops"], path.stem
        if name not in known:
            known[name] = model.score(crops).tolist()
        shown = crops[spread_evenly(len(crops), FRAMES)]
        scored.append(
            ScoredFilm(
                film,
                faces["times"],
                np.array(known[name], np.float64),
                faces["sharpness"],
                faces["size"],
                compute_flicker(np.array([make_trace(one) for one in shown], np.uint8)),
                np.array([measure_light(one) for one in crops]),
                np.array([measure_contrast(one) for one in crops]),
                *np.array([measure_grain(one) for one in crops]).reshape(-1, 2).T,
            )
        )
    write_atomically(kept, json.dumps(known).encode())
    return tuple(scored)


def to_scores(films: Sequence[ScoredFilm], card: FaceDetectorCard) -> FaceScores:
    """Return the scores of films as a scan by a model with this card gives them."""
    return FaceScores(
        np.array([card.summarise(one.scanned) for one in films], np.float64),
        np.array([one.film.genuine for one in films], np.bool_),
        tuple(one.film.people for one in films),
    )


MEASURED: Final = ("light", "contrast", "sharpness", "size", "noise", "detail")
"""Of every frame of a film."""


def find_conditions(films: Sequence[ScoredFilm]) -> FaceConditions:
    """Return what the genuine videos among films look like."""
    genuine = [one for one in films if one.film.genuine]

    def spread(values: list[float]) -> tuple[float, float, float]:
        least, middle, most = np.percentile(values, (0, 50, 100)).tolist()
        return least, middle, most

    return FaceConditions(
        flicker=spread([one.flicker for one in genuine]),
        **{n: spread([float(np.median(getattr(one, n))) for one in genuine]) for n in MEASURED},
    )


def usual_drops(films: Sequence[ScoredFilm]) -> dict[str, float]:
    """Return the depth of the deepest drop in each genuine video as it came; see `find_drop`."""
    drops = {
        one.film.clip: find_drop(*one.held)
        for one in films
        if one.film.genuine and one.film.compression == ORIGINAL
    }
    return {clip: max(drop.depth, 1e-3) for clip, drop in drops.items() if drop is not None}


def calibrate_card(
    card: FaceDetectorCard, films: Sequence[ScoredFilm], wrong_answers: float
) -> FaceDetectorCard:
    """Set operating point, calibrations and figures of a card by films."""
    scores = to_scores(films, card)
    point, calibration = fit_operating_point(
        scores, people="people filmed talking and swapped", wrong_answers=wrong_answers
    )
    frames = FaceScores(
        np.concatenate([one.scores for one in films]),
        np.concatenate([np.full(len(one.scores), one.film.genuine) for one in films]),
        tuple(one.film.people for one in films for _ in one.scores),
    )
    values = compute_figures(scores, point.threshold).values
    earlier = {name: v for name, v in card.figures.items() if not name.startswith("video/")}
    return card.model_copy(
        update={
            "operating_point": point,
            "calibration": calibration,
            "frame_calibration": fit_calibration(frames),
            "conditions": find_conditions(films),
            "largest_drop": max(usual_drops(films).values(), default=None),
            "protocol": f"{card.protocol.split(_PROTOCOL)[0].strip()} {_PROTOCOL}",
            "figures": earlier
            | {f"video/{name}": round(values[name].value, 5) for name in ("auc", "eer")},
        }
    )

"""Scanning a video for manipulated faces: find, follow, align, score, decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from gaitproof.config import MediaLimits, Settings
from gaitproof.device import device_notes
from gaitproof.face.detect import (
    DetectorSettings,
    FaceDetector,
    create_detector,
    takes_simple_crops,
)
from gaitproof.face.judge import FaceImages, face_notes, judge, pace_notes
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.pace import MOST_FRAMES, Pace, set_pace
from gaitproof.face.quality import FaceGate
from gaitproof.face.sightings import FaceSightings, make_room
from gaitproof.face.speech.evidence import SpeechEvidence, examine_speech
from gaitproof.face.speech.model import TalkModel
from gaitproof.face.track import SMALLEST_SHARE, FaceTracker, TrackingSettings, follow, merge
from gaitproof.face.types import Face, FaceTrack
from gaitproof.face.upright import find_turn
from gaitproof.face.verdict import FaceDecision, FaceVerdict
from gaitproof.media.decode import read_frames
from gaitproof.media.info import VideoInfo, inspect_video

Image = NDArray[np.uint8]

MOST_SEARCHES: Final = 40
"""Searches of the whole frame for faces of every size, which cost most, in one video."""

SEARCH_STEP: Final = 2.5
"""Seconds between such searches in a short video; large faces are looked for at every step."""

NO_LANDMARKS: Final = "no landmarks were found, only a box"
"""Why a model that learnt from aligned faces alone is given no simple crop."""

MIN_SIGHTINGS: Final = 2
"""Steps at which a face must be found; detectors see things once that are no faces."""


class ScanSettings(Settings):
    """How a video is scanned."""

    frames: int | None = Field(default=None, ge=3, le=MOST_FRAMES)
    """Frames of each face that are scored, evenly spaced over its time in the video, 10 by
    default; see `gaitproof.face.pace.set_pace` for models that judge frames together."""
    every: float | None = Field(default=None, ge=0)
    """Instead of `frames`: at most one scored frame of each face in this many seconds of the
    video; 0 for every frame. Not for models that judge frames together."""
    held_mib: float = Field(default=96.0, gt=0)
    """Memory for crops that wait to be scored or shown. It changes no answer, but that models which
    judge frames spread over a face's whole time get fewer of each where there are many faces."""
    step: float = Field(default=0.25, gt=0)
    """Seconds between the frames in which faces are followed."""
    sound: bool = False
    """Whether the sound is compared with the lips of the largest face; it decides nothing."""
    detector: DetectorSettings = DetectorSettings()
    tracking: TrackingSettings = TrackingSettings()
    gate: FaceGate = FaceGate()

    @model_validator(mode="after")
    def _check_step(self) -> Self:
        if self.step >= self.tracking.max_gap:
            raise ValueError("the step must be shorter than the longest gap of a track")
        return self


@dataclass(frozen=True)
class FaceScan:
    """What a scan found.

    Parameters
    ----------
    video
        The file and what is known of it.
    faces
        One verdict per face, in order of appearance.
    model_id
        Whose scores they are.
    detector
        Identifier of the face detector.
    limits
        How far the model can be trusted.
    turned
        Degrees counterclockwise by which the frames were turned; boxes are those of the turned
        frame.
    notes
        What lowers confidence.
    seconds
        How long the scan took.
    images
        Of each face, some evenly spaced ones and the most suspicious; not part of the JSON.
    references
        Scores of genuine videos of the person with the largest face.
    speech
        Whether the sound goes with the lips of the largest face; None if it was not asked.

    Examples
    --------
    >>> import gaitproof as gp
    >>> scan = gp.scan_faces("new.mp4")  # doctest: +SKIP
    >>> isinstance(scan, gp.FaceScan) and scan.to_dict()["decision"]  # doctest: +SKIP
    'REAL'
    """

    video: VideoInfo
    faces: tuple[FaceVerdict, ...]
    model_id: str
    detector: str
    limits: str
    turned: int = 0
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    images: tuple[FaceImages, ...] = field(default=(), repr=False)
    references: tuple[float, ...] = ()
    speech: SpeechEvidence | None = None

    @property
    def decision(self) -> FaceDecision:
        """FAKE if a face is; else INCONCLUSIVE if a face is; REAL if all are; NO FACE without."""
        given = {face.decision for face in self.faces}
        for answer in (FaceDecision.FAKE, FaceDecision.INCONCLUSIVE, FaceDecision.REAL):
            if answer in given:
                return answer
        return FaceDecision.NO_FACE

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as plain values for JSON."""
        return {
            "decision": self.decision.value,
            "video": str(self.video.path),
            "sha256": self.video.sha256,
            "duration": self.video.duration,
            "model": self.model_id,
            "detector": self.detector,
            "limits": self.limits,
            "turned": self.turned,
            "faces": [face.to_dict() for face in self.faces],
            "references": list(self.references),
            "speech": None if self.speech is None else self.speech.to_dict(),
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def scan_video(
    path: str | Path,
    model: FaceForgeryModel,
    settings: ScanSettings | None = None,
    *,
    detector: FaceDetector | None = None,
    limits: MediaLimits | None = None,
    progress: Callable[[float], None] | None = None,
    references: Sequence[float] = (),
    talk_model: TalkModel | None = None,
) -> FaceScan:
    """Find the faces of a video and say of each whether it is manipulated.

    Parameters
    ----------
    path
        The video.
    model
        Scores aligned faces.
    settings
        The defaults if None.
    detector
        Finds faces; the one of the settings if None, and then closed at the end.
    limits
        Bounds on the video.
    progress
        Takes the share that is done, 0 to 1.
    references
        Scores of genuine videos of the person with the largest face, see
        `gaitproof.face.relative.score_references`.
    talk_model
        Compares lips and sound as well, where the settings ask for `sound`.

    Raises
    ------
    MediaError
        If the video cannot be read.
    ConfigError
        If `every` is set for a model that judges frames together.
    DependencyError, ModelError
        If the detector cannot be made, or the model cannot be run.
    """
    began = perf_counter()
    settings = settings or ScanSettings()
    video = inspect_video(path, limits)
    pace = set_pace(model.card.clip, video.duration, frames=settings.frames, every=settings.every)
    if detector is None:
        with create_detector(settings.detector) as own_detector:
            return scan_video(
                path,
                model,
                settings,
                detector=own_detector,
                limits=limits,
                progress=progress,
                references=references,
                talk_model=talk_model,
            )
    finder = _Finder(detector, settings, model, video, pace)
    for frame in read_frames(path, limits):
        finder.take(frame.index, frame.time, frame.image)
        if progress is not None:
            progress(min(1.0, frame.time / video.duration))
    tracks = finder.tracker.tracks()
    largest = _largest(tracks)
    judged, thinned = _judge_all(finder, tracks, model, pace, largest, references)
    verdicts = [verdict for verdict, _ in judged]
    turn = (finder.turn or 0) if verdicts else 0
    speech = None
    if settings.sound and verdicts and largest is not None:
        speech = examine_speech(
            path, tracks[largest], detector, turn=turn, limits=limits, model=talk_model
        )
    return FaceScan(
        video,
        tuple(verdicts),
        model.card.model_id,
        detector.identifier,
        model.card.limits,
        90 * turn,
        (
            *face_notes(verdicts, detector.identifier, model, turn, references),
            *pace_notes(pace, thinned),
            *device_notes(),
        ),
        perf_counter() - began,
        tuple(images for _, images in judged),
        tuple(references),
        speech,
    )


def _judge_all(
    finder: _Finder,
    tracks: Mapping[int, FaceTrack],
    model: FaceForgeryModel,
    pace: Pace,
    largest: int | None,
    references: Sequence[float],
) -> tuple[list[tuple[FaceVerdict, FaceImages]], list[tuple[int, int]]]:
    """Return every face's verdict, and those of whose frames only one in so many was scored."""
    judged: list[tuple[FaceVerdict, FaceImages]] = []
    thinned: list[tuple[int, int]] = []
    for number, track in tracks.items():
        if len(track) < min(MIN_SIGHTINGS, finder.steps):
            continue
        kept = finder.kept[number]
        own = references if number == largest else ()
        judged.append(judge(len(judged) + 1, track, kept, model, pace, own))
        if pace.every is not None and kept.stride > 1:
            thinned.append((len(judged), kept.stride))
    return judged, thinned


def _largest(tracks: Mapping[int, FaceTrack]) -> int | None:
    """Return the number of the face that fills most of the video; None without one."""
    sizes = {number: sum(face.size for face in track.faces) for number, track in tracks.items()}
    return max(sizes, key=lambda number: sizes[number], default=None)


class _Finder:
    """Takes the frames of a video one after another and keeps the faces."""

    def __init__(
        self,
        detector: FaceDetector,
        settings: ScanSettings,
        model: FaceForgeryModel,
        video: VideoInfo,
        pace: Pace,
    ) -> None:
        self._detector = detector
        self._settings = settings
        self._model = model
        self._alignment = model.card.alignment
        self.tracker = FaceTracker(settings.tracking)
        self.kept: dict[int, FaceSightings] = {}
        self._pace = pace
        self._step = pace.step(settings.step)
        self._room = max(2, int(settings.held_mib * 2**20 / (3 * self._alignment.size**2)))
        self._held = 0
        self._search_step = max(SEARCH_STEP, video.duration / MOST_SEARCHES)
        self._next = self._next_search = -math.inf
        self.turn: int | None = None
        self.steps = 0

    def take(self, index: int, time: float, image: Image) -> None:
        """Look for faces, if it is time to."""
        if time < self._next:
            return
        self._next = time + self._step * (1 - 1e-6)
        self.steps += 1
        if time >= self._next_search and not self.tracker.current():
            self.turn = None  # with nobody in the frame, a wrong guess must not last
        if self.turn:
            image = np.ascontiguousarray(np.rot90(image, self.turn))
        coarse = SMALLEST_SHARE * max(image.shape[:2])
        if time >= self._next_search:
            self._next_search = time + self._search_step
            faces = self._detector.detect(image)
            if self.turn is None:
                self.turn = find_turn(image, faces, self._detector)
                if self.turn:
                    image = np.ascontiguousarray(np.rot90(image, self.turn))
                    faces = self._detector.detect(image)
        else:
            known = follow(image, self.tracker.current(), self._detector)
            faces = tuple(merge((*known, *self._detector.detect(image, coarse))))
        # nothing needs the meshes of the past, and they are most of a face
        plain = [replace(face, mesh=None) for face in faces]
        for number, face in zip(self.tracker.add(index, time, plain), faces, strict=True):
            self._keep(number, index, time, face, image)

    def _keep(self, number: int, index: int, time: float, face: Face, image: Image) -> None:
        kept = self.kept.setdefault(number, FaceSightings(self._pace.most))
        cell = self._pace.cell(time)
        if cell >= 0 and kept.first_cell < 0:
            kept.first_cell = cell
        if 0 <= cell == kept.cell or self._pace.is_pause(cell - kept.first_cell):
            return
        if face.landmarks == "box" and not takes_simple_crops(self._model.card.detector):
            kept.pass_over(time, NO_LANDMARKS)
            return
        if not kept.take(index, time, face, image, self._settings.gate, self._alignment):
            return
        kept.cell = cell
        self._held += 1
        if self._held >= self._room:
            self._held = make_room(list(self.kept.values()), self._model, self._room // 2)

"""Scanning a video for manipulated faces: find, follow, align, score, decide."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from gaitproof.config import MediaLimits, Settings
from gaitproof.face.align import align
from gaitproof.face.detect import (
    MESH_SIZE,
    SMALLEST_SHARE,
    DetectorSettings,
    FaceDetector,
    create_detector,
    cut,
    merge,
)
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.quality import FaceGate, assess, plain_reason
from gaitproof.face.track import NEIGHBOURHOOD, FaceTracker, TrackingSettings, follow
from gaitproof.face.types import Face, FaceQuality, FaceTrack
from gaitproof.face.verdict import (
    FaceDecision,
    FaceVerdict,
    FrameScore,
    calibrated,
    compute_consistency,
    decide,
    in_words,
)
from gaitproof.media.decode import read_frames
from gaitproof.media.probe import VideoInfo, probe

Image = NDArray[np.uint8]

MOST_SEARCHES: Final = 40
"""Searches of the whole picture for faces of every size, which cost most, in one video."""

SEARCH_STEP: Final = 2.5
"""Seconds between such searches in a short video; large faces are looked for at every step."""

TURN_MARGIN: Final = 0.1
"""How much surer the detector must be of a turned picture before the video counts as turned: it
finds faces at any angle, but upside down it puts the mouth where the eyes are."""

CERTAIN: Final = 0.8
"""Score of a face in a turned picture that alone makes the video count as turned."""

MIN_SIGHTINGS: Final = 2
"""Steps at which a face must be found; detectors see things once that are no faces."""

MOST_FRAMES: Final = 1000
"""Pictures of one face that can be scored: bounds the memory."""


class ScanSettings(Settings):
    """How a video is scanned."""

    frames: int = Field(default=10, ge=3, le=MOST_FRAMES)
    """Pictures of each face that are scored, evenly spaced over its time in the video."""
    every: float | None = Field(default=None, gt=0)
    """Seconds between scored pictures, instead of `frames`."""
    step: float = Field(default=0.25, gt=0)
    """Seconds between the pictures in which faces are followed."""
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
        Degrees counterclockwise by which the pictures were turned; boxes are those of the turned
        picture.
    notes
        What lowers confidence.
    seconds
        How long the scan took.
    crops
        The scored faces, (N, S, S, 3) each, for pictures; not part of the JSON.
    """

    video: VideoInfo
    faces: tuple[FaceVerdict, ...]
    model_id: str
    detector: str
    limits: str
    turned: int = 0
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    crops: tuple[Image, ...] = field(default=(), repr=False)

    @property
    def decision(self) -> FaceDecision:
        """FAKE if a face is; else INCONCLUSIVE if a face is; REAL if all are; NO FACE without."""
        given = {face.decision for face in self.faces}
        for answer in (FaceDecision.FAKE, FaceDecision.INCONCLUSIVE, FaceDecision.REAL):
            if answer in given:
                return answer
        return FaceDecision.NO_FACE

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the crops as plain values for JSON."""
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
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


@dataclass
class _Kept:
    """Usable pictures of one face: all at first, then every second, fourth ... to bound them."""

    most: int
    stride: int = 1
    seen: int = 0
    entries: list[tuple[int, float, Face, FaceQuality, Image]] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)

    def add(self, frame: int, time: float, face: Face, quality: FaceQuality, crop: Image) -> None:
        if self.seen % self.stride == 0:
            self.entries.append((frame, time, face, quality, crop))
            if len(self.entries) > self.most:
                self.entries, self.stride = self.entries[::2], 2 * self.stride
        self.seen += 1

    def spread(self, count: int) -> list[tuple[int, float, Face, FaceQuality, Image]]:
        """Return at most `count` evenly spaced entries."""
        if len(self.entries) <= count:
            return self.entries
        places = np.linspace(0, len(self.entries) - 1, count).round().astype(int)
        return [self.entries[place] for place in places]


def scan_video(
    path: str | Path,
    model: FaceForgeryModel,
    settings: ScanSettings | None = None,
    *,
    detector: FaceDetector | None = None,
    limits: MediaLimits | None = None,
    progress: Callable[[float], None] | None = None,
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

    Raises
    ------
    MediaError
        If the video cannot be read.
    DependencyError, ModelError
        If the detector cannot be made, or the model cannot be run.
    """
    began = perf_counter()
    settings = settings or ScanSettings()
    video = probe(path, limits)
    if detector is None:
        with create_detector(settings.detector) as made:
            return scan_video(
                path, model, settings, detector=made, limits=limits, progress=progress
            )
    finder = _Finder(detector, settings, model, video)
    for frame in read_frames(path, limits):
        finder.take(frame.index, frame.time, frame.image)
        if progress is not None:
            progress(min(1.0, frame.time / video.duration))
    tracks = finder.tracker.tracks()
    verdicts: list[FaceVerdict] = []
    crops: list[Image] = []
    for number, track in tracks.items():
        if len(track) < min(MIN_SIGHTINGS, finder.steps):
            continue
        verdict, scored = _judge(len(verdicts) + 1, track, finder.kept[number], model, finder.count)
        verdicts.append(verdict)
        crops.append(scored)
    turn = (finder.turn or 0) if verdicts else 0
    return FaceScan(
        video,
        tuple(verdicts),
        model.card.model_id,
        detector.identifier,
        model.card.limits,
        90 * turn,
        tuple(_notes(verdicts, detector.identifier, model, turn)),
        perf_counter() - began,
        tuple(crops),
    )


class _Finder:
    """Takes the pictures of a video one after another and keeps the faces."""

    def __init__(
        self,
        detector: FaceDetector,
        settings: ScanSettings,
        model: FaceForgeryModel,
        video: VideoInfo,
    ) -> None:
        self._detector = detector
        self._settings = settings
        self._alignment = model.card.alignment
        self.tracker = FaceTracker(settings.tracking)
        self.kept: dict[int, _Kept] = {}
        self.count = settings.frames
        self._step = settings.step
        if settings.every is not None:
            self.count = min(MOST_FRAMES, math.ceil(video.duration / settings.every))
            self._step = min(self._step, settings.every)
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
            self.turn = None  # with nobody in the picture, a wrong guess must not last
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
        size = (image.shape[1], image.shape[0])
        for number, face in zip(self.tracker.add(index, time, faces), faces, strict=True):
            kept = self.kept.setdefault(number, _Kept(2 * self.count))
            crop = align(image, face.points, self._alignment)
            quality = assess(face, crop, size, self._settings.gate)
            if quality.usable:
                kept.add(index, time, face, quality, crop)
            else:
                kept.unusable.update((plain_reason(quality.reasons[0]),))


def find_turn(image: Image, faces: tuple[Face, ...], detector: FaceDetector) -> int | None:
    """Return by how many quarter turns counterclockwise the surest large face stands upright.

    Returns
    -------
    int or None
        0 to 3; None if no face is large and sure enough to tell.
    """
    large = [face for face in faces if face.size >= MESH_SIZE]
    if large:
        face = max(large, key=lambda one: one.score)
        side = round(NEIGHBOURHOOD * face.size)
        x0, y0 = (round(float(c) - side / 2) for c in face.centre)
        seen, smallest = cut(image, x0, y0, side), face.size / 2
    elif not faces:
        seen, smallest = image, SMALLEST_SHARE * max(image.shape[:2])
    else:
        return None
    sureness = [
        _surest(np.ascontiguousarray(np.rot90(seen, k)), smallest, detector) for k in range(4)
    ]
    best = int(np.argmax(sureness))
    if sureness[best] <= sureness[0] + TURN_MARGIN:
        return 0 if large else None
    # where upright nothing at all was found, a guess would turn what is no face
    return best if large or sureness[best] >= CERTAIN else None


def _surest(image: Image, smallest: float, detector: FaceDetector) -> float:
    found = (one for one in detector.detect(image, smallest) if one.size >= MESH_SIZE)
    return max((one.score for one in found), default=0.0)


def _judge(
    number: int, track: FaceTrack, kept: _Kept, model: FaceForgeryModel, count: int
) -> tuple[FaceVerdict, Image]:
    card = model.card
    chosen = kept.spread(count)
    side = card.alignment.size
    crops = (
        np.stack([crop for *_, crop in chosen])
        if chosen
        else np.zeros((0, side, side, 3), np.uint8)
    )
    scores = model.score(crops)
    frames = []
    for (index, time, face, quality, _), value in zip(chosen, scores, strict=True):
        evidence = calibrated(float(value), card.frame_calibration)
        x0, y0, x1, y1 = (float(v) for v in face.box)
        frames.append(
            FrameScore(
                index, time, float(value), evidence, in_words(evidence), (x0, y0, x1, y1), quality
            )
        )
    decision, reason = decide(scores, card, kept.unusable)
    score = float(scores.mean()) if len(scores) else None
    whole = None if score is None else calibrated(score, card.calibration)
    point = card.operating_point
    verdict = FaceVerdict(
        number=number,
        decision=decision,
        reason=reason,
        score=score,
        log10_lr=whole,
        confidence="not scored" if score is None else in_words(whole),
        threshold=point.threshold,
        false_real=point.false_real,
        false_fake=point.false_fake,
        first=track.times[0],
        last=track.times[-1],
        seen=len(track),
        frames=tuple(frames),
        consistency=compute_consistency(scores, crops, point.threshold) if len(scores) else None,
        unusable=dict(kept.unusable.most_common()),
    )
    return verdict, crops


def _notes(
    verdicts: list[FaceVerdict], detector: str, model: FaceForgeryModel, turn: int
) -> list[str]:
    notes = []
    if turn:
        notes.append(
            f"the pictures were turned by {90 * turn} degrees, so that faces stand upright"
        )
    if verdicts and detector.split(" ")[0] != model.card.detector.split(" ")[0]:
        notes.append(
            f"faces were found by {detector}, but the model was trained on those of "
            f"{model.card.detector}"
        )
    for verdict in verdicts:
        steady = verdict.consistency
        if steady is not None and steady.agreeing < 0.7 and len(verdict.frames) > 3:
            notes.append(
                f"the pictures of face {verdict.number} disagree: {steady.longest_fake} in a row "
                f"look manipulated, {steady.longest_real} in a row genuine"
            )
    return notes

"""The page of a scan for manipulated faces; matplotlib is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import numpy as np

from gaitproof.face.card import FaceOperatingPoint, FaceRelation
from gaitproof.face.model import FaceDetectorCard
from gaitproof.face.scan import FaceScan
from gaitproof.face.speech.evidence import LIMITS
from gaitproof.face.speech.offset import TOLERANCE
from gaitproof.face.verdict import (
    FaceDecision,
    FaceVerdict,
    FrameScore,
    band,
    calibrated,
    to_probability,
)
from gaitproof.report.face.evidence import ShownFace
from gaitproof.report.face.strip import draw_strip
from gaitproof.report.images import make_image
from gaitproof.report.page import PageImage
from gaitproof.text import printable

SYMBOLS: Final = {
    FaceDecision.REAL: "✓",
    FaceDecision.FAKE: "✗",
    FaceDecision.INCONCLUSIVE: "?",
    FaceDecision.NO_FACE: "–",
}
"""One sign per answer, told apart without colour."""

HEADLINES: Final = {
    FaceDecision.REAL: "REAL — no sign of manipulation in any face",
    FaceDecision.FAKE: "FAKE — a face looks manipulated",
    FaceDecision.INCONCLUSIVE: "INCONCLUSIVE — not every face can be decided",
    FaceDecision.NO_FACE: "NO FACE — nothing to judge; this says nothing about the video",
}

MOST_ROWS: Final = 200
"""Scored frames of one face that its table lists; all are in the JSON."""

_QUALITY: Final = 85

_STRIP_WIDTH: Final = 960


class FaceAlone(NamedTuple):
    """What a face is by itself: P(manipulated), and log10 likelihood ratio if calibrated."""

    probability: float
    log10_lr: float | None


@dataclass(frozen=True)
class FaceCard:
    """One face on the page.

    Parameters
    ----------
    verdict
        The answer.
    images
        The shown images with their captions.
    explained
        Whether below each frame stands what speaks for manipulation.
    rows
        The scored frames that the table lists.
    strip
        What each frame counted in its segment; None if they were judged one by one.
    """

    verdict: FaceVerdict
    images: tuple[PageImage, ...]
    explained: bool
    rows: tuple[FrameScore, ...]
    strip: PageImage | None = None

    @property
    def symbol(self) -> str:
        """Sign of the answer."""
        return SYMBOLS[self.verdict.decision]

    def counted_most(self, segment: int) -> FrameScore:
        """Return the frame that counted most in a segment, which is counted from 1."""
        of_segment = [frame for frame in self.verdict.frames if frame.turn == segment]
        return max(of_segment, key=lambda frame: frame.weight or 0.0)

    @property
    def unit(self) -> str:
        """What a score is of: a frame, or a segment of frames judged together."""
        return "segment" if self.verdict.turns else "frame"

    @property
    def unusable(self) -> int:
        """Frames in which the face was found and could not be judged."""
        return sum(self.verdict.unusable.values())

    @property
    def quality(self) -> tuple[float, float, float, float] | None:
        """Median size, sharpness, and turn of the head either way; None without a frame."""
        if not self.verdict.frames:
            return None
        table = [
            (f.quality.size_px, f.quality.blur, abs(f.quality.yaw), abs(f.quality.pitch))
            for f in self.verdict.frames
        ]
        size, blur, yaw, pitch = (float(v) for v in np.median(table, axis=0))
        return size, blur, yaw, pitch


@dataclass(frozen=True)
class ScanStory:
    """Everything the page tells.

    Parameters
    ----------
    scan
        The scan.
    card
        Of the model.
    faces
        In order of appearance.
    plots
        Plots of the numbers.
    links
        Files beside the page.
    software
        Name and version.
    """

    scan: FaceScan
    card: FaceDetectorCard
    faces: tuple[FaceCard, ...]
    plots: tuple[PageImage, ...]
    links: tuple[str, ...]
    software: str

    @property
    def symbol(self) -> str:
        """Sign of the video's answer."""
        return SYMBOLS[self.scan.decision]

    @property
    def headline(self) -> str:
        """The video's answer in a few words."""
        return HEADLINES[self.scan.decision]

    @property
    def file(self) -> str:
        """Name of the video, made safe to show."""
        return printable(self.scan.video.path.name)

    @property
    def explained(self) -> bool:
        """Whether the model says where it sees manipulation."""
        return any(face.explained for face in self.faces)

    @property
    def in_turns(self) -> bool:
        """Whether the model judges several frames together."""
        return self.card.clip is not None

    @property
    def band(self) -> tuple[float, float]:
        """P(manipulated) above which a face is FAKE by itself, and up to which it is REAL."""
        return band(self.card)

    def alone(self, verdict: FaceVerdict) -> FaceAlone:
        """Return what a scored face is without genuine video of its person."""
        score = verdict.score
        assert score is not None
        return FaceAlone(self.probability(score), calibrated(score, self.card.calibration))

    @property
    def related(self) -> bool:
        """Whether a face was also taken relative to genuine video of its person."""
        return any(face.verdict.relative is not None for face in self.faces)

    @property
    def rates(self) -> FaceOperatingPoint | FaceRelation:
        """Where the error rates stand that hold for the answers."""
        related = self.card.relation if self.related else None
        return related or self.card.operating_point

    def probability(self, score: float) -> float:
        """Return P(manipulated) of a whole face's score."""
        return to_probability(score, calibrated(score, self.card.calibration))

    def members(self, verdict: FaceVerdict) -> list[tuple[str, float]]:
        """Return name and score of every member of an ensemble."""
        return list(zip(self.card.members, verdict.members, strict=True))

    sound_limits: ClassVar[str] = LIMITS
    tolerance: ClassVar[float] = TOLERANCE

    @property
    def any_false_alarm(self) -> float:
        """Probability that one of so many genuine faces is called FAKE, were they apart."""
        rate = self.rates.false_fake.value
        return float(1 - (1 - rate) ** len(self.faces))


def make_card(one: ShownFace, threshold: float) -> FaceCard:
    """Return what the page shows of a face; `threshold` is the model's."""
    frames = one.verdict.frames
    step = max(1, -(-len(frames) // MOST_ROWS))
    return FaceCard(
        one.verdict,
        tuple(_image(one, place) for place in range(len(one.frames))),
        one.heat is not None,
        frames[::step],
        _strip(one, threshold),
    )


def _image(one: ShownFace, place: int) -> PageImage:
    frame = one.frames[place]
    tiles = [one.crops[place]] + ([] if one.heat is None else [one.heat[place]])
    image = np.concatenate(tiles, axis=0)
    words = f", {frame.confidence}" if frame.log10_lr is not None and not frame.turn else ""
    score = f"{describe_score(frame)}{words}"
    beside = "" if one.heat is None else "; below it, where the model sees manipulation"
    return make_image(
        image,
        f"Face {one.verdict.number}, {frame.time:.2f} s into the video{beside}",
        f"{frame.time:.2f} s: {score}",
        _QUALITY,
    )


def describe_score(frame: FrameScore) -> str:
    """Say a frame's score, or that of its segment and what the frame counted in it."""
    if frame.weight is None:
        return f"P(manipulated) {frame.probability_fake:.2f}"
    return (
        f"segment {frame.turn}, counted {100 * frame.weight:.0f} %; "
        f"P(manipulated) {frame.probability_fake:.2f}"
    )


def _strip(one: ShownFace, threshold: float) -> PageImage | None:
    """Return what each frame counted as an image; None if they were judged one by one."""
    frames = one.verdict.frames
    if not one.verdict.turns:
        return None
    image = draw_strip(frames, _STRIP_WIDTH, threshold)
    most = max(frames, key=lambda frame: frame.weight or 0.0)
    return make_image(
        image,
        f"What each of {len(frames)} frames counted in its segment; most: {most.time:.2f} s",
        quality=_QUALITY,
    )

"""What the scores of one face's frames say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from gaitproof.face.card import FaceCalibration, FaceDetectorCard, FaceRelation
from gaitproof.face.consistency import Consistency, FaceDrop
from gaitproof.face.segments import MIN_FRAMES, least_frames
from gaitproof.face.types import FaceQuality
from gaitproof.types import ErrorRate
from gaitproof.types.support import NO_SUPPORT
from gaitproof.types.support import in_words as support_in_words


class FaceDecision(StrEnum):
    """The answers for a face, and for a video."""

    REAL = "REAL"
    FAKE = "FAKE"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_FACE = "NO FACE"

    @property
    def exit_status(self) -> int:
        """Process exit status of the command line (2 is kept for errors)."""
        return {"REAL": 0, "FAKE": 1, "INCONCLUSIVE": 3, "NO FACE": 4}[self.value]


@dataclass(frozen=True)
class FrameScore:
    """One judged frame of a face.

    Parameters
    ----------
    frame
        Number of the frame, counted from 0.
    time
        Seconds.
    score
        0 (manipulated) to 1 (genuine); of a frame that was judged with others, that of its segment.
    log10_lr
        Calibrated and bounded; positive speaks for a genuine face. None without a calibration.
    confidence
        The same in words.
    box
        x0, y0, x1, y1 in pixels.
    quality
        How good the frame of the face is.
    turn
        Which of the verdict's segments it was judged in, counted from 1; 0 if on its own.
    weight
        What it counted in its segment, 0 to 1; None if it was judged on its own.
    """

    frame: int
    time: float
    score: float
    log10_lr: float | None
    confidence: str
    box: tuple[float, float, float, float]
    quality: FaceQuality
    turn: int = 0
    weight: float | None = None

    @property
    def probability_fake(self) -> float:
        """See `to_probability`."""
        return to_probability(self.score, self.log10_lr)


@dataclass(frozen=True)
class FaceSegment:
    """Frames of a face that a temporal network judged together.

    Parameters
    ----------
    first, last
        Seconds of the first and the last frame.
    pictures
        How many.
    score
        0 (manipulated) to 1 (genuine).
    members
        Scores of the networks of an ensemble, in the order of its card; empty for one network.
    log10_lr
        Calibrated and bounded; positive speaks for a genuine face. None without a calibration.
    """

    first: float
    last: float
    pictures: int
    score: float
    members: tuple[float, ...] = ()
    log10_lr: float | None = None

    @property
    def probability_fake(self) -> float:
        """See `to_probability`."""
        return to_probability(self.score, self.log10_lr)


@dataclass(frozen=True)
class RelativeEvidence:
    """A face relative to genuine video of its person; it counts towards manipulation only.

    Parameters
    ----------
    references
        Genuine videos.
    score
        0 (manipulated) to 1 (genuine), as if the person's genuine video scored as most does.
    log10_lr
        Calibrated and bounded; positive speaks for a genuine face. None without a calibration.
    fake_below
        Score below which the face is FAKE.
    fake_above
        The same as P(manipulated).
    """

    references: int
    score: float
    log10_lr: float | None
    fake_below: float
    fake_above: float

    @property
    def probability_fake(self) -> float:
        """See `to_probability`."""
        return to_probability(self.score, self.log10_lr)

    @property
    def fake(self) -> bool:
        """Whether the face is FAKE relative to genuine video of its person."""
        return self.score < self.fake_below

    @property
    def doubtful(self) -> bool:
        """Whether it looks less genuine than that video, though not by enough to be FAKE."""
        return side_of(self.score, self.log10_lr, self.fake_below) < 0


@dataclass(frozen=True)
class FaceVerdict:
    """The answer for one face of a video.

    Parameters
    ----------
    number
        Counted from 1 in order of appearance.
    decision
        REAL, FAKE or INCONCLUSIVE.
    reason
        Why it is INCONCLUSIVE; empty otherwise.
    score
        What the model's card makes of the scores of frames, or of segments, 0 (manipulated) to 1
        (genuine); None if none was scored.
    log10_lr
        Of the whole face, calibrated and bounded; None without score or calibration. Of a face that
        is also taken relative to genuine video, the lower of both.
    confidence
        The same in words.
    threshold
        Of the score.
    false_real, false_fake
        Error rates on held-out people: manipulated faces answered REAL, genuine ones FAKE.
    first, last
        Seconds at which the face was first and last seen.
    seen
        Frames in which the face was found.
    frames
        The scored ones.
    consistency
        How much they agree; None if none was scored.
    unusable
        Reasons why other frames were not scored, with their number.
    unusable_spans
        First and last second of each stretch of such frames.
    turns
        In which the frames were judged together; empty if they were judged one by one.
    relative
        What the face is relative to genuine video of the same person; None without.
    drop
        A part of the video in which the face looks less genuine than in the rest, by more than in
        any genuine video that the model was evaluated on.
    """

    number: int
    decision: FaceDecision
    reason: str
    score: float | None
    log10_lr: float | None
    confidence: str
    threshold: float
    false_real: ErrorRate
    false_fake: ErrorRate
    first: float
    last: float
    seen: int
    frames: tuple[FrameScore, ...]
    consistency: Consistency | None
    unusable: dict[str, int]
    unusable_spans: tuple[tuple[float, float], ...] = ()
    turns: tuple[FaceSegment, ...] = ()
    relative: RelativeEvidence | None = None
    drop: FaceDrop | None = None

    @property
    def members(self) -> tuple[float, ...]:
        """Mean score of each member of an ensemble; empty for one network."""
        return tuple(
            float(np.mean(scores)) for scores in zip(*(t.members for t in self.turns), strict=True)
        )

    @property
    def probability_fake(self) -> float | None:
        """See `to_probability`; None if nothing was scored."""
        return None if self.score is None else to_probability(self.score, self.log10_lr)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        fields = asdict(self)
        fields["decision"] = self.decision.value
        fields["probability_fake"] = self.probability_fake
        if self.relative is not None:
            fields["relative"]["probability_fake"] = self.relative.probability_fake
        fields["drop"] = None if self.drop is None else self.drop._asdict()
        if self.consistency is not None:
            fields["consistency"]["agreeing"] = self.consistency.agreeing
            fields["consistency"]["majority"] = self.consistency.majority
        parts: tuple[FrameScore | FaceSegment, ...] = (*self.frames, *self.turns)
        for entry, part in zip((*fields["frames"], *fields["turns"]), parts, strict=True):
            entry["probability_fake"] = part.probability_fake
        fields["members"] = list(self.members)
        return fields


def in_words(log10_lr: float | None) -> str:
    """Say a log10 likelihood ratio in words; positive speaks for a genuine face."""
    if log10_lr is None:
        return "not calibrated"
    return support_in_words(log10_lr, "for a genuine face", "for a manipulated face")


def to_probability(score: float, log10_lr: float | None) -> float:
    """Return P(manipulated), 0 to 1, of what was as likely manipulated as genuine before.

    It follows from the likelihood ratio, so that both say the same, and is bounded with it. Without
    a calibration it is 1 - score: what the network says, and no probability.
    """
    return 1 - score if log10_lr is None else 1 / (1 + 10**log10_lr)


def side_of(score: float, log10_lr: float | None, threshold: float) -> int:
    """Return 1 if a score supports a genuine face, -1 a manipulated one, 0 neither.

    Without a calibration it is the side of the threshold.
    """
    if log10_lr is None:
        return 1 if score >= threshold else -1
    return 0 if abs(log10_lr) <= NO_SUPPORT else 1 if log10_lr > 0 else -1


def calibrated(score: float, calibration: FaceCalibration | None) -> float | None:
    """Return the log10 likelihood ratio of a score, or None without a calibration."""
    return None if calibration is None else calibration.log10_lr(score)


def relate(score: float, relation: FaceRelation, references: Sequence[float]) -> RelativeEvidence:
    """Take the score of a whole face relative to those of genuine video of its person."""
    relative = relation.adjust(score, references)
    limit = relation.fake_below
    return RelativeEvidence(
        len(references),
        relative,
        calibrated(relative, relation.calibration),
        limit,
        to_probability(limit, calibrated(limit, relation.calibration)),
    )


def lower_lr(alone: float | None, relative: RelativeEvidence | None) -> float | None:
    """Return the log10 likelihood ratio of a face: the one that speaks more for manipulation."""
    if alone is None or relative is None or relative.log10_lr is None:
        return alone
    return min(alone, relative.log10_lr)


def describe_drop(drop: FaceDrop) -> str:
    """Say in which seconds a face looks less genuine than in the rest of a video."""
    return (
        f"from {drop.first:.1f} to {drop.last:.1f} s the face looks less genuine than in the rest "
        "of the video, by more than in any genuine video evaluated; a part may be manipulated"
    )


def decide(
    score: float | None,
    card: FaceDetectorCard,
    unusable: Counter[str],
    usable: int,
    relative: RelativeEvidence | None = None,
    beyond: str = "",
    drop: FaceDrop | None = None,
    flattering: str = "",
    incriminating: str = "",
) -> tuple[FaceDecision, str]:
    """Return the answer for one face and, if it is INCONCLUSIVE, why.

    Parameters
    ----------
    score
        Of the whole face, see `FaceDetectorCard.summarise`; None without one.
    card
        Of the model.
    unusable
        Reasons why other frames were not judged, with their number.
    usable
        How many the score rests on.
    relative
        The face relative to genuine video of its person.
    beyond
        In which way the face is unlike all that the model was evaluated on.
    drop
        A part in which it looks less genuine than is usual in genuine video.
    flattering, incriminating
        What may make a forged face look genuine, or a genuine one forged.
    """
    needed = MIN_FRAMES if card.clip is None else least_frames(card.clip.frames)
    if usable < needed or score is None:
        why = f"; {unusable.most_common(1)[0][0]}" if unusable else ""
        few = "no frame" if not usable else f"only {usable}"
        row = "" if card.clip is None else " in a row"
        return (
            FaceDecision.INCONCLUSIVE,
            f"{few} of the face can be judged, and {needed}{row} are needed{why}",
        )
    if beyond:
        return FaceDecision.INCONCLUSIVE, beyond
    point = card.operating_point
    if score < point.low or (relative is not None and relative.fake):
        return (
            (FaceDecision.INCONCLUSIVE, incriminating) if incriminating else (FaceDecision.FAKE, "")
        )
    if score >= point.high and flattering:
        return FaceDecision.INCONCLUSIVE, flattering
    if score >= point.high and drop is not None:
        return FaceDecision.INCONCLUSIVE, describe_drop(drop)
    if score >= point.high and relative is not None and relative.doubtful:
        return (
            FaceDecision.INCONCLUSIVE,
            "the face looks genuine by itself, but less so than genuine video of the person "
            f"(P(manipulated) {relative.probability_fake:.3f} relative to it)",
        )
    if score >= point.high:
        return FaceDecision.REAL, ""
    fake, real = band(card)
    genuine = to_probability(score, calibrated(score, card.calibration))
    beside = (
        ""
        if relative is None
        else f", and {relative.probability_fake:.3f} relative to genuine video of the person is "
        f"not above {relative.fake_above:.3f}"
    )
    return (
        FaceDecision.INCONCLUSIVE,
        f"P(manipulated) {genuine:.3f} lies between {real:.3f} and {fake:.3f}, where the model is "
        f"wrong too often{beside}",
    )


def band(card: FaceDetectorCard) -> tuple[float, float]:
    """Return P(manipulated) above which a face is FAKE by itself, and up to which it is REAL."""
    point = card.operating_point
    fake, real = (
        to_probability(end, calibrated(end, card.calibration)) for end in (point.low, point.high)
    )
    return fake, real

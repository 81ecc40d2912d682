"""What gait and face say together: the answer, and what it can mean."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from gaitproof.face.verdict import FaceDecision
from gaitproof.types import Decision, ErrorRate
from gaitproof.types.support import in_words
from gaitproof.verify.fusion.rule import QUESTION


class Says(StrEnum):
    """What one of the two says of its own question."""

    FOR = "for"
    """The walk matches the claim; the face shows no manipulation."""
    AGAINST = "against"
    """The walk contradicts the claim; the face shows manipulation."""
    OPEN = "undecided"
    MISSING = "missing"


class Answers(StrEnum):
    """Which question the joint likelihood ratio answers."""

    BOTH = "walk and face"
    WALK = "walk alone"
    FACE = "face alone"
    NONE = "neither"


@dataclass(frozen=True)
class Combination:
    """What the two verdicts can mean together."""

    walk: Says
    face: Says
    meanings: tuple[str, ...]
    """What a video of this kind can be, the most usual first; none of them is proven."""


COMBINATIONS: Final = (
    Combination(
        Says.FOR,
        Says.FOR,
        (
            "an untouched video of the claimed person",
            "a manipulation that neither looks at: the voice, the words, the place, a cut",
            "a manipulated face that the detector does not see",
        ),
    ),
    Combination(
        Says.FOR,
        Says.AGAINST,
        (
            "footage of the true person with replaced lips or a reenacted face",
            "the true person with a filter, heavy compression or a bad light, taken for a "
            "manipulation",
            "somebody who walks like the claimed person, with a swapped face",
        ),
    ),
    Combination(
        Says.AGAINST,
        Says.FOR,
        (
            "an untouched video of somebody else: a lookalike, an actor, a wrong name",
            "the claimed person walking unusually: an injury, a load, other shoes, or bad tracking",
            "a face swap on somebody else's body that the detector does not see",
        ),
    ),
    Combination(
        Says.AGAINST,
        Says.AGAINST,
        (
            "a face swap: the claimed person's face on somebody else's body",
            "a fully synthetic video",
            "poor quality that affects both analyses",
        ),
    ),
)
"""The four combinations of two decided verdicts."""


GAIT_WORDS: Final = {
    Says.FOR: "matches the claim",
    Says.AGAINST: "contradicts the claim",
    Says.OPEN: "cannot be decided",
    Says.MISSING: "could not be compared",
}


FACE_WORDS: Final = {
    Says.FOR: "shows no manipulation",
    Says.AGAINST: "shows manipulation",
    Says.OPEN: "cannot be decided",
    Says.MISSING: "was not judged",
}


@dataclass(frozen=True)
class FaceFinding:
    """The verdict on the face of the person who walks, with what a report states of its model.

    Parameters
    ----------
    decision, reason, score, confidence, threshold, false_real, false_fake
        See `gaitproof.face.verdict.FaceVerdict`.
    log10_lr
        Of "not manipulated" against "manipulated"; None without a calibration.
    log10_lr_bound
        Its largest magnitude; None without a calibration.
    number
        Of the face in the scan, counted from 1.
    pictures
        How many frames were scored.
    first, last
        Seconds at which it was first and last seen.
    model_id, weights_sha256, detector, limits
        Of the detector of forgeries, and what found the faces.
    turns
        In how many segments the frames were judged together; 0 if one by one.
    """

    decision: FaceDecision
    reason: str
    score: float | None
    log10_lr: float | None
    log10_lr_bound: float | None
    confidence: str
    threshold: float
    false_real: ErrorRate
    false_fake: ErrorRate
    number: int
    pictures: int
    first: float
    last: float
    model_id: str
    weights_sha256: str
    detector: str
    limits: str
    turns: int = 0


@dataclass(frozen=True)
class JointVerdict:
    """The answer to "does this video show NAME's own body and an unmanipulated face?".

    It is AUTHENTIC only if gait and face both are, DEEPFAKE if one of them is; and only if the
    joint likelihood ratio, where there is one, supports the same side. Without a face that can be
    judged it is the answer of the walk.

    Parameters
    ----------
    decision
        AUTHENTIC, DEEPFAKE or INCONCLUSIVE.
    claim
        Name of the claimed identity.
    reason
        Why it is INCONCLUSIVE; empty otherwise.
    walk, face_says
        What either says of its own question.
    answers
        Which question `log10_lr` answers.
    log10_lr
        Positive speaks for "own body and unmanipulated face" (or for what `answers` leaves of
        it); None where nothing could be weighed.
    log10_lr_bound
        Its largest magnitude.
    rule
        How it was joined, one sentence.
    false_authentic_walk, false_authentic_face, false_deepfake
        Largest shares of wrong answers that follow from the error rates of the two: AUTHENTIC
        where somebody else walks, AUTHENTIC where the face is manipulated, DEEPFAKE where nothing
        is wrong; None where that question was not examined.
    face
        The face it rests on; None if there is none.
    notes
        Plain-language remarks.
    """

    decision: Decision
    claim: str
    reason: str
    walk: Says
    face_says: Says
    answers: Answers
    log10_lr: float | None
    log10_lr_bound: float | None
    rule: str
    false_authentic_walk: ErrorRate | None
    false_authentic_face: ErrorRate | None
    false_deepfake: ErrorRate | None
    face: FaceFinding | None
    notes: tuple[str, ...] = ()

    @property
    def combination(self) -> Combination | None:
        """The row of `COMBINATIONS` that applies; None unless both are decided."""
        rows = (c for c in COMBINATIONS if (c.walk, c.face) == (self.walk, self.face_says))
        return next(rows, None)

    @property
    def headline(self) -> str:
        """The verdict as one line."""
        if self.decision is Decision.INCONCLUSIVE:
            return f"INCONCLUSIVE — {self.reason}"
        if self.decision is Decision.DEEPFAKE:
            return f"DEEPFAKE OF {self.claim} — {self._short}"
        return f"AUTHENTIC — Verified as {self.claim}: {self._short}"

    @property
    def _short(self) -> str:
        return f"the walk {GAIT_WORDS[self.walk]}, the face {FACE_WORDS[self.face_says]}"

    @property
    def plain(self) -> str:
        """What gait and face say, and what that can mean."""
        sentence = f"{self._short[0].upper()}{self._short[1:]}."
        if self.combination is None:
            return sentence
        return f"{sentence} This can be {'; or '.join(self.combination.meanings)}."

    @property
    def question(self) -> str:
        """What the joint likelihood ratio speaks for."""
        return {
            Answers.BOTH: QUESTION.format(claim=self.claim),
            Answers.WALK: f"{self.claim} walks in the video, whatever the face",
            Answers.FACE: "the face in the video is not manipulated, whoever it is",
            Answers.NONE: "nothing: neither was weighed",
        }[self.answers]

    @property
    def weight(self) -> str:
        """The joint likelihood ratio in words; empty without one."""
        if self.log10_lr is None:
            return ""
        if self.answers is Answers.FACE and self.face is not None:
            return self.face.confidence
        return in_words(self.log10_lr)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, `headline`, `plain`, `question` and `weight` included."""
        return {
            "headline": self.headline,
            "plain": self.plain,
            "question": self.question,
            "weight": self.weight,
            **asdict(self),
        }

"""Claims on the videos of synthetic people, and what gait, face and both say of them."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gaitproof.evaluate.fusion_trials import (
    GENUINE,
    REENACTED,
    STRANGER,
    SWAPPED,
    FusionTrials,
)
from gaitproof.synth.walking_faces.dataset import COPIES, Clip, Plan, list_clips, partner
from gaitproof.synth.writer import subject_name
from gaitproof.verify.fusion.verdict import JointVerdict, Says

KINDS: Final = (GENUINE, SWAPPED, REENACTED, STRANGER)

ANSWER_COLUMNS: Final = (
    "path",
    "copy",
    "claimed",
    "kind",
    "group",
    "genuine",
    "gait",
    "face",
    "joint",
    "decision",
    "walk_says",
    "face_says",
    "reason",
)


@dataclass(frozen=True)
class Claim:
    """A video that is said to show somebody.

    Parameters
    ----------
    clip
        The video.
    claimed
        Number of the person.
    kind
        Of `KINDS`: what it really shows.
    """

    clip: Clip
    claimed: int
    kind: str


@dataclass(frozen=True)
class Answer:
    """What was said of a claim.

    Parameters
    ----------
    claim
        The claim.
    gait, face, joint
        log10 likelihood ratios of the walk, the face and both; None where there is none.
    decision
        The joint one.
    walk_says, face_says
        As `gaitproof.verify.fusion.Says`.
    reason
        Why nothing was decided; empty if something was.
    """

    claim: Claim
    gait: float | None
    face: float | None
    joint: float | None
    decision: str
    walk_says: str
    face_says: str
    reason: str

    @classmethod
    def of(cls, claim: Claim, gait: float | None, joint: JointVerdict) -> Answer:
        """Take what counts out of a joint verdict."""
        judged = joint.face is not None and joint.face_says is not Says.MISSING
        return cls(
            claim,
            gait,
            joint.face.log10_lr if joint.face is not None and judged else None,
            joint.log10_lr,
            joint.decision.value,
            joint.walk.value,
            joint.face_says.value,
            joint.reason,
        )


@dataclass(frozen=True)
class Count:
    """Answers to the claims of one kind and one copy of the clips.

    Parameters
    ----------
    kind, copy
        Of `KINDS`; of `gaitproof.synth.walking_faces.dataset.COPIES`, or empty.
    claims
        Their number.
    no_walk, no_face
        How many had no likelihood ratio of the walk, and of the face.
    decisions, walk, face
        Joint decisions, and what gait and face say, by how many.
    unchanged
        Of those with one ratio only, how many have exactly that one as the joint ratio.
    """

    kind: str
    copy: str
    claims: int
    no_walk: int
    no_face: int
    decisions: dict[str, int]
    walk: dict[str, int]
    face: dict[str, int]
    unchanged: int


def list_claims(plan: Plan) -> list[Claim]:
    """List the claims: every clip is said to show whose face, and whose body, it could show.

    Genuine clips are claimed by who walks and by the partner; swaps by whose face it is; replaced
    lips by who walks.
    """
    claims = []
    for clip in list_clips(plan):
        if clip.walk < plan.plain:
            continue
        if clip.forgery == "swap":
            claims.append(Claim(clip, clip.face, SWAPPED))
        elif clip.forgery:
            claims.append(Claim(clip, clip.person, REENACTED))
        else:
            claims.append(Claim(clip, clip.person, GENUINE))
            claims.append(Claim(clip, partner(clip.person), STRANGER))
    return claims


def make_trials(answers: Sequence[Answer]) -> FusionTrials:
    """Return the answers on whole clips as trials; pairs who exchange faces are one group."""
    whole = [one for one in answers if not one.claim.clip.copy]

    def ratios(values: Sequence[float | None]) -> Any:
        return np.array([math.nan if value is None else value for value in values], np.float64)

    return FusionTrials(
        group=np.array([_pair(one.claim.clip.person) for one in whole]),
        genuine=np.array([one.claim.kind == GENUINE for one in whole]),
        gait=ratios([one.gait for one in whole]),
        face=ratios([one.face for one in whole]),
        kind=np.array([one.claim.kind for one in whole]),
    )


def count_answers(answers: Sequence[Answer]) -> tuple[Count, ...]:
    """Count the answers by copy and kind."""
    counts = []
    for copy in ("", *COPIES):
        for kind in KINDS:
            chosen = [a for a in answers if a.claim.clip.copy == copy and a.claim.kind == kind]
            single = [one for one in chosen if (one.gait is None) != (one.face is None)]
            counts.append(
                Count(
                    kind,
                    copy,
                    len(chosen),
                    sum(one.gait is None for one in chosen),
                    sum(one.face is None for one in chosen),
                    dict(Counter(one.decision for one in chosen)),
                    dict(Counter(one.walk_says for one in chosen)),
                    dict(Counter(one.face_says for one in chosen)),
                    sum(one.joint in (one.gait, one.face) for one in single),
                )
            )
    return tuple(counts)


def answers_csv(answers: Sequence[Answer]) -> bytes:
    """Return a table of all answers."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, ANSWER_COLUMNS, lineterminator="\n")
    rows.writeheader()
    for one in answers:
        clip = one.claim.clip
        rows.writerow(
            {
                "group": _pair(clip.person),
                "genuine": int(one.claim.kind == GENUINE),
                "gait": one.gait,
                "face": one.face,
                "kind": one.claim.kind,
                "joint": one.joint,
                "path": clip.path,
                "claimed": subject_name(one.claim.claimed),
                "copy": clip.copy,
                "decision": one.decision,
                "walk_says": one.walk_says,
                "face_says": one.face_says,
                "reason": one.reason,
            }
        )
    return text.getvalue().encode()


def _pair(person: int) -> str:
    first, second = sorted((person, partner(person)))
    return f"{subject_name(first)}+{subject_name(second)}"

"""The parts of a case report that tell of gait and face together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gaitproof.report.casefile.blocks import (
    WALKS,
    Block,
    Bullets,
    Facts,
    Finding,
    Heading,
    Hypotheses,
    Images,
    Paragraph,
    Table,
    likelihood_sentence,
)
from gaitproof.report.casefile.content import CaseReport
from gaitproof.report.page import SYMBOLS, error_rate_text, measure, signed
from gaitproof.text import printable
from gaitproof.types import Decision
from gaitproof.verify.fusion.verdict import (
    COMBINATIONS,
    FACE_WORDS,
    GAIT_WORDS,
    Answers,
    FaceFinding,
    JointVerdict,
)

ONE_PIECE: Final = (
    "It is one piece of evidence.",
    "How probable the claim itself is also depends on everything else that is known of the case, "
    "which is for the court to weigh and not part of this report.",
)
NO_SIGN: Final = (
    "It is no sign of a forgery,",
    "nor of authenticity: it must not be used as support for either side.",
)
"""What every finding means, and what one without an answer does."""


def joint_finding(report: CaseReport, joint: JointVerdict) -> Iterable[Block]:
    """Return the answer, what it rests on and what it can mean."""
    verdict = report.verdict
    yield Finding(joint.decision, SYMBOLS[joint.decision], printable(joint.headline))
    rows = [
        (
            "Claim",
            f"The video shows {printable(joint.claim)}'s own body, and the face in it is not "
            "manipulated.",
        ),
        (
            "Walk",
            f"{verdict.plain} Of the walk alone the answer is {verdict.decision.value}"
            f"{f': {printable(verdict.reason)}' if verdict.reason else '.'}",
        ),
        ("Face", _face_text(joint.face)),
    ]
    if joint.log10_lr is not None and joint.log10_lr_bound is not None:
        about = _hypotheses(joint)
        sentence = likelihood_sentence(joint.log10_lr, joint.log10_lr_bound, about)
        rows.append(("Weight", f"{printable(sentence)} log₁₀ {signed(joint.log10_lr)}."))
        rows.append(("In words", f"{joint.weight.capitalize()} (ENFSI scale)."))
    rows.append(("How joined", printable(joint.rule)))
    rows.append(("Video", printable(verdict.source)))
    rows.append(("Report made", f"{printable(report.created)} (UTC), {verdict.software}"))
    yield Facts(tuple(rows))
    yield Heading("What gait and face say together")
    yield Paragraph(printable(joint.plain))
    rows_of = COMBINATIONS
    marked = rows_of.index(joint.combination) if joint.combination is not None else None
    yield Table(
        ("The walk", "The face", "What such a video can be; none of it is proven"),
        tuple((GAIT_WORDS[c.walk], FACE_WORDS[c.face], "; ".join(c.meanings)) for c in rows_of),
        (1, 1, 3),
        marked,
    )
    if joint.notes:
        yield Bullets(tuple(("Note:", printable(note)) for note in joint.notes))
    yield Table(
        ("Wrong answers", "At most, on held-out people"),
        tuple(
            (name, "not examined" if rate is None else error_rate_text(rate))
            for name, rate in (
                ("AUTHENTIC, though somebody else walks", joint.false_authentic_walk),
                ("AUTHENTIC, though the face is manipulated", joint.false_authentic_face),
                ("DEEPFAKE, though gait and face are true", joint.false_deepfake),
            )
        ),
        (2, 2),
    )
    yield Paragraph(
        "AUTHENTIC needs both, DEEPFAKE one of the two, and the joint weight on the same side. The "
        "rates follow from those of gait and face, whether these err together or not, and hold for "
        "footage like that of the two evaluations.",
        soft=True,
    )
    if report.faces:
        yield Images(report.faces)
    yield Heading("What this finding means, and what it does not")
    yield Bullets(_meaning(joint))


def joint_limits(report: CaseReport) -> tuple[tuple[str, str], ...]:
    """Return what the face model cannot do; nothing if no face was looked at."""
    if report.face_model is None:
        return ()
    return (("Of the face model:", printable(report.face_model.limits)),)


def joint_model(report: CaseReport) -> Iterable[Block]:
    """Return what is known of the face model; nothing if no face was looked at."""
    card = report.face_model
    if card is None:
        return
    people = "not calibrated"
    if card.calibration is not None:
        people = f"{card.calibration.people} people"
    point = card.operating_point
    yield Heading("The face model")
    yield Facts(
        (
            ("Model", printable(card.model_id)),
            ("Faces found by", _detector(report) or "no face was found"),
            ("Architecture", printable(f"{card.architecture}; trained {card.trained_on}")),
            (
                "Trained on",
                printable(
                    "; ".join(
                        f"{d.name} ({d.people} people, {d.pictures} images)" for d in card.data
                    )
                )
                or "not told",
            ),
            ("Evaluated by", printable(card.protocol)),
            (
                "Decides",
                f"REAL at {point.high:.3f} or more, FAKE below {point.low:.3f} "
                f"({printable(point.chosen_by)})",
            ),
            ("Calibrated on", people),
            (
                "Measured",
                printable("; ".join(f"{k}: {measure(v)}" for k, v in sorted(card.figures.items())))
                or "not told",
            ),
            ("Licence", printable(card.licence)),
        )
    )
    if card.data:
        yield Bullets(
            tuple(
                (f"{printable(d.name)}:", printable(f"{d.citation}. {d.licence}"))
                for d in card.data
            )
        )


def _detector(report: CaseReport) -> str:
    face = report.joint.face if report.joint is not None else None
    return "" if face is None else printable(face.detector)


def _face_text(face: FaceFinding | None) -> str:
    if face is None:
        return "No face was judged."
    why = f": {printable(face.reason)}" if face.reason else ""
    text = f"Of the face alone the answer is {face.decision.value}{why}. "
    if face.score is not None:
        noun = "frame" if face.pictures == 1 else "frames"
        many = "1 segment" if face.turns == 1 else f"{face.turns} segments"
        of = f"{many} of {face.pictures} {noun} in all" if face.turns else f"{face.pictures} {noun}"
        text += (
            f"Mean score {face.score:.3f} of {of} (0 manipulated, 1 genuine), "
            f"from {face.first:.1f} to {face.last:.1f} s. "
        )
    if face.log10_lr is not None:
        text += f"log₁₀ likelihood ratio {signed(face.log10_lr)}: {face.confidence}."
    return text.strip()


def _hypotheses(joint: JointVerdict) -> Hypotheses:
    if joint.answers is Answers.WALK:
        return WALKS
    if joint.answers is Answers.FACE:
        return Hypotheses(
            "the face in the video is not manipulated",
            "it is not",
            "the face in the video is manipulated",
            "it is",
        )
    own = f"{joint.claim}'s own body and a face that is not manipulated"
    false = "somebody else's body or a manipulated face (or both)"
    return Hypotheses(
        f"the video shows {own}", f"it shows {own}", f"the video shows {false}", f"it shows {false}"
    )


def _meaning(joint: JointVerdict) -> tuple[tuple[str, str], ...]:
    if joint.decision is Decision.DEEPFAKE:
        return (
            (
                "It does not prove a forgery.",
                "DEEPFAKE is the name of the answer “walk or face speaks against the claim”, no "
                "more: an injury or a badly tracked walk changes a gait, and filters, compression "
                "and bad light look like manipulation.",
            ),
            (
                "It does not say who is seen, or who made the video:",
                "an untouched video of somebody else gives the same answer.",
            ),
            ONE_PIECE,
        )
    if joint.decision is Decision.AUTHENTIC:
        return (
            (
                "It does not prove that the video is authentic.",
                "Voice, words, place and time can be false where gait and face are true, and a "
                "manipulation can be better than what the face model knows.",
            ),
            (
                "It does not identify the person to the exclusion of all others:",
                "other people with a similar gait would be accepted as well, at the rate above, "
                "and the face is not compared with anybody's.",
            ),
            ONE_PIECE,
        )
    return (
        ("INCONCLUSIVE is an answer.", "The reason is stated above."),
        NO_SIGN,
    )

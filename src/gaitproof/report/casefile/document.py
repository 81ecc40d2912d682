"""The order and the words of a case report, as blocks that HTML and PDF both draw.

Both formats walk the same blocks: what stands in one stands in the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gaitproof.config import VerifySettings
from gaitproof.explain.scope import ExplainedScore
from gaitproof.nets.card import CalibrationCard
from gaitproof.report.casefile.blocks import (
    WALKS,
    Block,
    Bullets,
    Code,
    Facts,
    Finding,
    Heading,
    Images,
    Paragraph,
    Table,
    likelihood_sentence,
)
from gaitproof.report.casefile.content import CaseReport
from gaitproof.report.casefile.joint import (
    NO_SIGN,
    ONE_PIECE,
    joint_finding,
    joint_limits,
    joint_model,
)
from gaitproof.report.casefile.seal import SealedReport
from gaitproof.report.casefile.weight import weigh
from gaitproof.report.page import SYMBOLS, measure, percent
from gaitproof.text import printable
from gaitproof.types import Decision, Verdict
from gaitproof.types.support import in_words

_GAIT_ONLY: Final = (
    "Report on a comparison of gait: the question is answered from the way the person in the video "
    "walks, not from the face."
)
_GAIT_AND_FACE: Final = (
    "Report on a comparison of gait and an examination of the face: the question is answered from "
    "the way the person in the video walks, and from signs of manipulation in the face. The face "
    "is not compared with anybody's."
)


@dataclass(frozen=True)
class Document:
    """A report in reading order.

    Parameters
    ----------
    title, subtitle
        What was asked, and how it was answered.
    blocks
        Everything below.
    sha256
        Of the content; it stands on every page.
    """

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    sha256: str


def compose(sealed: SealedReport) -> Document:
    """Put a report into words."""
    report = sealed.content
    verdict = report.verdict
    return Document(
        title=f"Does this video show {printable(verdict.claim)}?",
        subtitle=_GAIT_ONLY if report.joint is None else _GAIT_AND_FACE,
        blocks=(
            *(_finding(report) if report.joint is None else joint_finding(report, report.joint)),
            *_stated(report),
            *weigh(report),
            *_material(report),
            *_explanation(report),
            *_enrolment(report),
            *_limits(report),
            *_model(report),
            *_reproduce(report),
            *_integrity(sealed),
        ),
        sha256=sealed.content_sha256,
    )


def _finding(report: CaseReport) -> Iterable[Block]:
    verdict = report.verdict
    yield Finding(verdict.decision, SYMBOLS[verdict.decision], printable(verdict.headline))
    rows = [
        ("Claim", f"The person in the video is {printable(verdict.claim)}."),
        ("Finding", verdict.plain),
    ]
    if verdict.log10_lr is not None:
        rows.append(
            ("Weight", likelihood_sentence(verdict.log10_lr, verdict.log10_lr_bound, WALKS))
        )
        rows.append(("In words", f"{in_words(verdict.log10_lr).capitalize()} (ENFSI scale)."))
    elif verdict.reason:
        rows.append(("Reason", printable(verdict.reason)))
    rows.append(("Video", printable(verdict.source)))
    rows.append(("Report made", f"{printable(report.created)} (UTC), {verdict.software}"))
    yield Facts(tuple(rows))
    yield Heading("What this finding means, and what it does not")
    yield Bullets(_meaning(verdict))


def _stated(report: CaseReport) -> Iterable[Block]:
    said = (
        ("Case", report.stated.case_number),
        ("Exhibit", report.stated.exhibit),
        ("Examiner", report.stated.examiner),
    )
    rows = tuple((name, printable(value)) for name, value in said if value)
    if rows:
        yield Heading("The case, as it was stated")
        yield Facts(rows)


def _meaning(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    if verdict.decision is Decision.DEEPFAKE:
        return (
            (
                "A mismatch does not prove a forgery.",
                "An injury, other shoes, a heavy bag, a slope or a badly tracked walk change a "
                "gait too. DEEPFAKE is the name of the answer “the gait contradicts the claim”, "
                "no more.",
            ),
            (
                "It does not say who walks in the video,",
                "nor that the video was made by a computer: an untouched video of somebody else "
                "gives the same answer.",
            ),
            ONE_PIECE,
        )
    if verdict.decision is Decision.AUTHENTIC:
        return (
            (
                "A match does not prove that the video is authentic.",
                "Footage of the real person whose face, lips or voice were replaced walks like "
                "the real person.",
            ),
            (
                "It does not identify the person to the exclusion of all others:",
                "other people with a similar gait would be accepted as well, at the rate of false "
                "matches below.",
            ),
            ONE_PIECE,
        )
    answer = (
        "The walk was compared, and speaks neither clearly for nor clearly against the claim."
        if verdict.similarity is not None
        else "The video does not carry a comparison; the reason is stated above."
    )
    return (
        ("INCONCLUSIVE is an answer.", answer),
        NO_SIGN,
    )


def _material(report: CaseReport) -> Iterable[Block]:
    quality = report.verdict.quality
    yield Heading("Quality of the video")
    if quality.reasons:
        yield Bullets(tuple(("Not usable:", printable(reason)) for reason in quality.reasons))
    else:
        yield Paragraph("The video passed every test of quality that is made before a comparison.")
    changed = _changed_settings(report.settings)
    if changed:
        yield Paragraph(
            f"This examination did not use the shipped settings: {'; '.join(changed)}. The error "
            "rates stated above hold for the shipped ones only.",
            lead="Changed settings.",
        )
    remarks = (*quality.warnings, *report.verdict.notes)
    if remarks:
        yield Bullets(tuple(("Note:", printable(note)) for note in remarks))
    limited = {check.name for check in quality.checks}
    rows = [
        (check.title, check.shown, check.needed, "yes" if check.passed else "no")
        for check in quality.checks
    ]
    rows += [
        (title, form.format(quality.measures[name]), "", "")
        for name, (title, form) in _MEASURES.items()
        if name in quality.measures.keys() - limited
    ]
    others = sorted(quality.measures.keys() - _MEASURES.keys() - limited)
    yield Table(("Measure", "This video", "Needed", "Kept"), tuple(rows), (2, 1.4, 1.4, 0.5))
    if others:
        measures = ", ".join(
            f"{n.replace('_', ' ')} {measure(quality.measures[n])}" for n in others
        )
        yield Paragraph(f"Further measures: {measures}.", soft=True)
    if report.frames:
        yield Paragraph(
            "Several people are in the video, and it is not known which of them is meant:"
            if report.verdict.choice_needed
            else "The walk that was examined, with the joints as they were found:"
        )
        yield Images(report.frames, wide=False)


_MEASURES: Final = {
    "person_height_px": ("height of the person", "{:.0f} pixels"),
    "frame_rate": ("frame rate", "{:.1f} per second"),
    "gait_cycles": ("gait cycles", "{:.1f}"),
    "visible_share": ("share of time in which the legs are seen", "{:.2f}"),
    "camera_motion": ("camera motion", "{:.2f} widths per second"),
    "cadence": ("steps per minute", "{:.0f}"),
    "tracked_seconds": ("time in which the person was followed", "{:.1f} s"),
    "leg_swaps_repaired": ("frames with left and right leg exchanged back", "{:.0f}"),
    "filled": ("positions of joints filled in short gaps", "{:.0f}"),
    "dropped": ("positions of joints taken out", "{:.0f}"),
}
"""Words and form of the measures in the table; others are named below it."""


def _explanation(report: CaseReport) -> Iterable[Block]:
    if not report.explanation:
        return
    yield Heading("What the score rests on")
    yield Paragraph(
        "These images describe how the method came to its score. They help to find an error, for "
        "example a score that rests on one badly seen moment; they are no further evidence."
    )
    if report.verdict.similarity is not None:
        yield Paragraph(printable(ExplainedScore.of(report.verdict).said))
    yield Images(report.explanation)


def _enrolment(report: CaseReport) -> Iterable[Block]:
    yield Heading("What it was compared with")
    used = sum(entry.used for entry in report.enrolled)
    if report.verdict.template_id:
        noun = "recording" if used == 1 else "recordings"
        yield Paragraph(
            f"The walk was compared with the template {report.verdict.template_id} of "
            f"{printable(report.verdict.claim)}, made from {used} {noun}. That these show "
            f"{printable(report.verdict.claim)} is taken from the enrolment; the method cannot "
            "check it."
        )
    else:
        yield Paragraph("The walk was not compared. The gallery holds for this claim:")
    if report.enrolled:
        yield Table(
            ("File and SHA-256", "Windows", "Enrolled (UTC)", "Used"),
            tuple(
                (
                    f"{printable(e.path)}\n{e.sha256}",
                    str(e.windows),
                    printable(e.enrolled[:19].replace("T", " ")),
                    "yes" if e.used else "no",
                )
                for e in report.enrolled
            ),
            (4, 0.9, 1.5, 0.6),
        )


def _limits(report: CaseReport) -> Iterable[Block]:
    yield Heading("Limits of the method")
    looked = (
        "it looks at the walk alone. Face, voice, image and file were not examined."
        if report.joint is None
        else "it looks at gait and face. Voice, the rest of the image and file were not examined."
    )
    yield Bullets(
        (
            ("Of this model:", printable(report.model.limits)),
            (
                "Of the error rates:",
                "they hold for one person who walks with the feet in the image, large enough, "
                "before a camera at rest, as in the evaluation.",
            ),
            (
                "Of the weight:",
                "it says how probable the finding is under either hypothesis; it is not the "
                "probability that the claim is true.",
            ),
            ("Of the comparison:", looked),
            *joint_limits(report),
        )
    )


def _model(report: CaseReport) -> Iterable[Block]:
    card = report.model
    yield Heading("The model")
    yield Facts(
        (
            ("Model", card.model_id),
            ("Architecture", f"{card.architecture}; trained {card.trained_on}"),
            ("Trained on", "; ".join(
                f"{d.name} ({d.subjects} people, {d.recordings} recordings)" for d in card.data)),
            ("Evaluated by", card.protocol),
            ("Calibrated on", _calibration_text(card.calibration)),
            ("Measured", "; ".join(f"{_figure_name(k)}: {_figure(k, v)}"
                for k, v in sorted(card.figures.items()))),
            ("Licence", card.licence),
        )
    )  # fmt: skip
    yield Bullets(tuple((f"{d.name}:", f"{d.citation}. {d.licence}") for d in card.data))
    yield from joint_model(report)


def _changed_settings(settings: VerifySettings) -> tuple[str, ...]:
    """Say which settings are not those that the software comes with, by their dotted names."""
    shipped = VerifySettings().model_dump(mode="json")
    return tuple(
        f"{part}.{name} is {value} instead of {shipped[part][name]}"
        for part, values in settings.model_dump(mode="json").items()
        for name, value in values.items()
        if value != shipped[part][name]
    )


def _calibration_text(card: CalibrationCard) -> str:
    short = " (whole clips and single windows)" if getattr(card, "duration", None) else ""
    return (
        f"{card.subjects} people, {card.mated_trials:,} genuine and {card.nonmated_trials:,} false "
        f"claims{short}"
    )


def _figure_name(name: str) -> str:
    return name.replace("/", ", ").replace("eer", "EER").replace("auc", "AUC")


def _figure(name: str, value: float) -> str:
    return percent(value) if name.endswith("eer") else measure(value)


def _reproduce(report: CaseReport) -> Iterable[Block]:
    verdict = report.verdict
    yield Heading("Identifiers, and how to repeat this")
    yield Facts(
        (
            ("SHA-256 of the video", verdict.source_sha256),
            ("SHA-256 of the weights", report.model.weights_sha256),
            *(
                [("SHA-256 of the face model", report.face_model.weights_sha256)]
                if report.face_model is not None
                else []
            ),
            ("Template", verdict.template_id or "none"),
            ("Joints found by", printable(report.estimator) or "nobody was examined"),
            ("Versions", ", ".join(f"{k} {v}" for k, v in report.versions.items())),
        ),
        code=True,
    )
    yield Paragraph("With the same files, gallery and versions this command gives the same answer:")
    yield Code(printable(report.command) or "not recorded")


def _integrity(sealed: SealedReport) -> Iterable[Block]:
    yield Heading("How to check this report")
    yield Paragraph(
        "The report exists as a JSON file with the same content. The SHA-256 below is the one of "
        "its content, which holds the SHA-256 of the video, of the enrolled files, of the weights "
        "and of every image. “gaitproof report check” tests all of it, and whether a "
        "page or PDF says the same."
    )
    rows = [("SHA-256 of the content", sealed.content_sha256)]
    if sealed.signature is None:
        rows.append(("Signature", "none: whoever has the report could have changed it"))
    else:
        rows.append(("Signature", f"{sealed.signature.algorithm} {sealed.signature.value}"))
        rows.append(("Fingerprint of the key", sealed.signature.fingerprint))
    yield Facts(tuple(rows), code=True)
    if sealed.signature is not None:
        yield Paragraph(
            "A signature is worth what is known of its key: compare the fingerprint with one that "
            "the signer gave you on another way."
        )

"""What a case report says of the evidence, its weight and its error rates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from gaitproof.report.casefile.blocks import Block, Facts, Heading, Images, Paragraph, Table
from gaitproof.report.casefile.content import CaseReport
from gaitproof.report.page import error_rate_text, signed
from gaitproof.text import printable
from gaitproof.types import ErrorRate, MotionEvidence, Verdict
from gaitproof.types.support import VERBAL_SCALE
from gaitproof.verify.signals import JOINTS, SILHOUETTES, describe

ENFSI: Final = (
    "European Network of Forensic Science Institutes: ENFSI Guideline for Evaluative Reporting in "
    "Forensic Science, 2015"
)


def weigh(report: CaseReport) -> Iterable[Block]:
    """Yield the evidence of the walk, and how often answers like this are wrong."""
    verdict = report.verdict
    alone = report.joint is None
    yield Heading("The evidence and its weight" if alone else "The evidence of the walk")
    if verdict.log10_lr is None:
        yield Paragraph(
            "No score was made, so that there is no likelihood ratio. What follows describes how "
            "the method decides where it can."
        )
    else:
        yield Facts(tuple(_numbers(report, verdict.log10_lr)))
        if any(one.references for one in verdict.signals):
            yield Paragraph(
                "The comparison is relative to other people filmed in the same way; the scores of "
                "the evaluation are not, so that they are not drawn beside it.",
                soft=True,
            )
        elif report.model.scores is None:
            yield Paragraph(
                "The model does not tell how the scores of its evaluation are distributed; "
                "there is no image of them.",
                soft=True,
            )
        yield Images(report.evidence)
        yield _verbal_table(verdict.log10_lr)
        yield from _signals(verdict)
        if verdict.motion is not None:
            yield _motion(verdict.motion)
        yield Paragraph(
            f"Scale: {ENFSI}. The two hypotheses compared are “the claimed person walks in the "
            "video” and “somebody else does”; the people of the evaluation stand for somebody "
            "else.",
            soft=True,
        )
    what = "the answer" if alone else "the walk"
    yield Heading(f"How {what} is decided, and how often it is wrong")
    yield Paragraph(_rule(verdict))
    rates = _rates(verdict)
    if not rates:
        yield Paragraph(
            "The joints were not compared in a situation that was tested, so there are no error "
            "rates to state."
        )
        return
    yield Table(
        ("", "False claims: somebody else walks", "Genuine claims: the person walks"),
        tuple((name, error_rate_text(a), error_rate_text(b)) for name, a, b in rates),
        (1.3, 1.6, 1.6),
    )
    yield Paragraph(
        "A wrong answer to a false claim is to accept it (false match); to a genuine claim, to "
        "refuse it (false non-match)."
    )
    point, joined = report.model.operating_point, verdict.joined
    yield Paragraph(
        f"Threshold: {point.chosen_by}. Protocol: {report.model.protocol}. These rates hold for "
        "footage like that of the evaluation; see the limits of the model."
        + (f" Both together: {printable(joined.measured_on)}." if joined is not None else ""),
        soft=True,
    )


def _numbers(report: CaseReport, log10_lr: float) -> Iterable[tuple[str, str]]:
    verdict = report.verdict
    if verdict.similarity is not None and not (verdict.joined and verdict.joined.both_decide):
        yield "Similarity", f"{verdict.similarity:.3f} (0: opposite, 1: identical)"
    yield "Likelihood ratio", f"{10**log10_lr:.2g}; log₁₀ {signed(log10_lr)}"
    most = f"supports no likelihood ratio beyond {10**verdict.log10_lr_bound:.0f}"
    if verdict.joined is None or log10_lr <= 0:
        most = f"calibration on {report.model.calibration.subjects} people {most}"
    else:
        most = f"what was measured on footage that the models had not seen {most}"
    yield "Its bound", f"log₁₀ ±{verdict.log10_lr_bound:.2f}: {most}"


def _rates(verdict: Verdict) -> list[tuple[str, ErrorRate, ErrorRate]]:
    joined, band = verdict.joined, verdict.band
    rates = []
    alone = joined is None or not joined.both_decide
    if alone and verdict.fmr is not None and verdict.fnmr is not None:
        rates.append(("wrong at the threshold alone", verdict.fmr, verdict.fnmr))
    if band is not None:
        rates += [
            ("wrong answers, of all claims", band.wrong_nonmated, band.wrong_mated),
            ("wrong answers, of the claims decided", band.fmr, band.fnmr),
            ("left undecided", band.undecided_nonmated, band.undecided_mated),
        ]
    if joined is not None:
        rates += [
            ("both together, wrong, other footage", joined.wrong_nonmated, joined.wrong_mated),
            ("... left undecided", joined.undecided_nonmated, joined.undecided_mated),
        ]
    return rates


def _signals(verdict: Verdict) -> Iterable[Block]:
    for one in verdict.signals:
        relative = verdict.joined is not None and verdict.joined.both_decide
        if one.signal == JOINTS and not relative:
            continue
        sentence = f"{describe(one).capitalize()}."
        if one.template_id:
            sentence += (
                f" Compared with {one.template_recordings} enrolled, model "
                f"{printable(one.model_id)}."
            )
        if one.signal == SILHOUETTES and one.similarity is not None:
            sentence += " A silhouette shows clothes and build as well as movement."
            sentence += "" if relative or one.counts is not None else " It does not decide here."
        yield Paragraph(printable(sentence), lead=f"{one.signal.capitalize()}.")


def _motion(motion: MotionEvidence) -> Paragraph:
    unusual = "; ".join(f"{name} ({value:+.1f})" for name, value in motion.unusual.items())
    least = f" Least like theirs, in spreads of captured motion: {unusual}." if unusual else ""
    return Paragraph(printable(motion.plain + least), lead="Motion, captured or generated.")


def _rule(verdict: Verdict) -> str:
    band, joined = verdict.band, verdict.joined
    also = ""
    if joined is not None and joined.relative:
        return (
            "Joints and silhouettes are each compared relative to other people who were filmed in "
            "the same way. Either decides the claim by a log₁₀ likelihood ratio of "
            f"{joined.accepts_from:.2f} or more, for it or against it, unless the other supports "
            "the opposite as strongly. Both were calibrated on footage that their models had not "
            "seen, before this video was. In the evaluation:"
        )
    if joined is not None and joined.known:
        return (
            f"What joints and silhouettes say is added up as it was measured on {joined.known}, "
            f"and decides by a log₁₀ likelihood ratio of {joined.accepts_from:.2f} or more, for "
            "the claim or against it. In the evaluation:"
        )
    if joined is not None:
        also = (
            " A claim that is accepted in this way must also be supported by the silhouettes, by a "
            f"log₁₀ likelihood ratio of {joined.accepts_from:.2f} or more on footage that their "
            "model had not seen; otherwise nothing is decided."
        )
    if band is None:
        return (
            f"A claim is accepted where the similarity is {verdict.threshold:.3f} or more, and "
            "refused below. The threshold comes with the model and was set on people it was not "
            f"trained on, before this video was seen.{also} In the evaluation:"
        )
    return (
        f"A claim is accepted where the similarity is {band.high:.3f} or more, and refused where "
        f"it is below {band.low:.3f}, if the likelihood ratio is at least "
        f"{10**band.min_log10_lr:.2g} on the same side; otherwise nothing is decided. These limits "
        "come with the model and were set on people it was not trained on, before this video was "
        f"seen.{also} In the evaluation:"
    )


def _verbal_table(log10_lr: float) -> Table:
    starts = (1.0, *(10**end for end, _ in VERBAL_SCALE[:-1]))
    ends = [10**end if math.isfinite(end) else None for end, _ in VERBAL_SCALE]
    rows = tuple(
        (f"{start:,.0f} to {end:,.0f}" if end is not None else f"more than {start:,.0f}", words)
        for start, end, (_, words) in zip(starts, ends, VERBAL_SCALE, strict=True)
    )
    marked = next(i for i, (end, _) in enumerate(VERBAL_SCALE) if abs(log10_lr) <= end)
    side = "for" if log10_lr >= 0 else "against"
    return Table(("Likelihood ratio", f"Support {side} the claim"), rows, (1, 2), marked)

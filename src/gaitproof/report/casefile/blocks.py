"""What a case report is put together from, whatever draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gaitproof.report.casefile.content import ReportImage
from gaitproof.report.page import times_text
from gaitproof.types import Decision
from gaitproof.types.support import VERBAL_SCALE


@dataclass(frozen=True)
class Heading:
    """A heading of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text; `lead` stands before it in bold, `soft` makes it a remark."""

    text: str
    lead: str = ""
    soft: bool = False


@dataclass(frozen=True)
class Finding:
    """The answer itself."""

    decision: Decision
    symbol: str
    headline: str


@dataclass(frozen=True)
class Bullets:
    """Points, each with a few bold words before it, or none."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Facts:
    """Names and values; `code` values are for machines and set in fixed width."""

    rows: tuple[tuple[str, str], ...]
    code: bool = False


@dataclass(frozen=True)
class Table:
    """Rows below headings; `marked` is the number of the row that counts, if one does."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    """Relative widths of the columns."""
    marked: int | None = None


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True)
class Images:
    """Images; `wide` ones take the column, others stand beside each other."""

    items: tuple[ReportImage, ...]
    wide: bool = True


Block = Heading | Paragraph | Finding | Bullets | Facts | Table | Code | Images


@dataclass(frozen=True)
class Hypotheses:
    """Two hypotheses, each as a clause of its own and as a shorter one that follows the other."""

    claim: str
    claim_after: str
    other: str
    other_after: str


WALKS: Final = Hypotheses(
    "the claimed person walks in the video",
    "the claimed person does",
    "somebody else walks in the video",
    "somebody else does",
)


def likelihood_sentence(log10_lr: float, bound: float, about: Hypotheses) -> str:
    """Say a likelihood ratio as an expert does.

    >>> likelihood_sentence(1.0, 1.9, WALKS)
    'What was found is about 10 times as probable if the claimed person walks in the video as if \
somebody else does.'
    """
    if abs(log10_lr) <= VERBAL_SCALE[0][0]:
        return f"What was found is about as probable if {about.claim} as if {about.other_after}."
    one, other = about.claim, about.other_after
    if log10_lr < 0:
        one, other = about.other, about.claim_after
    sentence = (
        f"What was found is about {times_text(log10_lr)} times as probable if {one} as if {other}."
    )
    if abs(log10_lr) >= bound - 1e-9:
        sentence += (
            " This is the largest weight that the number of people in the calibration supports; "
            "the calculation is cut off there."
        )
    return sentence

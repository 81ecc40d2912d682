"""What a case report is put together from, whatever draws it."""

from __future__ import annotations

from dataclasses import dataclass

from gaitproof.report.casefile.content import ReportImage
from gaitproof.types import Decision


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

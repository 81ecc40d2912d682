"""A composed report as PDF: flowed pages, page numbers, the hash on every page.

Fonts are embedded (DejaVu Sans, which comes with matplotlib), so that names look the same
everywhere. The same report always gives the same bytes.
"""

from __future__ import annotations

import io
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from gaitproof.errors import InputError
from gaitproof.report.casefile.blocks import (
    Block,
    Bullets,
    Code,
    Facts,
    Finding,
    Heading,
    Images,
    Paragraph,
    Table,
)
from gaitproof.report.casefile.document import Document
from gaitproof.report.style import ANSWERS, INK, LINE, SOFT, WASH

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

    from gaitproof.report.casefile.content import ReportImage

_MARGIN: Final = 51.0
"""Points, 18 mm."""

_ROOM: Final = 110.0
_ROOM_FOR_IMAGE: Final = 380.0
"""Points below a heading: with less than that the section begins on the next page."""

_FONTS: Final = {
    "gaitproof": "DejaVuSans.ttf",
    "gaitproof-bold": "DejaVuSans-Bold.ttf",
    "gaitproof-mono": "DejaVuSansMono.ttf",
}


def render_pdf(document: Document) -> bytes:
    """Return the PDF file.

    Raises
    ------
    InputError
        If something in it fits on no page.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import BaseDocTemplate, CondPageBreak, Frame, PageTemplate
    from reportlab.platypus import Paragraph as Text
    from reportlab.platypus.doctemplate import LayoutError

    _load_fonts()
    styles = _styles()
    out = io.BytesIO()
    width, height = A4
    template = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,
        title=_shown(document.title),
        author="gaitproof",
        subject=_shown(document.subtitle),
        lang="en",
    )
    frame = Frame(
        _MARGIN,
        _MARGIN,
        width - 2 * _MARGIN,
        height - 2 * _MARGIN,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    template.addPageTemplates([PageTemplate(frames=[frame])])
    story: list[Flowable] = [
        Text(_markup(document.title), styles["title"]),
        Text(_markup(document.subtitle), styles["soft"]),
    ]
    for number, block in enumerate(document.blocks):
        if isinstance(block, Heading):
            story.append(CondPageBreak(_room(document.blocks[number + 1 : number + 3])))
        story.extend(_flow(block, styles, width - 2 * _MARGIN))
    try:
        template.build(story, canvasmaker=partial(_numbered_canvas(), document=document))
    except LayoutError as error:
        raise InputError(
            "The report cannot be laid out on pages.",
            actual="a text or image that is larger than a page",
            hint="write .html instead",
        ) from error
    return out.getvalue()


def _room(following: tuple[Block, ...]) -> float:
    """Return how much room a heading needs below it, so that it does not stand alone."""
    pictured = any(isinstance(block, Images) and block.wide for block in following)
    return _ROOM_FOR_IMAGE if pictured else _ROOM


@cache
def _load_fonts() -> None:
    import matplotlib as mpl
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name, file in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(
        "gaitproof", normal="gaitproof", bold="gaitproof-bold",
        italic="gaitproof", boldItalic="gaitproof-bold",
    )  # fmt: skip


@cache
def _glyphs() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    _load_fonts()
    return frozenset(pdfmetrics.getFont("gaitproof").face.charToGlyph)


def _shown(text: str) -> str:
    """Write a character that the font lacks by its number, rather than as an empty box."""
    known = _glyphs()
    return "".join(c if ord(c) in known or c == "\n" else f"[U+{ord(c):04X}]" for c in text)


def _markup(text: str) -> str:
    return escape(_shown(text)).replace("\n", "<br/>")


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle

    body = ParagraphStyle(
        "body", fontName="gaitproof", fontSize=9.2, leading=13, textColor=INK, spaceAfter=5,
        splitLongWords=1, wordWrap=None,
    )  # fmt: skip
    make = partial(ParagraphStyle, parent=body)
    return {
        "body": body,
        "title": make("title", fontName="gaitproof-bold", fontSize=17, leading=21, spaceAfter=3),
        "heading": make(
            "heading", fontName="gaitproof-bold", fontSize=11.5, leading=15, spaceBefore=12,
            spaceAfter=5, keepWithNext=1,
        ),
        "soft": make("soft", textColor=SOFT, fontSize=8.2, leading=11.5),
        "caption": make("caption", textColor=SOFT, fontSize=7.8, leading=10.5, spaceBefore=2),
        "bullet": make("bullet", leftIndent=11, bulletIndent=1, spaceAfter=3),
        "cell": make("cell", fontSize=8.4, leading=11.2, spaceAfter=0),
        "head": make("head", fontName="gaitproof-bold", fontSize=8, leading=10.8, spaceAfter=0),
        "name": make("name", textColor=SOFT, fontSize=8.4, leading=11.2, spaceAfter=0),
        # long words without a space (hashes, paths) may break anywhere
        "code": make(
            "code", fontName="gaitproof-mono", fontSize=6.7, leading=9.8, spaceAfter=0,
            wordWrap="CJK",
        ),
    }  # fmt: skip


def _flow(block: Block, styles: dict[str, Any], width: float) -> list[Flowable]:
    from reportlab.platypus import Paragraph as Text
    from reportlab.platypus import Spacer

    if isinstance(block, Heading):
        return [Text(_markup(block.text), styles["heading"])]
    if isinstance(block, Paragraph):
        lead = f"<b>{_markup(block.lead)}</b> " if block.lead else ""
        return [Text(lead + _markup(block.text), styles["soft" if block.soft else "body"])]
    if isinstance(block, Finding):
        return [_finding(block, styles, width), Spacer(1, 7)]
    if isinstance(block, Bullets):
        return [
            Text(f"<b>{_markup(lead)}</b> {_markup(text)}", styles["bullet"], bulletText="•")
            for lead, text in block.items
        ]
    if isinstance(block, Facts):
        value = styles["code" if block.code else "cell"]
        rows = [[Text(_markup(n), styles["name"]), Text(_markup(v), value)] for n, v in block.rows]
        return [_grid(rows, [0.24 * width, 0.76 * width], plain=True), Spacer(1, 5)]
    if isinstance(block, Table):
        return [_table(block, styles, width), Spacer(1, 6)]
    if isinstance(block, Code):
        return [_box([[Text(_markup(block.text), styles["code"])]], width, WASH, LINE)]
    return _images(block, styles, width)


def _finding(block: Finding, styles: dict[str, Any], width: float) -> Flowable:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph as Text

    ink, wash = ANSWERS[block.decision]
    style = ParagraphStyle(
        "finding", parent=styles["body"], fontName="gaitproof-bold", fontSize=12.5, leading=16,
        textColor=ink, spaceAfter=0,
    )  # fmt: skip
    return _box([[Text(_markup(f"{block.symbol} {block.headline}"), style)]], width, wash, ink)


def _box(rows: list[list[Any]], width: float, wash: str, line: str) -> Flowable:
    from reportlab.platypus import Table as Grid

    return Grid(
        rows,
        colWidths=[width],
        splitInRow=1,
        spaceBefore=4,
        spaceAfter=4,
        style=[
            ("BACKGROUND", (0, 0), (-1, -1), wash),
            ("BOX", (0, 0), (-1, -1), 0.8, line),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ],
    )


def _grid(rows: list[list[Any]], widths: list[float], *, plain: bool = False) -> Any:
    from reportlab.platypus import Table as Grid

    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5 if plain else 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5 if plain else 3.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 0 if plain else 5),
    ]
    if not plain:
        style += [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("BOX", (0, 0), (-1, -1), 0.4, LINE),
            ("BACKGROUND", (0, 0), (-1, 0), WASH),
        ]
    return Grid(rows, colWidths=widths, repeatRows=0 if plain else 1, style=style, splitInRow=1)


def _table(block: Table, styles: dict[str, Any], width: float) -> Flowable:
    from reportlab.platypus import Paragraph as Text

    total = sum(block.widths)
    rows = [[Text(_markup(name), styles["head"]) for name in block.head]]
    for number, row in enumerate(block.rows):
        style = styles["head" if number == block.marked else "cell"]
        rows.append([_cell(text, style, styles["code"]) for text in row])
    grid = _grid(rows, [width * w / total for w in block.widths])
    if block.marked is not None:
        marked = block.marked + 1
        grid.setStyle([("BOX", (0, marked), (-1, marked), 1.4, INK)])
    return grid


def _cell(text: str, style: Any, code: Any) -> Any:
    from reportlab.platypus import Paragraph as Text

    first, *others = text.split("\n")
    return [Text(_markup(first), style), *(Text(_markup(line), code) for line in others)]


def _images(block: Images, styles: dict[str, Any], width: float) -> list[Flowable]:
    from reportlab.platypus import KeepTogether
    from reportlab.platypus import Paragraph as Text
    from reportlab.platypus import Table as Grid

    if not block.items:
        return []
    if block.wide:
        return [
            KeepTogether(
                [
                    Text(f"<b>{_markup(p.title)}</b>", styles["body"]),
                    _image(p, 0.86 * width),
                    Text(_markup(p.caption), styles["caption"]),
                ]
            )
            for p in block.items
        ]
    columns = min(3, len(block.items))
    each = width / columns
    cells = [[_image(p, each - 8), Text(_markup(p.caption), styles["caption"])]
             for p in block.items]  # fmt: skip
    cells += [[]] * (-len(cells) % columns)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return [Grid(rows, colWidths=[each] * columns, style=style)]


def _image(image: ReportImage, width: float) -> Flowable:
    from reportlab.platypus import Image

    # a page is about 700 points high; a tall image leaves room for its heading
    width = min(width, 560 * image.width / image.height)
    height = width * image.height / image.width
    return Image(io.BytesIO(image.content), width, height, hAlign="LEFT")


@cache
def _numbered_canvas() -> Any:
    from reportlab.pdfgen.canvas import Canvas

    class NumberedCanvas(Canvas):  # type: ignore[misc, unused-ignore]
        """Holds every page back until it is known how many there are."""

        def __init__(self, *args: Any, document: Document, **options: Any) -> None:
            super().__init__(*args, **options)
            self._document = document
            self._held: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._held.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._held, start=1):
                self.__dict__.update(page)
                _draw_footer(self, self._document, number, len(self._held))
                super().showPage()
            super().save()

    return NumberedCanvas


def _draw_footer(canvas: Any, document: Document, number: int, count: int) -> None:
    width = canvas._pagesize[0]
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(_MARGIN, 40, width - _MARGIN, 40)
    canvas.setFillColor(SOFT)
    canvas.setFont("gaitproof", 6.4)
    canvas.drawString(_MARGIN, 30, f"SHA-256 of the content: {document.sha256}")
    canvas.drawRightString(width - _MARGIN, 30, f"page {number} of {count}")

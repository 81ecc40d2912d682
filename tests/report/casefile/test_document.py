import doctest
import html
import io
import re
from dataclasses import replace

import pypdf
import pytest
from scripted import make_band, make_card
from scripted_masks import joined_of

from gaitproof.report.casefile import blocks, compose, seal
from gaitproof.report.casefile.blocks import WALKS, likelihood_sentence
from gaitproof.report.casefile.pdf import render_pdf
from gaitproof.report.page import render
from gaitproof.types import Decision


def texts_of(block):
    """Every text that a block shows."""
    if isinstance(block, blocks.Images):
        return [p.caption for p in block.items]
    if isinstance(block, blocks.Facts | blocks.Bullets):
        rows = block.rows if isinstance(block, blocks.Facts) else block.items
        return [cell for row in rows for cell in row]
    if isinstance(block, blocks.Table):
        return [*block.head, *(c for row in block.rows for c in row)]
    return [block.headline if isinstance(block, blocks.Finding) else block.text]


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_doctests():
    assert doctest.testmod(blocks).failed == 0


@pytest.mark.slow
@pytest.mark.parametrize("decision", list(Decision))
def test_html_and_pdf_say_everything_that_is_to_be_said(reports, decision):
    content = reports[decision]
    assert content.verdict.decision is decision
    composed = compose(seal(content))
    whole = render("casefile", document=composed)
    # markup in names is text; unescape makes it look like tags again
    shown = [squeezed(html.unescape(page)) for page in (whole, re.sub(r"<[^>]*>", " ", whole))]
    pdf = pypdf.PdfReader(io.BytesIO(render_pdf(composed)))
    # the footer of every page stands between the texts of two pages
    pages = [re.sub(r"SHA-256 of the content: \w+\s*page \d+ of \d+", "", p.extract_text())
             for p in pdf.pages]  # fmt: skip
    written = squeezed("".join(pages))
    for block in composed.blocks:
        for text in texts_of(block):
            for line in text.split("\n"):
                assert any(squeezed(line) in page for page in shown), line
                assert squeezed(line) in written, line
    assert pdf.metadata.title == composed.title


def test_names_are_data_not_markup(report):
    page = render("casefile", document=compose(seal(report)))
    assert "<b>Ångström" not in page
    assert "Zoë &lt;b&gt;Ångström" in page


@pytest.mark.slow
def test_characters_that_the_font_lacks_are_told_by_number(make_report):
    composed = compose(seal(make_report(claim="李")))
    assert "李" in render("casefile", document=composed)
    text = pypdf.PdfReader(io.BytesIO(render_pdf(composed))).pages[0].extract_text()
    assert "[U+674E]" in text


def test_pages_load_nothing(report):
    page = render("casefile", document=compose(seal(report)))
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(([^)]*)\)""", page)
    assert len(addresses) >= 5
    assert all((a or b).startswith("data:") for a, b in addresses)
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


@pytest.mark.slow
def test_texts_longer_than_a_page_are_split(report):
    verdict = replace(report.verdict, notes=("<img src=x>" + 9000 * "y",), source=9000 * "z ")
    changed = report.model_copy(update={"verdict": verdict, "command": 19_000 * "x"})
    reader = pypdf.PdfReader(io.BytesIO(render_pdf(compose(seal(changed)))))
    assert len(reader.pages) > 6


@pytest.mark.slow
def test_rendering_is_repeatable(report):
    composed = compose(seal(report))
    assert render_pdf(composed) == render_pdf(composed)
    assert render("casefile", document=composed) == render("casefile", document=composed)


@pytest.mark.slow
def test_the_hash_stands_on_every_page(report):
    sealed = seal(report)
    reader = pypdf.PdfReader(io.BytesIO(render_pdf(compose(sealed))))
    assert len(reader.pages) > 2
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert sealed.content_sha256 in text
        assert f"page {number} of {len(reader.pages)}" in text


def test_no_score_no_weight(reports):
    page = render("casefile", document=compose(seal(reports["INCONCLUSIVE"])))
    assert "No score was made" in page
    assert "times as probable" not in page
    assert "no sign of a forgery" in page


@pytest.mark.slow
def test_a_model_that_tells_no_distribution(make_report):
    content = make_report(scores=None)
    assert len(content.evidence) == 1
    assert "does not tell how the scores" in render("casefile", document=compose(seal(content)))


@pytest.mark.slow
def test_the_band_is_told(make_report):
    point = make_card().operating_point.model_copy(update={"inconclusive": make_band(0.9, 0.94)})
    page = " ".join(
        render("casefile", document=compose(seal(make_report(operating_point=point)))).split()
    )
    assert "0.940 or more, and refused where it is below 0.900" in page
    assert "left undecided" in page


@pytest.mark.parametrize(
    ("log10_lr", "part"),
    [
        (0.2, "about as probable"),
        (1.0, "about 10 times as probable if the claimed person walks"),
        (-1.5, "about 32 times as probable if somebody else walks"),
        (1.9, "the calculation is cut off there"),
    ],
)
def test_likelihood_in_a_sentence(log10_lr, part):
    sentence = likelihood_sentence(log10_lr, 1.9, WALKS)
    assert part in sentence
    assert ("cut off" in sentence) == (log10_lr == 1.9)


def test_enrolled_files_are_told(report):
    assert [e.used for e in report.enrolled] == [True, True]
    page = render("casefile", document=compose(seal(report)))
    for entry in report.enrolled:
        assert entry.sha256 in page


def test_a_relaxed_gate_is_told(report):
    gate = report.settings.quality.model_copy(update={"min_person_height": 10.0})
    relaxed = report.model_copy(
        update={"settings": report.settings.model_copy(update={"quality": gate})}
    )
    page = " ".join(render("casefile", document=compose(seal(relaxed))).split())
    assert "quality.min_person_height is 10.0 instead of 120.0" in page
    assert "hold for the shipped ones only" in page
    assert "Changed settings" not in render("casefile", document=compose(seal(report)))


def test_signals_that_were_joined_are_told_apart_and_together(report):
    content = report.model_copy(update={"verdict": joined_of(report.verdict)})
    written = " ".join(t for block in compose(seal(content)).blocks for t in texts_of(block))
    assert (
        "must also be supported by the silhouettes, by a log₁₀ likelihood ratio of 0.50" in written
    )
    assert "Both together: ten made people." in written
    assert written.count("+0.35 on other footage") == 1
    assert "supports no likelihood ratio beyond 10" in written


def test_signals_relative_to_other_people_are_told_side_by_side(report):
    verdict = joined_of(report.verdict, 1.4)
    signals = tuple(replace(one, references=5) for one in verdict.signals)
    joined = replace(verdict.joined, relative=True, accepts_from=1.0)
    changed = replace(verdict, signals=signals, joined=joined)
    page = compose(seal(report.model_copy(update={"verdict": changed})))
    text = " ".join(t for block in page.blocks for t in texts_of(block))
    assert "Either decides the claim by a log₁₀ likelihood ratio of 1.00 or more" in text
    assert text.count("relative to 5 other people") == 2  # joints and silhouettes
    assert "so that they are not drawn beside it" in text
    assert "wrong at the threshold alone" not in text

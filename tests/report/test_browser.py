"""The page in a real browser."""

import numpy as np
import pytest
from chromium import browser, needs_chromium, open_file

from gaitproof.media.encode import VideoWriter
from gaitproof.report.images import to_data_uri
from gaitproof.report.page import PageImage, VerdictCard, render
from gaitproof.types import Decision

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture
def page_text(make_verdict):
    photo = PageImage(
        to_data_uri(np.full((225, 400, 3), 90, np.uint8)), 400, 225, "Ann walking", "a"
    )
    cards = tuple(
        VerdictCard(
            f"A rather long title for the trial that ends {decision}",
            make_verdict(decision, claim="Maximiliane-Alexandrina Featherstonehaugh-Cholmondeley"),
            "What is known of it.",
            (photo, photo, photo),
            Decision(decision),
            f"clips/{'very-long-name-' * 6}{decision}.mp4",
        )
        for decision in ("AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE")
    )
    story = {
        "people": [{"name": "Ann", "recordings": 2, "images": (photo, photo)}],
        "cards": cards,
        "refused_claim": ("Eve", "Eve is not enrolled."),
        "seed": 0,
        "seconds": 60.0,
        "made": "now",
    }
    return render("demo", story=story)


@pytest.fixture
def chromium():
    with browser() as opened:
        yield opened


def test_page_fits_every_screen_and_asks_for_nothing(page_text, chromium, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(page_text, encoding="utf-8")
    page, requests, complaints = open_file(chromium, file)
    assert page.locator("tr.trial").count() == 3
    assert page.locator("article.card").count() == 4
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{over} pixels too wide at {width}"
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('img,table,.scale,code')]"
            ".map(e => e.getBoundingClientRect().right))"
        )
        assert widest <= width
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    rows = page.locator("tr.trial").all_inner_texts()
    assert [word in row for word, row in zip(Decision, rows, strict=True)] == [True] * 3
    page.emulate_media(media="print")
    assert page.locator("tr.trial").first.is_visible()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def test_explanation_page_fits_every_screen_and_plays_its_film(chromium, make_verdict, tmp_path):
    with VideoWriter(tmp_path / "overlay.mp4", 30, (640, 360)) as writer:
        for shade in range(30):
            writer.write(np.full((360, 640, 3), 5 * shade, np.uint8))
    picture = PageImage(to_data_uri(np.zeros((600, 1000, 3), np.uint8)), 1000, 600, "seen", "read")
    story = {
        "card": VerdictCard(title="The verdict", verdict=make_verdict("DEEPFAKE")),
        "sections": (("Which joints decided", picture),) * 2,
        "film": "overlay.mp4",
        "scope": "The similarity of the joints.",
        "method": "occlusion",
        "baseline": "the average",
        "trust": None,
    }
    file = tmp_path / "index.html"
    file.write_text(render("explanation", story=story), encoding="utf-8")
    page, requests, complaints = open_file(chromium, file)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    assert page.evaluate("document.querySelector('video').videoWidth") == 640
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{over} pixels too wide at {width}"
    assert {url for url in requests if not url.startswith("data:")} == {
        file.as_uri(),
        (tmp_path / "overlay.mp4").as_uri(),
    }
    assert complaints == []

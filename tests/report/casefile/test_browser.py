"""The report in a real browser."""

import shutil

import pytest
from made_joint import make_face

from gaitproof.report.casefile import compose, seal
from gaitproof.report.casefile.write import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.mark.parametrize("face", [False, True])
def test_report_fits_every_screen_and_asks_for_nothing(make_report, with_face, tmp_path, face):
    from playwright.sync_api import sync_playwright

    file = tmp_path / "report.html"
    name = "Maximiliane-Alexandrina Featherstonehaugh-Cholmondeley-Wriothesley"
    report = with_face("AUTHENTIC", make_face("FAKE", -1.0)) if face else make_report(claim=name)
    file.write_text(render_html(compose(seal(report))), encoding="utf-8")
    requests, complaints = [], []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(file.as_uri())
        for width in (360, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            widest = page.evaluate(
                "Math.max(...[...document.querySelectorAll('body *')]"
                ".map(e => e.getBoundingClientRect().right))"
            )
            assert widest <= width
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        chromium.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []

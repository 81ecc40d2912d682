"""The report in a real browser."""

import pytest
from chromium import browser, needs_chromium, open_file
from synthetic_joint import make_face

from gaitproof.report.casefile import compose, seal
from gaitproof.report.page import render

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.mark.parametrize("face", [False, True])
def test_report_fits_every_screen_and_asks_for_nothing(make_report, with_face, tmp_path, face):
    file = tmp_path / "report.html"
    name = "Maximiliane-Alexandrina Featherstonehaugh-Cholmondeley-Wriothesley"
    report = with_face("AUTHENTIC", make_face("FAKE", -1.0)) if face else make_report(claim=name)
    file.write_text(render("casefile", document=compose(seal(report))), encoding="utf-8")
    with browser() as chromium:
        page, requests, complaints = open_file(chromium, file)
        for width in (360, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            widest = page.evaluate(
                "Math.max(...[...document.querySelectorAll('body *')]"
                ".map(e => e.getBoundingClientRect().right))"
            )
            assert widest <= width
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []

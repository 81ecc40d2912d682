import doctest
import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import make_band
from scripted_masks import joined_of

from gaitproof.report import page
from gaitproof.report.page import (
    PageImage,
    VerdictCard,
    environment,
    error_rate_text,
    likelihood_text,
    render,
)
from gaitproof.types import Decision, ErrorRate

VERDICT = """{% extends "base.html.j2" %}
{% import "parts.html.j2" as parts %}
{% block body %}{{ parts.card(card) }}
{{ parts.operating_point(card.verdict) }}{{ parts.limits() }}{% endblock %}
"""

PICTURE = PageImage("data:image/jpeg;base64,AAAA", 4, 3, "Ann walking", "This video, 1.0 s")


@pytest.fixture
def story(make_verdict):
    cards = [
        VerdictCard(
            f"trial {decision}",
            make_verdict(decision),
            "What is known.",
            (PICTURE,),
            Decision(decision),
            f"clips/{decision}.mp4",
        )
        for decision in ("AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE")
    ]
    return {
        "people": [
            {"name": "Ann", "recordings": 2, "images": (PICTURE,)},
            {"name": "Ben", "recordings": 2, "images": ()},
        ],
        "cards": cards,
        "refused_claim": ("Eve", "'Eve' is not enrolled."),
        "seed": 7,
        "seconds": 123.4,
        "made": "2026-01-02 03:04",
    }


def render_verdict(card):
    """Return a page of one card, as the demo and explanations have it among others."""
    return environment().from_string(VERDICT).render(card=card)


def test_doctests():
    assert doctest.testmod(page).failed == 0


def test_demo_page_tells_every_trial(story):
    text = render("demo", story=story)
    assert text.count('<tr class="trial">') == 3
    assert "3 of 3 verdicts as expected" in text
    assert "unexpected" not in text
    for card in story["cards"]:
        assert html.escape(card.verdict.headline) in text
        assert card.file in text
    assert "&#39;Eve&#39; is not enrolled." in text


def test_demo_page_says_when_a_verdict_is_wrong(story):
    wrong = replace(story["cards"][0], expected=Decision.DEEPFAKE)
    text = render("demo", story=story | {"cards": (wrong, *story["cards"][1:])})
    assert "2 of 3 verdicts as expected" in text
    assert "<strong>unexpected</strong>" in text
    assert "the right answer is DEEPFAKE" in text


def test_demo_page_says_when_an_unknown_claim_was_accepted(story):
    text = render("demo", story=story | {"refused_claim": ("Eve", None)})
    assert "was accepted; it should have been refused" in text


@pytest.mark.parametrize("decision", ["AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE"])
def test_verdict_page_holds_the_evidence(make_verdict, decision):
    verdict = make_verdict(decision)
    text = render_verdict(VerdictCard("A video", verdict))
    assert html.escape(verdict.headline) in text
    assert verdict.plain in text
    assert verdict.source_sha256 in text
    assert "does not prove" in text
    assert ('class="scale' in text) == (decision != "INCONCLUSIVE")


def test_the_inconclusive_band_is_told(make_verdict):
    band = make_band(0.9, 0.93)
    text = " ".join(render_verdict(VerdictCard("A video", make_verdict(band=band))).split())
    assert "a claim is accepted from 0.930 and refused below 0.900; between them" in text
    assert "strength is below 2 times, nothing is decided" in text
    assert "3.3 % (95 % interval 1.0 % to 6.0 %) of comparisons with somebody else" in text
    assert "22 % (95 % interval 10 % to 30 %) of comparisons with the right person" in text
    assert "left: 90.00%; width: 3.00%" in text
    without = render_verdict(VerdictCard("A video", make_verdict()))
    assert "a claim is accepted from 0.914" in without
    assert "left undecided" not in without


def test_joined_signals_are_told(make_verdict):
    text = html.unescape(render_verdict(VerdictCard("t", joined_of(make_verdict("AUTHENTIC")))))
    assert "accepted only if the silhouettes count +0.50 or more" in text
    assert text.count("+0.35 on other footage") == 1
    assert "measured on ten made people" in text


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"known": "drawn walkers"},
            "joints and silhouettes, added up as measured on drawn walkers, decide from a log"
            "<sub>10</sub> likelihood ratio of 1.00 on",
        ),
        ({"relative": True}, "ratio of 1.00 on, unless the other contradicts it"),
    ],
)
def test_where_both_decide_no_threshold_does(make_verdict, changes, rule):
    verdict = joined_of(make_verdict("AUTHENTIC", band=make_band(0.90, 0.93)))
    signals = tuple(replace(one, counts=None) for one in verdict.signals)
    joined = replace(verdict.joined, accepts_from=1.0, **changes)
    verdict = replace(verdict, signals=signals, joined=joined)
    text = html.unescape(render_verdict(VerdictCard("t", verdict)))
    assert rule in " ".join(text.split())
    for wrong in ("does not decide", "accepted only if", "a claim is accepted from"):
        assert wrong not in text


def test_pages_load_nothing(story):
    for text in (render("demo", story=story), render_verdict(story["cards"][0])):
        addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(([^)]*)\)""", text)
        assert addresses
        assert all((a or b).startswith("data:") for a, b in addresses)
        assert "http://" not in text
        assert "https://" not in text
        assert "<script" not in text
        assert "default-src 'none'" in text


@pytest.mark.slow
@given(st.text(min_size=1, max_size=40))
def test_names_are_data_not_markup(name):
    from gaitproof.types import QualityReport, Verdict

    rate = ErrorRate(0, 0, 1)
    hostile = f"<img src=x onerror=alert(1)>{name}"
    verdict = Verdict(
        Decision.DEEPFAKE, hostile, "", 0.5, -1.0, 2.0, 0.9, rate, rate,
        QualityReport(True, warnings=(hostile,)), hostile, hostile, 1, hostile, hostile, hostile, 1,
        (hostile,),
    )  # fmt: skip
    text = render_verdict(VerdictCard(hostile, verdict, hostile, file=hostile))
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "as likely from the claimed person as from somebody else"),
        (-0.01, "as likely from the claimed person as from somebody else"),
        (1.0, "about 10 times as likely from the claimed person as from somebody else"),
        (-1.0, "about 10 times as likely from somebody else as from the claimed person"),
        (
            2.5,
            "about 320 times as likely from the claimed person as from somebody else, the largest",
        ),
        (
            -2.5,
            "about 320 times as likely from somebody else as from the claimed person, the largest",
        ),
        (0.4, "about 2.5 times"),
    ],
)
def test_likelihood_in_words(value, words):
    assert words in likelihood_text(value, bound=2.5)


@given(st.floats(-4, 4))
def test_likelihood_words_are_symmetric(value):
    one, other = likelihood_text(value, 4.0), likelihood_text(-value, 4.0)
    swapped = (
        other.replace("the claimed person", "@")
        .replace("somebody else", "the claimed person")
        .replace("@", "somebody else")
    )
    assert one == (other if "is as likely" in one else swapped)


def test_error_rate_names_its_interval():
    assert error_rate_text(ErrorRate(0.032, 0.011, 0.12)) == "3.2 % (95 % interval 1.1 % to 12 %)"

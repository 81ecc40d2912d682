import json

import pytest
from scripted import make_band

from gaitproof.types import Decision, QualityReport, WindowQuality


@pytest.mark.parametrize(
    ("decision", "status", "headline", "plain"),
    [
        ("AUTHENTIC", 0, "AUTHENTIC — Verified as Ann", "consistent"),
        ("DEEPFAKE", 1, "DEEPFAKE OF Ann", "inconsistent"),
        ("INCONCLUSIVE", 3, "INCONCLUSIVE — too few steps", "could not be compared"),
    ],
)
def test_the_three_answers(make_verdict, decision, status, headline, plain):
    verdict = make_verdict(decision)
    assert verdict.decision.exit_status == Decision(decision).exit_status == status
    assert verdict.headline == headline
    assert plain in verdict.plain


def test_a_verdict_becomes_json(make_verdict):
    verdict = make_verdict()
    data = json.loads(json.dumps(verdict.to_dict()))
    assert data["headline"] == verdict.headline
    assert data["decision"] == "AUTHENTIC"
    assert data["fmr"]["value"] == verdict.fmr.value
    assert data["quality"]["windows"][0]["usable"] is True


def test_usable_windows_are_counted():
    windows = tuple(WindowQuality(i, i + 2, i % 2 == 0) for i in range(5))
    assert QualityReport(usable=True, windows=windows).usable_windows == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 0.9, "high": 0.8},
        {"low": -0.1},
        {"high": 1.1},
        {"min_log10_lr": -1.0},
        {"target": 0},
    ],
)
def test_a_band_out_of_order_is_refused(changes):
    with pytest.raises(ValueError, match="the band needs"):
        make_band(**({"low": 0.8, "high": 0.9} | changes))


def test_a_compared_walk_that_decides_nothing_says_so(make_verdict):
    verdict = make_verdict("INCONCLUSIVE", similarity=0.9, log10_lr=0.1, band=make_band(0.8, 0.95))
    assert "too close to call" in verdict.plain
    assert verdict.to_dict()["band"]["low"] == 0.8

import json

import pytest

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

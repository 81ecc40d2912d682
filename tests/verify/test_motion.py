"""Whether motion looks generated stands beside a verdict and decides nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from rich.console import Console
from scripted import ScriptedEncoder, make_card

from gaitproof.cli.output import verdict_table
from gaitproof.gait.plausibility import MEASURES
from gaitproof.types import GaitWindows, MotionEvidence
from gaitproof.verify.filming import Filming, mean_motion
from gaitproof.verify.motion import mean_measures
from gaitproof.verify.typicality import footage_metric
from gaitproof.verify.verifier import Verifier


def judge_with(logit):
    card = SimpleNamespace(
        model_id="motion-test", threshold=1.0, least_references=3, spreads=(1.0,) * len(MEASURES)
    )
    return SimpleNamespace(card=card, judge=lambda windows, centre: np.full(len(windows), logit))


@pytest.fixture
def careful(tmp_path, extractor, make_video, monkeypatch):
    """Four enrolled people, all taken to be filmed in the same way."""
    loose = footage_metric().model_copy(update={"limit": 1e9})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: loose)
    encoder = ScriptedEncoder(make_card(evidence=EVIDENCE))
    verifier = Verifier.open(tmp_path / "g.db", encoder=encoder, extractor=extractor)
    for person in (0, 4, 10, 11):
        verifier.enroll(f"p{person}", [make_video({"person": person})])
    return verifier


def test_it_is_told_and_changes_no_decision(careful, make_video, monkeypatch):
    video = make_video({"person": 0, "take": 2})
    verdicts = {}
    for logit in (-4.0, 4.0):
        monkeypatch.setattr("gaitproof.verify.claims.shipped_judge", lambda s=logit: judge_with(s))
        verdicts[logit] = careful.verify(video, claim="p0")
    low, high = verdicts.values()
    assert not low.motion.looks_generated
    assert high.motion.looks_generated
    assert high.motion.references == 3
    same = replace(high, motion=low.motion, seconds=low.seconds)
    assert same == low
    assert "looks synthetic" in shown(high)
    assert "does not decide" in shown(low)
    assert high.to_dict()["motion"]["score"] == 4.0


def shown(verdict):
    console = Console(width=400)
    with console.capture() as capture:
        console.print(verdict_table(verdict))
    return capture.get()


def test_too_few_people_are_said(careful, make_video, monkeypatch):
    monkeypatch.setattr("gaitproof.verify.claims.shipped_judge", lambda: judge_with(0.0))
    careful.gallery.remove("p11")
    motion = careful.verify(make_video({"person": 0, "take": 2}), claim="p0").motion
    assert motion.score is None
    assert motion.plain.startswith("Motion was not judged. 2 of the 3")


def test_flat_and_missing_windows_are_not_measured():
    assert mean_measures(GaitWindows.empty()) == ()
    features = np.random.default_rng(0).normal(size=(1, 60, 78)).astype(np.float32)
    features[..., 2:36:3] = 0
    flat = GaitWindows(features, np.ones((1, 78), bool), np.zeros(1))
    assert mean_measures(flat) == ()


def test_filming_of_an_earlier_version_has_no_measures():
    old = Filming(domain="a/b/c", spreads=(0.0,) * 52)
    new = old.model_copy(update={"motion": (1.0, 3.0)})
    assert mean_motion([None, old]) == ()
    assert mean_motion([old, new]) == (1.0, 3.0)


def test_one_other_person_is_not_people():
    assert "1 other person;" in MotionEvidence(0.5, 1.0, 3, 1, "m").plain

"""What a comparison is worth: relative to reference footage, and only where it was tested."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evidence_cards import EVIDENCE, line
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedEncoder, make_card

from gaitproof.cli.output import show_verdict
from gaitproof.config import VerifySettings
from gaitproof.errors import ModelError
from gaitproof.nets.card import (
    EvidenceCard,
    IsotonicCalibration,
    ReferenceCalibration,
    ViewFigures,
)
from gaitproof.types import Decision, ErrorRate
from gaitproof.types.support import MODERATE
from gaitproof.verify.decision import decide_by_support, leaning
from gaitproof.verify.evidence import (
    Comparison,
    compare,
    offset,
    relative_cosines,
    state,
    within_tested,
)
from gaitproof.verify.signals import describe
from gaitproof.verify.typicality import footage_metric
from gaitproof.verify.verifier import Verifier


@pytest.fixture
def careful(tmp_path, extractor, monkeypatch):
    """A verifier whose model knows that it needs two people as references.

    Scripted walkers differ more than people do, so all of them count as filmed in the same way.
    """
    loose = footage_metric().model_copy(update={"limit": 1e9})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: loose)
    encoder = ScriptedEncoder(make_card(evidence=EVIDENCE))
    return Verifier.open(tmp_path / "g.db", encoder=encoder, extractor=extractor)


def enrol(verifier, make_video):
    for person in (0, 4):
        videos = [make_video({"person": person, "take": take}) for take in (0, 1)]
        verifier.enroll(f"p{person}", videos)


@pytest.mark.slow
def test_without_references_nothing_is_decided_and_the_remedy_is_named(careful, make_video):
    enrol(careful, make_video)
    for claim in ("p0", "p4"):
        verdict = careful.verify(make_video({"person": 0, "take": 2}), claim=claim)
        assert verdict.decision is Decision.INCONCLUSIVE
        assert "gaitproof reference add" in verdict.reason
        assert abs(verdict.log10_lr) <= 0.3 == verdict.log10_lr_bound
        assert verdict.signals[0].supported is False


@pytest.mark.slow
def test_with_references_claims_are_decided_relative_to_them(careful, make_video, capsys):
    enrol(careful, make_video)
    one = careful.add_references("street", [make_video({"person": 10})])
    verdict = careful.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert (one.people, one.added) == (1, 1)
    assert "1 of the 2 people" in verdict.reason
    more = [make_video({"person": person}) for person in (10, 11, 12)]
    assert careful.add_references("street", more).added == 2
    own = careful.verify(make_video({"person": 0, "take": 2}), claim="p0")
    other = careful.verify(make_video({"person": 0, "take": 2}), claim="p4")
    assert own.decision is Decision.AUTHENTIC
    assert other.decision is Decision.DEEPFAKE
    assert own.signals[0].references == 3
    assert own.threshold == pytest.approx(0.75)
    show_verdict(own)
    assert "3 other people" in capsys.readouterr().out
    assert own.fmr == ErrorRate(0.04, 0.0, 1.0)
    assert own.band is None


def test_what_was_not_compared_states_no_rates_of_the_training_data(careful, make_video):
    enrol(careful, make_video)
    verdict = careful.verify(make_video({"person": 0, "seconds": 1.0}), claim="p0")
    assert verdict.similarity is None
    assert verdict.band is None
    assert verdict.threshold == 1.0
    assert (verdict.fmr, verdict.fnmr) == (None, None)


@pytest.fixture
def counting(careful):
    """The same, of a model that knows how alike two recordings of one person are."""
    evidence = EVIDENCE.model_copy(update={"same_person": 0.9})
    encoder = ScriptedEncoder(make_card(evidence=evidence))
    extractor = careful._prober.extractor
    return Verifier.open(careful.gallery, encoder=encoder, extractor=extractor)


@pytest.mark.slow
def test_who_is_in_two_videos_is_one_reference(counting, make_video):
    enrol(counting, make_video)
    takes = [make_video({"person": 10, "take": take}) for take in (0, 1)]
    done = counting.add_references("street", takes)
    assert (done.people, done.added, done.recordings) == (1, 1, 2)
    verdict = counting.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert verdict.signals[0].references == 1
    assert "1 of the 2 people" in verdict.reason
    more = counting.add_references("street", [make_video({"person": 11}), takes[0]])
    assert (more.people, more.added, more.recordings) == (2, 1, 3)
    assert counting.verify(make_video({"person": 0, "take": 2}), claim="p0").signals[0].supported


def test_everybody_in_a_video_is_a_reference(careful, make_video):
    crowd = make_video({"person": 10}, {"person": 11}, {"person": 12})
    assert careful.add_references("street", [crowd]).people == 3


@pytest.mark.slow
def test_identification_decides_by_the_same_rule(careful, make_video):
    enrol(careful, make_video)
    video = make_video({"person": 0, "take": 2})
    assert not any(c.accepted for c in careful.identify(video).candidates)
    careful.add_references("street", [make_video({"person": p}) for p in (10, 11)])
    candidates = careful.identify(video).candidates
    assert [c.name for c in candidates if c.accepted] == ["p0"]


def test_a_video_of_nobody_is_said_and_stores_nothing(careful, make_video):
    with pytest.raises(Exception, match="nothing was stored"):
        careful.add_references("street", [make_video({"person": 1, "seconds": 0.5})])
    assert careful.gallery.references() == ()


@given(st.integers(0, 1000), st.floats(-3, 3))
def test_an_offset_common_to_all_is_taken_off(seed, size):
    rng = np.random.default_rng(seed)
    people, shift = rng.normal(size=(400, 8)), size * np.ones(8)
    a, b = rng.normal(size=(2, 8))
    plain = relative_cosines(a, b, offset(people))
    shifted = relative_cosines(a + shift, b + shift, offset(people + shift))
    assert shifted == pytest.approx(plain, abs=0.05)
    assert -1 <= plain <= 1


@pytest.mark.parametrize(
    ("estimators", "references", "ratio"),
    [((), 5, 1.4), (("scripted",), 5, 1.4), (("Vicon",), 5, 0.301), (("Vicon",), 0, 1.4)],
)
def test_joints_read_as_never_tested_support_nothing(estimators, references, ratio):
    card = EVIDENCE.model_copy(update={"estimators": estimators})
    for sign in (1, -1):
        comparison = Comparison(0.9, sign * 1.4, 2.0, references, supported=True, threshold=0.7)
        limited = within_tested(comparison, card, "scripted", 30.0)
        assert limited.log10_lr == pytest.approx(sign * ratio, abs=1e-3)
        assert bool(limited.reason) is (ratio < 1)


@pytest.mark.parametrize(("rate", "said"), [(10.0, False), (14.9, True), (float("nan"), True)])
def test_of_footage_slower_than_tested_nothing_is_said(rate, said):
    card = EVIDENCE.model_copy(update={"least_frame_rate": 15.0})
    comparison = Comparison(0.9, 1.4, 2.0, 5, supported=True, threshold=0.7)
    limited = within_tested(comparison, card, "scripted", rate)
    assert (limited == comparison) is said
    assert said or (limited.log10_lr, limited.supported) == (0.0, False)
    assert ("10 frames per second" in limited.reason) is not said


@pytest.mark.slow
def test_slow_footage_stays_open_where_the_gate_lets_it_through(make_video, careful, extractor):
    enrol(careful, make_video)
    evidence = EVIDENCE.model_copy(update={"least_frame_rate": 15.0})
    slow = Verifier.open(
        careful.gallery,
        encoder=ScriptedEncoder(make_card(evidence=evidence)),
        extractor=extractor,
        settings=VerifySettings.model_validate({"quality": {"min_frame_rate": 5.0}}),
    )
    video = make_video({"person": 0, "take": 2, "frame_rate": 12.0})
    careful.add_references("street", [make_video({"person": person}) for person in (10, 11, 12)])
    verdict = slow.verify(video, claim="p0")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "12 frames per second" in verdict.reason
    assert verdict.log10_lr == 0


def test_a_comparison_needs_references_of_its_own_model():
    encoder = ScriptedEncoder(make_card(evidence=EVIDENCE))
    one = np.float32(np.eye(42)[:1])
    with pytest.raises(ModelError, match="different lengths"):
        compare(encoder, one, one[0], np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("ratio", [-2.0, -MODERATE, -0.99, -0.2, 0.0, 0.2, 0.99, MODERATE, 2.0])
def test_decisions_need_moderate_support(ratio):
    decided = decide_by_support(ratio) is not Decision.INCONCLUSIVE
    assert decided == (abs(ratio) >= MODERATE)
    assert ("leans" in leaning(ratio)) == (abs(ratio) > 0.30103)
    assert ("towards" in leaning(ratio)) == (ratio > 0.30103)


def test_thresholds_are_where_moderate_support_begins():
    table = IsotonicCalibration(
        method="isotonic",
        similarities=(0.0, 0.5, 0.8),
        log10_lr=(-1.0, 0.0, 1.0),
        log10_lr_bound=2.0,
        subjects=10,
        mated_trials=1,
        nonmated_trials=1,
    )
    card = EvidenceCard(
        by_references=(ReferenceCalibration(references=0, calibration=table),), least_references=0
    )
    assert card.threshold(7) == 0.8
    assert EVIDENCE.threshold(5) == pytest.approx(0.75)
    assert EVIDENCE.threshold(0) == 1.0
    assert card.worst(3) == (ErrorRate(1.0, 0.0, 1.0), ErrorRate(1.0, 0.0, 1.0))


@pytest.mark.parametrize("counts", [(1,), (0, 0), (0, 5, 2)])
def test_a_card_begins_without_references_and_rises(counts):
    entries = [{"references": c, "calibration": line(1, 0, 1).model_dump()} for c in counts]
    with pytest.raises(ValueError, match="rise from 0"):
        EvidenceCard.model_validate_json(
            json.dumps({"by_references": entries, "least_references": 0})
        )


VIEWS = tuple(
    ViewFigures(
        degrees=degrees,
        people=20,
        wrong_authentic=ErrorRate(0.01, 0.0, 0.03),
        wrong_deepfake=ErrorRate(0.02, 0.0, 0.04),
        decided_nonmated=0.3,
        decided_mated=decided,
    )
    for degrees, decided in ((0, 0.8), (18, 0.6), (36, 0.4))
)


def say(card, compared):
    return state("silhouettes", card, compared, "", windows=3, template=None)


@pytest.mark.parametrize(("apart", "degrees"), [(0.0, 0), (12.0, 18), (26.0, 18), (45.0, 36)])
def test_the_figures_nearest_to_the_difference_of_view_are_told(apart, degrees):
    card = make_card(evidence=EVIDENCE.model_copy(update={"views": VIEWS}))
    compared = Comparison(0.7, 1.2, 2.0, 3, supported=True, threshold=0.7, apart=apart)
    signal = say(card, compared)
    assert (signal.at_view.apart, signal.at_view.degrees) == (apart, degrees)
    assert f"seen {apart:.0f} degrees from the nearest enrolled view" in describe(signal)
    assert "1.0 % of impostors are accepted" in describe(signal)


@pytest.mark.parametrize("changes", [{"apart": None}, {"supported": False}])
def test_nothing_is_told_of_views_where_nothing_is_decided(changes):
    card = make_card(evidence=EVIDENCE.model_copy(update={"views": VIEWS}))
    compared = Comparison(0.7, 1.2, 2.0, 3, supported=True, threshold=0.7, apart=3.0)
    assert say(card, replace(compared, **changes)).at_view is None
    assert say(make_card(evidence=EVIDENCE), compared).at_view is None

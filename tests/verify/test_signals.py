from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scripted_masks import MaskedExtractor, MaskEncoder, open_verifier

from gaitproof.errors import ModelError
from gaitproof.nets.card import LogisticCalibration
from gaitproof.types import Decision, ErrorRate, SignalEvidence
from gaitproof.verify.decision import TOO_CLOSE
from gaitproof.verify.signals import (
    AnswerRates,
    SignalWeight,
    SignalWeights,
    describe,
    join_signals,
    load_signal_weights,
)
from gaitproof.verify.verifier import Verifier

RATE = ErrorRate(0.02, 0.0, 0.05)


def rates(what: str) -> AnswerRates:
    return AnswerRates(
        wrong_nonmated=RATE,
        wrong_mated=RATE,
        undecided_nonmated=RATE,
        undecided_mated=RATE,
        measured_on=what,
    )


def weight(model_id: str, slope: float, crossing: float, bound: float = 1.0) -> SignalWeight:
    calibration = LogisticCalibration(
        slope=slope,
        intercept=-slope * crossing,
        log10_lr_bound=bound,
        subjects=10,
        mated_trials=10,
        nonmated_trials=90,
    )
    return SignalWeight(model_id=model_id, calibration=calibration, domains={"made": 10})


WEIGHTS = SignalWeights(
    signals={"joints": weight("scripted-1", 2.0, 0.9), "silhouettes": weight("masks-1", 20.0, 0.9)},
    log10_lr_bound=1.0,
    decides_at=0.5,
    both=rates("both"),
    silhouettes=rates("masks"),
    figures={},
    limits="tests only",
    fitted_on="2026-01-01",
)


def evidence(signal: str, similarity: float | None, model_id: str) -> SignalEvidence:
    return SignalEvidence(
        signal=signal,
        similarity=similarity,
        log10_lr=None if similarity is None else 1.5,
        log10_lr_bound=2.0,
        threshold=0.8,
        windows=3,
        model_id=model_id,
        template_id="t",
        template_recordings=2,
        reason="" if similarity is not None else "no mask",
    )


def pair(joints: float | None, masks: float | None) -> list[SignalEvidence]:
    return [
        evidence("joints", joints, "scripted-1"),
        evidence("silhouettes", masks, "masks-1"),
    ]


def test_what_counts_is_added_up():
    joined, told = join_signals(WEIGHTS, pair(0.8, 0.92))
    assert joined is not None
    assert [one.counts for one in told] == pytest.approx([-0.2, 0.4])
    assert joined.log10_lr == pytest.approx(0.2)
    assert (joined.signals, joined.measured_on) == (("joints", "silhouettes"), "both")


def test_silhouettes_alone_have_their_own_error_rates():
    joined, told = join_signals(WEIGHTS, pair(None, 0.92))
    assert joined is not None
    assert joined.log10_lr == pytest.approx(0.4)
    assert (joined.signals, joined.measured_on) == (("silhouettes",), "masks")
    assert told[0].counts is None


@pytest.mark.parametrize(
    "given_", [pair(0.9, None), pair(None, None), [*pair(0.9, None)[:1]]], ids=str
)
def test_without_silhouettes_nothing_is_joined(given_):
    assert join_signals(WEIGHTS, given_) == (None, tuple(given_))


@pytest.mark.parametrize("number", [0, 1])
def test_scores_of_another_model_are_not_joined(number):
    given_ = pair(0.9, 0.92)
    given_[number] = replace(given_[number], model_id="another")
    assert join_signals(WEIGHTS, given_)[0] is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_better_match_never_counts_for_less_and_stays_within_the_bound(joints, masks, more):
    low, _ = join_signals(WEIGHTS, pair(joints, masks))
    for higher in (pair(max(joints, more), masks), pair(joints, max(masks, more))):
        high, _ = join_signals(WEIGHTS, higher)
        assert low is not None
        assert high is not None
        assert -1.0 <= low.log10_lr <= high.log10_lr <= 1.0


@pytest.mark.parametrize(
    "change", [{"decides_at": 1.5}, {"signals": {"joints": weight("scripted-1", 1.0, 0.9)}}]
)
def test_weights_that_cannot_decide_are_refused(change):
    with pytest.raises(ValidationError):
        SignalWeights.model_validate(WEIGHTS.model_dump() | change)


def test_weights_are_read_from_a_file(tmp_path):
    file = tmp_path / "signals.json"
    file.write_text(WEIGHTS.model_dump_json())
    assert load_signal_weights(file) == WEIGHTS
    file.write_text(json.dumps({"version": "signals/2"}))
    with pytest.raises(ModelError):
        load_signal_weights(file)
    with pytest.raises(ModelError, match="experiments signals"):
        load_signal_weights(tmp_path / "none.json")


def test_the_words_say_what_counts():
    (joints, masks), none = join_signals(WEIGHTS, pair(0.8, 0.92))[1], pair(None, None)[1]
    assert "-0.20 on other footage" in describe(joints)
    assert "similarity 0.920 (threshold by itself 0.800)" in describe(masks)
    assert describe(none) == "not compared: no mask"
    assert "counts" not in describe(pair(0.8, None)[0])


@pytest.fixture
def takes(make_video):
    return [make_video({"person": 0, "take": take}) for take in range(3)]


def _verify(gallery, encoder, takes, width, extractor=None):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    verifier = Verifier.open(
        gallery,
        encoder=encoder,
        extractor=extractor or MaskedExtractor(width=width),
        mask_encoder=MaskEncoder(),
        weights=WEIGHTS,
    )
    return verifier.verify(takes[2], claim="ann")


@pytest.mark.parametrize(
    ("width", "decision"),
    [(20, Decision.AUTHENTIC), (44, Decision.DEEPFAKE), (29, Decision.INCONCLUSIVE)],
)
def test_the_joined_ratio_decides(gallery, encoder, takes, width, decision):
    verdict = _verify(gallery, encoder, takes, width)
    assert verdict.joined is not None
    assert verdict.decision is decision
    assert (verdict.log10_lr, verdict.log10_lr_bound) == (verdict.joined.log10_lr, 1.0)
    assert (verdict.fmr, verdict.fnmr, verdict.band) == (RATE, RATE, None)
    assert verdict.reason == (TOO_CLOSE if decision is Decision.INCONCLUSIVE else "")
    assert sum(one.counts for one in verdict.signals) == pytest.approx(
        verdict.log10_lr, abs=1.0 if abs(verdict.log10_lr) == 1.0 else 1e-9
    )


def test_somebody_small_is_judged_by_silhouettes_alone(gallery, encoder, takes, make_video):
    small = [*takes[:2], make_video({"person": 0, "take": 2, "height": 110.0})]
    verdict = _verify(gallery, encoder, small, 20)
    assert verdict.decision is Decision.AUTHENTIC
    assert verdict.joined is not None
    assert verdict.joined.signals == ("silhouettes",)
    assert verdict.similarity is None
    assert "px tall" in verdict.signals[0].reason


def test_of_other_models_the_joints_decide_alone_and_it_is_told(gallery, encoder, takes):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    other = WEIGHTS.model_copy(
        update={"signals": WEIGHTS.signals | {"silhouettes": weight("masks-2", 20.0, 0.9)}}
    )
    verifier = Verifier.open(
        gallery,
        encoder=encoder,
        extractor=MaskedExtractor(width=44),
        mask_encoder=MaskEncoder(),
        weights=other,
    )
    verdict = verifier.verify(takes[2], claim="ann")
    assert verdict.joined is None
    assert verdict.decision is Decision.AUTHENTIC
    assert any("other models" in note for note in verdict.notes)

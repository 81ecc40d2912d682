from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scripted import ScriptedEncoder, ScriptedExtractor
from scripted_masks import MaskedExtractor, MaskEncoder, open_verifier
from signal_weights import RELATIVE, WEIGHTS, rates, weight

from gaitproof.errors import ModelError
from gaitproof.types import Decision, MovementShare, SignalEvidence
from gaitproof.verify.decision import CONTRADICTION, NOT_BOTH
from gaitproof.verify.movement import AVERAGE_FILE, parse_average
from gaitproof.verify.signals import (
    KnownFootage,
    SignalWeights,
    describe,
    join_signals,
    load_signal_weights,
    settle,
)
from gaitproof.verify.verifier import Verifier


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


@pytest.mark.parametrize(
    ("joints", "masks", "together"),
    [(1.5, 0.97, 1.0), (1.5, 0.92, 0.4), (0.2, 0.97, 0.2), (1.5, 0.5, 0.0), (-1.5, 0.97, -1.5)],
)
def test_neither_signal_makes_up_for_the_other(joints, masks, together):
    given_ = pair(0.9, masks)
    joined, signals = join_signals(WEIGHTS, [replace(given_[0], log10_lr=joints), given_[1]])
    assert joined is not None
    assert joined.log10_lr == pytest.approx(together)
    assert signals[0].counts is None
    assert signals[1].counts == pytest.approx(np.clip(20 * (masks - 0.9), -1, 1))


@pytest.mark.parametrize(
    ("joints", "masks", "together"),
    [
        (0.3, 1.4, 1.4),
        (-0.9, 1.4, 1.4),
        (1.2, 0.5, 1.2),
        (1.2, -0.9, 1.2),
        (-1.2, 0.9, -1.2),
        (1.2, -1.4, 0.0),
        (-1.2, 1.4, 0.0),
        (1.2, 1.4, 1.4),
        (-0.5, 0.2, 0.2),
        (0.4, np.nan, 0.4),
        (np.nan, -1.4, -1.4),
    ],
)
def test_either_signal_settles_a_claim_unless_the_other_contradicts(joints, masks, together):
    assert settle(joints, masks) == pytest.approx(together)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_claims_are_settled_the_same_way_from_either_side(joints, masks):
    assert settle(-joints, -masks) == pytest.approx(-settle(joints, masks))
    assert abs(settle(joints, masks)) in (0.0, abs(joints), abs(masks))


def relative(joints: float, masks: float, *, supported: bool = True) -> list[SignalEvidence]:
    one, other = pair(0.9, 0.7)
    return [
        replace(one, log10_lr=joints, references=5, supported=True),
        replace(other, log10_lr=masks, references=5, supported=supported, log10_lr_bound=1.9),
    ]


def test_relative_to_other_people_both_are_settled_with_rates_of_their_own():
    joined, signals = join_signals(RELATIVE, relative(0.1, 1.4))
    assert joined is not None
    assert joined.relative
    assert (joined.log10_lr, joined.log10_lr_bound, joined.accepts_from) == (1.4, 1.9, 1.0)
    assert joined.measured_on == "other made people"
    assert signals[1].counts == 1.4
    assert "relative to 5 other people" in describe(signals[1])


KNOWN = WEIGHTS.model_copy(
    update={
        "known": KnownFootage(
            footage="made walkers",
            silhouettes_model="masks-1",
            intercept=-9.0,
            joints=1.0,
            silhouettes=10.0,
            log10_lr_bound=1.4,
            rates=rates("made walkers of other demos"),
        )
    }
)


@pytest.mark.parametrize(
    ("joints", "masks", "together"), [(1.2, 0.95, 1.4), (-1.5, 0.95, -1.0), (0.3, 0.9, 0.3)]
)
def test_on_known_footage_both_are_added_up(joints, masks, together):
    one, other = pair(0.9, masks)
    joined, signals = join_signals(KNOWN, [replace(one, log10_lr=joints), other])
    assert joined is not None
    assert joined.log10_lr == pytest.approx(together)
    assert (joined.known, joined.both_decide, joined.accepts_from) == ("made walkers", True, 1.0)
    assert joined.measured_on == "made walkers of other demos"
    assert signals[1].counts is None


def test_footage_is_not_known_to_other_silhouettes_nor_relative_to_people():
    one, other = pair(0.9, 0.97)
    known = KNOWN.known.model_copy(update={"silhouettes_model": "masks-0"})
    joined, _ = join_signals(KNOWN.model_copy(update={"known": known}), [one, other])
    assert joined is not None
    assert not joined.both_decide
    both = KNOWN.model_copy(update={"relative": RELATIVE.relative})
    joined, _ = join_signals(both, relative(0.1, 1.4))
    assert joined is not None
    assert (joined.relative, joined.known) == (True, "")


@pytest.mark.parametrize(
    ("weights", "supported"), [(WEIGHTS, True), (RELATIVE, False)], ids=["unmeasured", "few"]
)
def test_what_was_not_measured_relative_to_others_is_not_joined(weights, supported):
    given_ = relative(0.1, 1.4, supported=supported)
    assert join_signals(weights, given_) == (None, tuple(given_))


@pytest.mark.parametrize(
    "given_", [pair(0.9, None), pair(None, 0.9), pair(None, None), pair(0.9, None)[:1]], ids=str
)
def test_without_both_nothing_is_joined(given_):
    assert join_signals(WEIGHTS, given_) == (None, tuple(given_))


def test_support_is_asked_of_the_silhouette_model_that_was_measured():
    joints, masks = pair(0.9, 0.92)
    assert join_signals(WEIGHTS, [joints, replace(masks, model_id="another")])[0] is None
    assert join_signals(WEIGHTS, [replace(joints, model_id="another"), masks])[0] is not None


@given(st.floats(-2, 2), st.floats(0, 1), st.floats(-2, 2), st.floats(0, 1))
def test_a_better_match_never_counts_for_less(joints, masks, other, more):
    def together(ratio: float, similarity: float) -> float:
        known = pair(0.9, similarity)
        joined, _ = join_signals(WEIGHTS, [replace(known[0], log10_lr=ratio), known[1]])
        assert joined is not None
        assert joined.log10_lr <= min(1.0, max(ratio, 0.0))
        return joined.log10_lr

    low = together(joints, masks)
    assert low <= together(max(joints, other), masks)
    assert low <= together(joints, max(masks, more))


def test_weights_that_could_never_accept_are_refused():
    with pytest.raises(ValidationError):
        SignalWeights.model_validate(WEIGHTS.model_dump() | {"accepts_from": 1.5})


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
    _, masks = join_signals(WEIGHTS, pair(0.8, 0.92))[1]
    assert "+0.40 on other footage" in describe(masks)
    assert "similarity 0.920 (threshold by itself 0.800)" in describe(masks)
    assert describe(pair(None, None)[0]) == "not compared: no mask"
    assert "counts" not in describe(pair(0.8, None)[0])
    resting = replace(masks, rests_on=MovementShare(0.6, 0.2, 0.25, 0.98))
    assert "75 % on build and clothing, 25 % on movement" in describe(resting)


@pytest.fixture
def takes(make_video):
    return [make_video({"person": 0, "take": take}) for take in range(3)]


def _verify(gallery, encoder, takes, width, claim="ann"):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    verifier = Verifier.open(
        gallery,
        encoder=encoder,
        extractor=MaskedExtractor(width=width),
        mask_encoder=MaskEncoder(),
        weights=WEIGHTS,
    )
    return verifier.verify(takes[2], claim=claim)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "claim", "decision", "reason"),
    [
        (20, "ann", Decision.AUTHENTIC, ""),
        (44, "ann", Decision.INCONCLUSIVE, NOT_BOTH),
        (29, "ann", Decision.INCONCLUSIVE, NOT_BOTH),
        (20, "bob", Decision.DEEPFAKE, ""),
    ],
)
def test_a_claim_is_accepted_only_by_both(
    gallery, encoder, takes, make_video, width, claim, decision, reason
):
    other = [make_video({"person": 5, "take": take}) for take in range(2)]
    open_verifier(gallery, encoder).enroll("bob", other)
    verdict = _verify(gallery, encoder, takes, width, claim)
    assert verdict.joined is not None
    assert (verdict.decision, verdict.reason) == (decision, reason)
    assert verdict.log10_lr == verdict.joined.log10_lr
    assert verdict.log10_lr_bound == (1.0 if verdict.log10_lr > 0 else 2.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "others", "decision", "reason"),
    [
        (20, 30, Decision.AUTHENTIC, ""),
        (30, 30, Decision.INCONCLUSIVE, CONTRADICTION),
    ],
    ids=["alike", "contradiction"],
)
def test_silhouettes_are_compared_relative_to_the_people_the_joints_are(
    gallery, make_video, own, others, decision, reason
):
    joints, masks, extractor = ScriptedEncoder(), MaskEncoder(), MaskedExtractor()
    for encoder in (joints, masks):
        encoder.card = encoder.card.model_copy(update={"evidence": EVIDENCE})
    verifier = open_verifier(gallery, joints, extractor, masks)
    verifier._weights = RELATIVE
    verifier.enroll("p0", [make_video({"person": 0, "take": take}) for take in (0, 1)])
    for person, width in ((10, others - 1), (11, others), (12, others + 1)):
        extractor.width = width
        verifier.add_references("street", [make_video({"person": person})])
    extractor.width = own
    verdict = verifier.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert [one.references for one in verdict.signals] == [3, 3]
    assert verdict.joined is not None
    assert verdict.joined.relative
    assert verdict.decision is decision
    assert verdict.reason == reason


def test_somebody_small_is_not_decided_but_their_silhouettes_are_shown(
    gallery, encoder, takes, make_video
):
    small = [*takes[:2], make_video({"person": 0, "take": 2, "height": 110.0})]
    verdict = _verify(gallery, encoder, small, 20)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert (verdict.joined, verdict.log10_lr) == (None, None)
    assert verdict.signals[1].similarity is not None
    assert "px tall" in verdict.reason
    assert verdict.notes == ()


def test_of_other_models_the_joints_decide_alone_and_it_is_told(gallery, encoder, takes):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    other = WEIGHTS.model_copy(update={"silhouettes": weight("masks-2", 20.0, 0.9)})
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
    silent = Verifier.open(gallery, encoder=encoder, extractor=ScriptedExtractor(), weights=other)
    assert silent.verify(takes[2], claim="ann").notes == ()


def test_what_is_shipped_fits_the_shipped_models():
    weights, folder = load_signal_weights(), files("gaitproof.verify") / "weights"
    assert weights is not None
    assert weights.average is not None
    content = (folder / AVERAGE_FILE).read_bytes()
    assert hashlib.sha256(content).hexdigest() == weights.average.sha256
    assert parse_average(content, AVERAGE_FILE).images.shape == (11, 10, 64, 44)

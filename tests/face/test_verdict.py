from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_face_model import make_card

from gaitproof.face.card import FaceConditions
from gaitproof.face.consistency import compute_consistency, compute_flicker, make_trace
from gaitproof.face.model import FaceCalibration, FaceDetectorCard
from gaitproof.face.verdict import (
    FaceDecision,
    calibrated,
    decide,
    in_words,
    side_of,
    to_probability,
)

CARD = FaceDetectorCard.model_validate(make_card(b""))
"""REAL from 0.6 on, FAKE below 0.4."""

TRACES = np.zeros((5, 56, 56), np.uint8)


@pytest.mark.parametrize(
    ("scores", "answer"),
    [
        ([0.9, 0.8, 0.7], FaceDecision.REAL),
        ([0.6, 0.6, 0.6], FaceDecision.REAL),
        ([0.5, 0.5, 0.5], FaceDecision.INCONCLUSIVE),
        ([0.1, 0.2, 0.3], FaceDecision.FAKE),
        ([0.9, 0.9], FaceDecision.INCONCLUSIVE),
        ([], FaceDecision.INCONCLUSIVE),
    ],
)
def test_the_mean_decides_outside_the_band(scores, answer):
    decision, reason = decide(
        float(np.mean(scores)) if scores else None, CARD, Counter(), len(scores)
    )
    assert decision is answer
    assert bool(reason) == (answer is FaceDecision.INCONCLUSIVE)


def test_too_few_pictures_name_the_commonest_reason():
    _, reason = decide(0.0, CARD, Counter({"too dark": 2, "too small": 7}), 1)
    assert "only 1" in reason
    assert "too small" in reason


@pytest.mark.parametrize(
    ("sides", "vote"),
    [([1, 1, -1], "genuine"), ([-1, -1, 0, 1], "manipulated"), ([0, 0], "none"), ([1, -1], "none")],
)
def test_pictures_vote_beside_the_mean(sides, vote):
    traces = np.zeros((len(sides), 56, 56), np.uint8)
    assert compute_consistency(np.full(len(sides), 0.5), sides, traces).majority == vote


def test_runs_of_agreeing_pictures():
    scores = np.array([0.9, 0.1, 0.2, 0.9, 0.3])
    consistency = compute_consistency(
        scores, [side_of(score, None, 0.5) for score in scores], TRACES
    )
    assert consistency.agreeing == pytest.approx(0.6)
    assert (consistency.longest_real, consistency.longest_fake, consistency.switches) == (1, 2, 3)
    assert consistency.variance == pytest.approx(np.var([0.9, 0.1, 0.2, 0.9, 0.3]))


def test_a_steady_face_agrees_entirely():
    consistency = compute_consistency(np.full(5, 0.9), [1] * 5, TRACES)
    assert (
        consistency.agreeing,
        consistency.longest_real,
        consistency.longest_fake,
        consistency.switches,
    ) == (1, 5, 0, 0)


def test_pictures_that_support_neither_side_do_not_agree():
    """Five scores of no evidence used to "agree 100 %" where all lay on one side."""
    consistency = compute_consistency(np.full(5, 0.6), [0] * 5, TRACES)
    assert (
        consistency.agreeing,
        consistency.genuine,
        consistency.manipulated,
        consistency.switches,
    ) == (None, 0, 0, 0)
    consistency = compute_consistency(np.full(5, 0.6), [1, 0, 0, -1, 1], TRACES)
    assert consistency.agreeing == pytest.approx(2 / 3)
    assert (consistency.genuine, consistency.manipulated, consistency.switches) == (0.4, 0.2, 2)
    assert (consistency.longest_real, consistency.longest_fake) == (1, 1)


@given(st.floats(0, 1), st.floats(-3, 3), st.floats(0.05, 3))
def test_probability_evidence_and_words_point_the_same_way(score, intercept, slope):
    calibration = FaceCalibration(slope=slope, intercept=intercept, log10_lr_bound=1.34, people=22)
    ratio = calibrated(score, calibration)
    probability = to_probability(score, ratio)
    assert probability >= 1 / 23 - 1e-3
    assert probability <= 22 / 23 + 1e-3
    assert (probability > 0.5) == (ratio < 0) or probability == pytest.approx(0.5)
    side = side_of(score, ratio, threshold=1 - score)
    assert {1: "a genuine face", 0: "either way", -1: "a manipulated face"}[side] in in_words(ratio)


def test_without_a_calibration_the_network_speaks():
    assert to_probability(0.25, None) == 0.75
    assert [side_of(score, None, 0.5) for score in (0.4, 0.5)] == [-1, 1]


def test_flicker_is_blind_to_brightness_and_sees_change():
    rng = np.random.default_rng(0)
    face = rng.integers(40, 160, (56, 56, 3), np.uint8)
    same, brighter, turned = map(make_trace, (face, face + np.uint8(30), face[::-1]))
    assert compute_flicker(np.stack([same, brighter])) < 0.6
    assert compute_flicker(np.stack([same, turned])) > 10
    assert compute_flicker(same[None]) == 0


@pytest.mark.parametrize(
    ("log10_lr", "words"),
    [
        (None, "not calibrated"),
        (0.1, "no support either way"),
        (0.9, "weak support for a genuine face"),
        (-1.5, "moderate support for a manipulated face"),
        (-3.5, "strong support for a manipulated face"),
    ],
)
def test_words(log10_lr, words):
    assert in_words(log10_lr) == words


def test_without_calibration_there_is_no_likelihood_ratio():
    assert calibrated(0.7, None) is None
    assert calibrated(0.5, FaceCalibration(slope=1, intercept=0.2, log10_lr_bound=1, people=9)) == (
        pytest.approx(0.2)
    )


EVALUATED = FaceConditions(
    light=(40, 120, 160),
    sharpness=(50, 180, 1000),
    size=(54, 268, 427),
    flicker=(2, 8, 40),
    contrast=(30, 70, 140),
    noise=(0.1, 0.2, 0.5),
    detail=(0.4, 0.8, 3),
)


@pytest.mark.parametrize(
    ("changed", "how", "refused"),
    [
        ({}, "", ""),
        ({"light": 40, "contrast": 30, "sharpness": 37.5, "size": 40.5, "noise": 0.55}, "", ""),
        ({"light": 160, "contrast": 140, "sharpness": 5000, "size": 2000}, "", ""),
        ({"light": 39}, "darker", "beyond"),
        ({"light": 161}, "brighter", "beyond"),
        ({"contrast": 29}, "lower in contrast", "incriminating"),
        ({"contrast": 141}, "higher in contrast", "flattering"),
        ({"sharpness": 37}, "less sharp", "flattering"),
        ({"size": 40}, "smaller", "beyond"),
        ({"noise": 0.6}, "noisier", "flattering"),
    ],
)
def test_what_a_model_was_not_evaluated_on_is_named(changed, how, refused):
    usual = {"light": 100, "contrast": 60, "sharpness": 90, "size": 90, "noise": 0.2, "detail": 1}
    reasons = say_unlike(EVALUATED, usual | changed)
    for kind, reason in reasons.items():
        named = f"the face is {how} than any the model was evaluated on (" in reason
        assert named == bool(how and kind == refused)
        assert bool(reason) == named
    # a card that does not say it
    unknown = ("contrast", "noise")
    before = EVALUATED.model_copy(update=dict.fromkeys(unknown))
    known = bool(how) and not set(changed) & set(unknown)
    assert any(say_unlike(before, usual | changed).values()) == known


def say_unlike(conditions, values):
    """Return what a card says of a face, by the answers that it keeps from being given."""
    takes = {
        "beyond": ("light", "size"),
        "flattering": ("contrast", "sharpness", "noise"),
        "incriminating": ("contrast", "detail"),
    }
    return {
        name: getattr(conditions, name)(*(values[one] for one in names))
        for name, names in takes.items()
    }


def test_figures_of_what_was_not_evaluated_can_be_told_apart():
    assert EVALUATED.beyond(39, 90).endswith("(39, limit 40)")
    assert EVALUATED.flattering(60, 90, 0.56).endswith("(0.56, limit 0.55)")


def test_noise_keeps_a_face_from_being_called_genuine_alone():
    for score, answer in ((0.1, FaceDecision.FAKE), (0.9, FaceDecision.INCONCLUSIVE)):
        assert decide(score, CARD, Counter(), 9, flattering="noisy")[0] is answer


def test_a_face_with_little_detail_is_not_called_forged():
    assert EVALUATED.incriminating(60, 0.5) == ""
    assert EVALUATED.model_copy(update={"detail": None}).incriminating(60, 0.0) == ""
    reason = EVALUATED.incriminating(60, 0.49)
    assert "fine detail" in reason
    assert "(0.49, limit 0.50)" in reason
    for score, answer in ((0.1, FaceDecision.INCONCLUSIVE), (0.9, FaceDecision.REAL)):
        decision = decide(score, CARD, Counter(), 9, incriminating=reason)
        assert decision == (answer, reason if answer is FaceDecision.INCONCLUSIVE else "")
    assert decide(0.1, CARD, Counter(), 9)[0] is FaceDecision.FAKE


def test_every_answer_has_its_own_status():
    statuses = {answer.exit_status for answer in FaceDecision}
    assert len(statuses) == 4
    assert 2 not in statuses

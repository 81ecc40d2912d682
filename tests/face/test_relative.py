from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portrait_clips import place, write_clip
from scripted_faces import ScriptedDetector
from tiny_face_model import make_card, make_weights, write_model

from gaitproof.errors import InputError, ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.card import FaceDetectorCard, FaceRelation
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.relative import score_references
from gaitproof.face.scan import scan_video
from gaitproof.face.verdict import FaceDecision, calibrated, decide, lower_lr, relate, side_of

RATE = {"value": 0.1, "low": 0.0, "high": 0.2}


def relation(shared=0.8, centre=2.0, **changes):
    fields = {
        "centre": centre,
        "shared": shared,
        "fake_below": 0.6,
        "false_real": RATE,
        "false_fake": RATE,
        "undecided": RATE,
        "people": 20,
        "conditions": "halves of one recording",
    }
    return FaceRelation.model_validate(fields | changes)


@given(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=5), st.floats(0, 1))
def test_a_face_that_scores_like_its_references_is_never_further_from_the_centre(
    score, references, shared
):
    relative = relation(shared)
    adjusted = relative.adjust(score, references)
    assert 0 <= adjusted <= 1
    if not references or not shared:
        assert adjusted == pytest.approx(min(max(score, 1e-6), 1 - 1e-6))
    # the more genuine the references look, the less a face does
    assert relative.adjust(score, [1.0] * len(references)) <= adjusted + 1e-9


def test_more_references_count_more_and_one_as_much_as_is_shared():
    relative = relation(0.5, centre=0.0)
    one, two, many = (relative.shift([0.9] * count) for count in (1, 2, 200))
    assert one == pytest.approx(np.log(9) / 2)
    assert two == pytest.approx(np.log(9) * 2 / 3)
    assert many == pytest.approx(np.log(9), rel=0.01)


def clip(folder, name, level):
    face = np.random.default_rng(1).normal(level, 12, (100, 100, 3)).clip(0, 255).astype(np.uint8)
    frames = [place([(face, 40 + 2 * i, 60, 80)], (320, 240), (0, 0, 0)) for i in range(12)]
    return write_clip(folder / name, frames)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    fields = {"alignment": AlignmentSettings(size=64, margin=0), "relation": relation()}
    return FaceForgeryModel.load(write_model(folder, make_weights(64), **fields))


@pytest.mark.slow
def test_genuine_video_counts_towards_manipulation_only(model, tmp_path):
    """The model takes dark faces for manipulated, also that of a person who always is as dark."""
    probe, genuine, bright = (clip(tmp_path, f"{level}.mp4", level) for level in (122, 121, 230))
    with ScriptedDetector() as detector:
        alone = scan_video(probe, model, detector=detector).faces[0]
        scores = score_references([genuine], model, detector=detector)
        own = scan_video(probe, model, detector=detector, references=tuple(scores.values()))
        other = score_references([bright], model, detector=detector)
        against = scan_video(probe, model, detector=detector, references=tuple(other.values()))
    assert alone.decision is not FaceDecision.REAL
    assert alone.relative is None
    assert own.faces[0].decision is alone.decision
    assert own.faces[0].score == alone.score < own.faces[0].relative.score
    assert any("1 genuine video" in note and "halves" in note for note in own.notes)
    assert against.faces[0].decision is FaceDecision.FAKE
    assert against.faces[0].relative.fake
    assert against.to_dict()["faces"][0]["relative"]["references"] == 1
    assert own.to_dict()["references"] == pytest.approx(list(scores.values()))


@pytest.mark.slow
def test_what_cannot_be_a_reference(model, tmp_path):
    empty = write_clip(tmp_path / "e.mp4", [np.zeros((240, 320, 3), np.uint8)] * 6)
    with ScriptedDetector() as detector, pytest.raises(InputError, match="No face can be judged"):
        score_references([empty], model, detector=detector)
    plain = FaceForgeryModel.load(write_model(tmp_path / "plain", make_weights(64)))
    with pytest.raises(ModelError, match="no 'relation'"):
        score_references([empty], plain)


CALIBRATION = {"slope": 1.0, "intercept": 0.0, "log10_lr_bound": 1.3, "people": 20}
POINT = make_card(b"")["operating_point"] | {"low": 0.2, "threshold": 0.5, "high": 0.8}


@pytest.mark.parametrize(
    ("score", "references", "answer"),
    [
        (0.9, [], FaceDecision.REAL),
        (0.5, [], FaceDecision.INCONCLUSIVE),
        (0.1, [], FaceDecision.FAKE),
        # looking like genuine video makes nothing better
        (0.9, [0.5], FaceDecision.REAL),
        (0.5, [0.01], FaceDecision.INCONCLUSIVE),
        (0.1, [0.01], FaceDecision.FAKE),
        # looking less genuine makes it worse
        (0.9, [0.97], FaceDecision.INCONCLUSIVE),
        (0.9, [0.999], FaceDecision.FAKE),
        (0.5, [0.9], FaceDecision.FAKE),
    ],
)
def test_relative_evidence_makes_no_face_more_genuine(score, references, answer):
    card = FaceDetectorCard.model_validate(
        make_card(b"") | {"calibration": CALIBRATION, "operating_point": POINT}
    )
    to_references = relation(1.0, centre=0.0, fake_below=0.2, calibration=CALIBRATION)
    relative = relate(score, to_references, references) if references else None
    decision, reason = decide(score, card, Counter(), 10, relative)
    assert decision is answer
    assert bool(reason) == (answer is FaceDecision.INCONCLUSIVE)
    alone = calibrated(score, card.calibration)
    whole = lower_lr(alone, relative)
    assert whole <= alone
    # answer, likelihood ratio and P(manipulated) point the same way
    sides = {FaceDecision.REAL: 1, FaceDecision.FAKE: -1}
    if decision in sides:
        assert side_of(score, whole, 0.5) == sides[decision]

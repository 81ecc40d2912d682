import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portrait_clips import place, write_clip
from scripted_faces import ScriptedDetector
from tiny_face_model import make_card, make_weights, write_model

from gaitproof.errors import InputError, ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.card import FaceRelation
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.relative import score_references
from gaitproof.face.scan import scan_video
from gaitproof.face.verdict import FaceDecision

POINT = make_card(b"")["operating_point"]


def relation(shared=0.8, centre=2.0, **changes):
    fields = {
        "centre": centre,
        "shared": shared,
        "operating_point": POINT | {"low": 0.6, "threshold": 0.7, "high": 0.8},
        "people": 20,
        "conditions": "halves of one recording",
    }
    return FaceRelation.model_validate(fields | changes)


@given(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=5), st.floats(0, 1))
def test_a_face_that_scores_like_its_references_is_never_further_from_the_centre(
    score, references, shared
):
    found = relation(shared)
    adjusted = found.adjust(score, references)
    assert 0 <= adjusted <= 1
    if not references or not shared:
        assert adjusted == pytest.approx(min(max(score, 1e-6), 1 - 1e-6))
    # the more genuine the references look, the less a face does
    assert found.adjust(score, [1.0] * len(references)) <= adjusted + 1e-9


def test_more_references_count_more_and_one_as_much_as_is_shared():
    found = relation(0.5, centre=0.0)
    one, two, many = (found.shift([0.9] * count) for count in (1, 2, 200))
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
def test_a_dark_face_is_judged_by_how_dark_its_person_always_is(model, tmp_path):
    """The model takes dark faces for manipulated; this person's genuine video is as dark."""
    probe, genuine, bright = (clip(tmp_path, f"{level}.mp4", level) for level in (122, 121, 230))
    with ScriptedDetector() as detector:
        alone = scan_video(probe, model, detector=detector).faces[0]
        scores = score_references([genuine], model, detector=detector)
        own = scan_video(probe, model, detector=detector, references=tuple(scores.values()))
        other = score_references([bright], model, detector=detector)
        against = scan_video(probe, model, detector=detector, references=tuple(other.values()))
    assert alone.decision is not FaceDecision.REAL
    assert alone.relative_score is None
    assert own.faces[0].decision is FaceDecision.REAL
    assert own.faces[0].score == alone.score < own.faces[0].relative_score
    assert any("1 genuine video" in note and "halves" in note for note in own.notes)
    assert against.faces[0].decision is FaceDecision.FAKE
    assert own.to_dict()["references"] == pytest.approx(list(scores.values()))


@pytest.mark.slow
def test_what_cannot_be_a_reference(model, tmp_path):
    empty = write_clip(tmp_path / "e.mp4", [np.zeros((240, 320, 3), np.uint8)] * 6)
    with ScriptedDetector() as detector, pytest.raises(InputError, match="No face can be judged"):
        score_references([empty], model, detector=detector)
    plain = FaceForgeryModel.load(write_model(tmp_path / "plain", make_weights(64)))
    with pytest.raises(ModelError, match="no 'relation'"):
        score_references([empty], plain)


def test_band_and_calibration_are_those_of_what_a_face_is_relative_to(model):
    card = model.card
    assert card.rule(relative=True) is card.relation
    assert card.rule(relative=False) is card
    assert card.model_copy(update={"relation": None}).rule(relative=True).relation is None

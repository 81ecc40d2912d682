from pathlib import Path

import numpy as np
import pytest
from drawn_stores import drawn_store
from tiny_face_model import make_card

from experiments.face_occlusion.occluders import OCCLUDERS, cover
from experiments.face_occlusion.trials import NOTHING, Tried, limit_for, refused, refused_of_others
from experiments.face_video.films import ORIGINAL, Film
from gaitproof.face.model import FaceDetectorCard
from gaitproof.face.verdict import FaceDecision


def grey(level=120, side=96):
    rng = np.random.default_rng(0)
    return rng.normal(level, 4, (side, side, 3)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", OCCLUDERS)
def test_an_occluder_changes_what_it_covers_and_little_else(name):
    face = grey()
    shown, mask = OCCLUDERS[name](face, np.random.default_rng(3))
    again, _ = OCCLUDERS[name](face, np.random.default_rng(3))
    np.testing.assert_array_equal(shown, again)
    change = np.abs(shown.astype(float) - face).mean(axis=2)
    assert 0.03 < mask.mean() < 0.6
    assert change[mask > 0.9].mean() > 10
    far = mask == 0
    assert np.median(change[far]) <= 1


def test_training_covers_parts_at_random():
    face, rng = grey().astype(np.float32), np.random.default_rng(0)
    shares = []
    for _ in range(40):
        shown, mask = cover(face, [grey(200)], rng)
        assert shown.shape == face.shape
        assert 0 <= mask.min() <= mask.max() <= 1
        shares.append(mask.mean())
    assert min(shares) < 0.1 < 0.3 < max(shares)


@pytest.mark.slow
def test_the_network_learns_and_is_exported():
    training = pytest.importorskip("experiments.face_occlusion.training")
    from gaitproof.face.occlusion import OcclusionModel

    faces = [grey(level, 192) for level in (60, 120, 180)]
    shown, cells = training.draw(faces, np.random.default_rng(0))
    assert shown.shape == (64, 64, 3)
    assert cells.shape == (8, 8)
    assert 0 <= shown.min() <= shown.max() <= 1
    model = OcclusionModel(training.export(training.train(faces, steps=2)))
    shares = model.shares(np.stack([face[::3, ::3] for face in faces]))
    assert shares.shape == (3,)
    assert ((shares > 0) & (shares < 1)).all()


def test_faces_are_read_from_the_clips_of_a_split(tmp_path):
    training = pytest.importorskip("experiments.face_occlusion.training")
    faces = training.read_faces([drawn_store(tmp_path, people=4, pictures=2)], "train")
    assert [face.shape for face in faces] == [(192, 192, 3)] * 4


def tried(person, covered, scores):
    film = Film(Path(f"{person}.mp4"), person, (person,), "genuine", ORIGINAL)
    return Tried(
        film,
        {NOTHING: np.full(10, covered), "hand": np.full(10, 0.6)},
        {NOTHING: np.full(10, scores), "hand": np.full(10, 0.1)},
    )


def test_a_gate_passes_over_what_is_covered():
    card = FaceDetectorCard.model_validate(make_card(b""))
    one = tried("a", 0.02, 0.9)
    assert one.answer(card, NOTHING, 0.2, 1) is FaceDecision.REAL
    assert one.answer(card, "hand", 1.0, 1) is FaceDecision.FAKE
    assert one.answer(card, "hand", 1.0, 2) is FaceDecision.INCONCLUSIVE
    assert one.answer(card, "hand", 0.2, 2) is FaceDecision.REAL
    assert one.answer(card, "hand", 0.2, 1) is FaceDecision.INCONCLUSIVE


def test_limits_are_those_of_other_people():
    trials = [tried("a", 0.05, 0.9), tried("b", 0.1, 0.9), tried("c", 0.3, 0.9)]
    assert limit_for(trials, 0.4) == pytest.approx(0.1)
    assert refused(trials, 0.1) == pytest.approx(1 / 3)
    assert refused(trials, 0.1, "hand") == 1
    assert refused_of_others(trials, 0.0) == pytest.approx(1 / 3)

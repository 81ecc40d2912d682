import numpy as np
import pytest
from face_scans import SIDE, make_face, make_model, make_scan

from gaitproof.report.face.evidence import lay_heat, most_suspicious, show_faces, weigh


@pytest.fixture(scope="module")
def model():
    return make_model()


def colourful(picture):
    """Return how far a frame is from grey."""
    return int(np.ptp(picture.astype(int), axis=-1).max())


def test_a_face_that_looks_genuine_stays_grey(model):
    scan = make_scan([make_face(1, [0.95] * 4, model), make_face(2, [0.2] * 4, model)])
    real, fake = show_faces(scan, model)
    assert real.heat.shape == real.crops.shape == (4, SIDE, SIDE, 3)
    assert colourful(real.heat) == 0
    assert colourful(fake.heat) > 60
    assert [frame.score for frame in fake.frames] == [0.2] * 4


def test_a_model_that_does_not_explain_itself(model):
    plain = make_model(maps=False)
    scan = make_scan([make_face(1, [0.2] * 4, plain)])
    assert show_faces(scan, plain)[0].heat is None


def test_only_shown_frames_are_told(model):
    scan = make_scan([make_face(1, [0.1, 0.2, 0.3, 0.4], model, shown=(1, 3))])
    (face,) = show_faces(scan, model)
    assert [frame.score for frame in face.frames] == [0.2, 0.4]
    assert len(face.crops) == len(face.heat) == 2


def test_a_face_without_pictures(model):
    scan = make_scan([make_face(1, [], model), make_face(2, [0.1] * 3, model, shown=())])
    assert [len(face.crops) for face in show_faces(scan, model)] == [0, 0]


def test_maps_count_as_much_as_their_picture_looks_manipulated(model):
    verdict, _ = make_face(1, [0.9, 0.1], model)
    maps = np.array([np.full((2, 2), 4), [[2, 0], [0, 4]]], np.float32)
    weighed = weigh(maps, verdict.frames, 4.0)
    few, many = (frame.probability_fake for frame in verdict.frames)
    assert few < 0.2 < 0.8 < many
    assert weighed[0] == pytest.approx(few)
    assert weighed[1].ravel() == pytest.approx([many / 2, 0, 0, many])
    assert not weigh(0 * maps, verdict.frames, 0.0).any()


def test_heat_is_where_the_strength_is_and_gets_lighter():
    crops = np.full((3, 70, 70, 3), 100, np.uint8)
    strengths = np.zeros((3, 7, 7), np.float32)
    strengths[0, 3, 1] = 0.45
    strengths[1, 3, 1] = 1.0
    weak, strong, nothing = lay_heat(crops, strengths)
    assert (nothing == 100).all()
    assert colourful(strong[35, 15]) > colourful(weak[35, 15]) > 20
    assert colourful(strong[35, 60]) == 0
    assert strong[35, 15].astype(int).sum() > weak[35, 15].astype(int).sum()
    # the outline is for the strong place only
    assert (strong > 220).all(axis=-1).any()
    assert not (weak > 220).all(axis=-1).any()


def test_the_most_suspicious_come_in_order_of_appearance(model):
    scores = (0.9, 0.1, 0.5, 0.3)
    faces = [make_face(i + 1, [score] * 3, model)[0] for i, score in enumerate(scores)]
    faces.append(make_face(5, [], model)[0])
    assert [face.number for face in most_suspicious(faces, 2)] == [2, 4]
    assert [face.number for face in most_suspicious(faces, 9)] == [1, 2, 3, 4, 5]

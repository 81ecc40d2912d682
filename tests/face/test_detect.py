from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portrait_clips import FACES, place, portraits
from scripted_faces import face_at

from gaitproof.errors import ModelError
from gaitproof.face.detect import (
    DetectorSettings,
    MediaPipeFaceDetector,
    YuNetDetector,
    create_detector,
    five_points,
    place_by_box,
    points_of_68,
    takes_simple_crops,
)
from gaitproof.face.track import compute_overlap, cut, merge, plan_tiles

pytestmark = pytest.mark.slow

YUNET = FACES.parents[1] / "models/face_detection_yunet_2023mar.onnx"

without_portraits = pytest.mark.skipif(not FACES.is_dir(), reason="no portraits")


@pytest.fixture(scope="module")
def detector():
    with MediaPipeFaceDetector() as made:
        yield made


@given(st.integers(48, 4000), st.integers(48, 4000), st.floats(10, 100))
def test_tiles_cover_the_picture_at_every_size(width, height, smallest):
    tiles = plan_tiles(width, height, smallest)
    finest = min(side for *_, side in tiles)
    assert finest * 0.085 <= smallest + 1 or finest >= max(width, height)
    for side in {side for *_, side in tiles}:
        for length, axis in ((width, 0), (height, 1)):
            starts = sorted({tile[axis] for tile in tiles if tile[2] == side})
            assert starts[0] <= 0
            assert starts[-1] + side >= length
            assert all(b - a <= side * 0.81 for a, b in pairwise(starts))


def test_cut_reaches_beyond_the_picture():
    image = np.full((10, 20, 3), 7, np.uint8)
    square = cut(image, -5, -5, 12)
    assert square.shape == (12, 12, 3)
    assert (square[5:, 5:] == 7).all()
    assert not square[:5].any()
    assert not cut(image, 100, 100, 4).any()


def test_overlap():
    a, b = face_at(50, 50).box, face_at(100, 50).box
    assert compute_overlap(a, b) == pytest.approx((1 / 3, 0.5))
    assert compute_overlap(a, face_at(500, 50).box) == (0, 0)
    assert compute_overlap(a, face_at(50, 50, 50).box) == pytest.approx((0.25, 1))


def test_merge_keeps_the_surest_of_the_same_face():
    kept = merge([face_at(50, 50, score=0.7), face_at(55, 50, score=0.9), face_at(300, 50)])
    assert [face.score for face in kept] == [0.9, 0.9]
    assert kept[0].centre[0] == 55


def test_five_points_turn_with_the_face():
    points = five_points(*np.array([(0.0, 0), (0, 10), (-5, 5), (-8, 5)]))
    np.testing.assert_allclose(points[3:], [(-8, 0.85), (-8, 9.15)])


def test_points_of_68():
    marks = np.arange(136.0).reshape(68, 2)
    np.testing.assert_allclose(points_of_68(marks)[2:, 0], [60, 96, 108])


def test_noise_and_emptiness_hold_no_face(detector):
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    for image in (noise, np.zeros((360, 640, 3), np.uint8), np.zeros((48, 48, 3), np.uint8)):
        assert detector.detect(image) == ()


def test_a_closed_detector_says_so():
    detector = MediaPipeFaceDetector()
    detector.close()
    detector.close()
    with pytest.raises(ValueError, match="closed"):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


class NoMesh:
    """Finds no mesh in anything."""

    multi_face_landmarks = None

    def process(self, image):
        return self

    def close(self):
        pass


@pytest.mark.parametrize(
    ("size", "wanted", "landmarks"),
    [(80, False, None), (80, True, "box"), (36, False, "detector"), (36, True, "detector")],
)
def test_without_a_mesh_a_face_is_placed_by_its_box_if_wanted(monkeypatch, size, wanted, landmarks):
    with MediaPipeFaceDetector(DetectorSettings(simple_crop=wanted)) as detector:
        assert takes_simple_crops(detector.identifier) == wanted
        seen = face_at(100, 90, size)
        monkeypatch.setattr(detector, "_find", lambda tile: [seen] if len(tile) == 400 else [])
        monkeypatch.setattr(
            "gaitproof.face.detect.plan_tiles", lambda width, height, least: [(0, 0, 400)]
        )
        monkeypatch.setattr(detector, "_mesh", NoMesh())
        faces = detector.detect(np.zeros((400, 400, 3), np.uint8))
        assert detector.fit_mesh(np.zeros((400, 400, 3), np.uint8), seen) is None
    assert [face.landmarks for face in faces] == ([] if landmarks is None else [landmarks])
    if landmarks == "box":
        width = float(np.ptp(seen.box[::2]))
        eyes = faces[0].points[:2]
        assert eyes[1, 0] - eyes[0, 0] == pytest.approx(0.38 * width)
        assert eyes[0, 1] == eyes[1, 1]


@pytest.mark.realdata
@without_portraits
@pytest.mark.slow
def test_a_simple_crop_lies_where_the_mesh_would_lay_it(detector):
    off = []
    for portrait in portraits(8):
        (face,) = detector.detect(portrait)
        assert face.landmarks == "mesh"
        off.append(np.linalg.norm(place_by_box(face).points - face.points, axis=1) / face.size)
    assert np.median(off) < 0.06


@pytest.mark.parametrize("backend", ["yunet", "dlib"])
def test_a_model_file_must_be_named_and_there(backend, tmp_path):
    with pytest.raises(ModelError, match="needs a model file"):
        create_detector(DetectorSettings(backend=backend))
    with pytest.raises(ModelError, match="There is no face detector"):
        create_detector(DetectorSettings(backend=backend, model_file=tmp_path / "none"))


def test_a_file_that_is_no_yunet_is_refused(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be used"):
        YuNetDetector(tmp_path / "x.onnx")


@pytest.mark.parametrize("width", [24, 48, 100, 300, 700])
@pytest.mark.realdata
@without_portraits
def test_faces_of_every_size_are_found(detector, width):
    # the box is about 0.4 of a portrait's width
    faces = detector.detect(place([(portraits(1)[0], 200, 10, width)]))
    assert len(faces) == 1
    assert abs(faces[0].centre[0] - (200 + width / 2)) < 0.15 * width
    assert 0.25 * width < faces[0].size < 0.6 * width
    assert (faces[0].mesh is not None) == (width >= 100)


@pytest.mark.realdata
@without_portraits
def test_thirty_faces_are_all_found(detector):
    many = [(p, 20 + 200 * (k % 6), 5 + 140 * (k // 6), 130) for k, p in enumerate(portraits(30))]
    assert len(detector.detect(place(many))) == 30


@pytest.mark.realdata
@pytest.mark.skipif(not YUNET.is_file() or not FACES.is_dir(), reason="no model or portraits")
def test_points_agree_with_yunet(detector):
    image = portraits(1)[0]
    (mine,) = detector.detect(image)
    with create_detector(DetectorSettings(backend="yunet", model_file=Path(YUNET))) as other:
        theirs = other.detect(image)[0]
    assert compute_overlap(mine.box, theirs.box)[0] > 0.5
    off = np.linalg.norm(mine.points - theirs.points, axis=1) / mine.size
    assert off.max() < 0.08

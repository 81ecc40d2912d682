import numpy as np
import pytest

from gaitproof.face.types import Face, FaceTrack

BOX, POINTS = (10, 20, 50, 80), np.arange(10.0).reshape(5, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box": (1, 2, 3)}, "shape"),
        ({"points": np.zeros((4, 2))}, "shape"),
        ({"mesh": np.zeros((478, 2))}, "shape"),
        ({"box": (10, 20, 10, 80)}, "empty"),
        ({"points": np.full((5, 2), np.nan)}, "finite"),
        ({"score": 1.2}, "within 0 to 1"),
    ],
)
def test_impossible_faces_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Face(**({"box": BOX, "points": POINTS, "score": 0.5} | change))


def test_geometry():
    face = Face(BOX, POINTS, 0.5)
    assert face.size == pytest.approx(np.sqrt(40 * 60))
    np.testing.assert_allclose(face.centre, (30, 50))
    other = face.mapped(2, (1, -1))
    np.testing.assert_allclose(other.box, (21, 39, 101, 159))
    np.testing.assert_allclose(other.points[1], (5, 5))


def test_a_face_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Face(BOX, POINTS, 0.5).box[0] = 1


def test_a_track_runs_forward():
    face = Face(BOX, POINTS, 0.5)
    assert len(FaceTrack((0.0, 0.5), (face, face), (0, 3))) == 2
    with pytest.raises(ValueError, match="increase"):
        FaceTrack((0.5, 0.5), (face, face), (0, 3))
    with pytest.raises(ValueError, match="each"):
        FaceTrack((0.5,), (face, face), (0, 3))

import cv2
import numpy as np
import pytest
from scripted_faces import face_at

from gaitproof.face.align import AlignmentSettings, transform_points
from gaitproof.face.quality import (
    FaceGate,
    assess,
    estimate_pose,
    measure_contrast,
    measure_grain,
    share_cut,
    share_outside,
)
from gaitproof.face.types import Face

SIZE = (640, 480)
NOISE = np.random.default_rng(0).integers(60, 200, (112, 112, 3), np.uint8)


def test_a_good_face_is_usable():
    quality = assess(face_at(300, 200), NOISE, SIZE)
    assert quality.usable
    assert quality.reasons == ()


@pytest.mark.parametrize(
    ("face", "crop", "reason"),
    [
        (face_at(300, 200, 20), NOISE, "too small"),
        (face_at(5, 200), NOISE, "outside"),
        (face_at(300, 200), NOISE // 30, "too dark"),
        (face_at(300, 200), np.full_like(NOISE, 128), "blurred"),
    ],
)
def test_a_bad_face_is_not(face, crop, reason):
    quality = assess(face, crop, SIZE)
    assert not quality.usable
    assert reason in quality.reasons[0]


def turned(face, nose):
    points = np.array(face.points)
    points[2] += nose
    return Face(face.box, points, face.score)


def test_pose_of_a_frontal_face_is_level():
    np.testing.assert_allclose(estimate_pose(face_at(300, 200)), 0, atol=4)


def test_signs_and_size_of_the_pose():
    face = face_at(300, 200)
    eyes = np.linalg.norm(face.points[1] - face.points[0])
    assert estimate_pose(turned(face, (0.3 * eyes, 0)))[0] > 20
    assert estimate_pose(turned(face, (-0.3 * eyes, 0)))[0] < -20
    assert estimate_pose(turned(face, (0, -0.2 * eyes)))[1] > 10
    far = assess(turned(face, (0.6 * eyes, 0)), NOISE, SIZE, FaceGate(max_yaw=50))
    assert "turned away" in far.reasons[0]


@pytest.mark.parametrize("angle", [-90, -20, 35, 170])
def test_roll_is_the_angle_of_the_picture(angle):
    face = face_at(0, 0)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = transform_points(face.points, np.array([(c, -s, 0), (s, c, 0)]))
    yaw, pitch, roll = estimate_pose(Face(face.box, points, 1))
    assert roll == pytest.approx(angle, abs=0.5)
    assert abs(yaw) < 4
    assert abs(pitch) < 4


def test_share_outside():
    assert share_outside(face_at(50, 50, 100), SIZE) == 0
    assert share_outside(face_at(0, 200, 100), SIZE) == pytest.approx(0.5)
    assert share_outside(face_at(-500, 200, 100), SIZE) == 1


def test_a_face_cut_by_the_edge_is_not_judged():
    """The detector's box may lie inside the frame while the aligned face reaches beyond it."""
    alignment = AlignmentSettings(size=112, margin=0.25)
    quality = assess(face_at(48, 200), NOISE, SIZE, alignment=alignment)
    assert not quality.usable
    assert quality.reasons[0].startswith("the face is cut by the edge of the frame (1")
    assert assess(face_at(48, 200), NOISE, SIZE).usable
    assert assess(face_at(300, 200), NOISE, SIZE, alignment=alignment).usable
    assert share_cut(face_at(-1000, 200), SIZE, alignment) == 1
    assert 100 < assess(face_at(300, 200), NOISE, SIZE).light < 160


@pytest.mark.parametrize("gain", [0.5, 0.9])
def test_contrast_is_that_of_the_face_and_follows_the_light(gain):
    crop = np.full((100, 100, 3), 128, np.uint8)
    assert measure_contrast(crop) == 0
    crop[:, :20] = 255  # the background beside the face
    assert measure_contrast(crop) == 0
    crop[:, 50:] = 60  # half of it in shadow
    assert measure_contrast(crop) == 68
    assert measure_contrast((gain * crop).astype(np.uint8)) == pytest.approx(68 * gain, abs=1)
    assert assess(face_at(300, 200), NOISE, SIZE).contrast == measure_contrast(NOISE)


def drawn_face(grain=0.0):
    """A slope with a straight edge, an eye, and hair about it."""
    rng = np.random.default_rng(0)
    face = np.broadcast_to(np.linspace(60, 180, 192)[:, None, None], (192, 192, 3)).copy()
    face[90:] += 40
    face[60:80, 60:80] = rng.uniform(0, 255, (20, 20, 1))
    face[:, :48] += rng.normal(0, 20, (192, 48, 1))
    face[:, -52:] += rng.normal(0, 20, (192, 52, 1))
    return (face + grain).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("colours", [1, 3])
def test_noise_is_told_from_structure(colours):
    assert measure_grain(drawn_face())[0] < 0.3
    grain = np.random.default_rng(1).standard_normal((192, 192, colours))
    two, four = (measure_grain(drawn_face(4 * times * grain))[0] for times in (1, 2))
    assert 2.5 < four < 5.5  # halving averages noise; the smoothest blocks have less
    assert two == pytest.approx(four / 2, rel=0.2)


def test_detail_is_that_of_the_surroundings_too():
    face = drawn_face()
    smooth = cv2.GaussianBlur(face, (0, 0), 4)
    swapped = face.copy()
    swapped[48:144, 48:144] = smooth[48:144, 48:144]
    _, whole = measure_grain(face)
    assert measure_grain(swapped)[1] == pytest.approx(whole, rel=0.1)
    assert measure_grain(smooth)[1] < 0.1 * whole
    quality = assess(face_at(300, 200), NOISE, SIZE)
    assert (quality.noise, quality.detail) == measure_grain(NOISE)

import numpy as np
import pytest
from drawn_faces import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.train.face import camera
from gaitproof.train.face.camera import Camera
from gaitproof.train.face.robust import encode_video

SEEDS = st.integers(0, 2**32 - 1)


def grain(part):
    """Return how much of a part is noise."""
    return float(np.diff(part.astype(float), axis=0).std())


def film(seed):
    return Camera(np.random.default_rng(seed))


@given(SEEDS, st.integers(60, 101), st.integers(60, 101))
@settings(max_examples=15, deadline=None)
def test_a_camera_keeps_the_shape_and_films_the_same_picture_alike(seed, height, width):
    image, landmarks = draw_face(0)
    image, points = image[60 : 60 + height, 60 : 60 + width], landmarks[:5] - 60
    frames = [film(seed).film(image, points) for _ in range(2)]
    assert frames[0].shape == image.shape
    assert frames[0].dtype == np.uint8
    np.testing.assert_array_equal(*frames)
    graded = [film(seed).grade(frame) for frame in frames]
    assert graded[0].shape == image.shape
    np.testing.assert_array_equal(*graded)


@pytest.mark.slow
def test_cameras_differ_and_hide_no_face():
    image, landmarks = draw_face(1)
    frames = [film(seed).film(image, landmarks[:5]) for seed in range(30)]
    change = [np.abs(frame.astype(float) - image).mean() for frame in frames]
    assert min(change) < 20 < max(change)
    # what is seen of the image is still the image
    alike = [
        np.corrcoef(frame.mean(axis=2).ravel(), image.mean(axis=2).ravel()) for frame in frames
    ]
    assert np.median([one[0, 1] for one in alike]) > 0.7


def test_grading_treats_twins_alike(monkeypatch):
    monkeypatch.setattr(camera, "_sharpen", lambda picture, rng: picture)
    genuine, landmarks = draw_face(2)
    forged = genuine.copy()
    row, column = landmarks[2].astype(int)[::-1]
    forged[row - 5 : row + 5, column - 5 : column + 5] = 255
    apart = (forged != genuine).any(axis=2)
    for seed in range(20):
        first, second = (film(seed).grade(one) for one in (genuine, forged))
        assert np.array_equal(first[~apart], second[~apart])


@pytest.mark.parametrize("kind", ["_relight", "_move", "_rescale", "_add_noise", "_sharpen"])
def test_every_change_changes_something(kind):
    image, _ = draw_face(3)
    changed = getattr(camera, kind)(image, np.random.default_rng(0))
    assert changed.shape == image.shape
    assert 0.2 < np.abs(changed.astype(float) - image).mean() < 80


def test_the_background_loses_sharpness_and_the_face_keeps_it():
    rng = np.random.default_rng(4)
    image, landmarks = draw_face(4, 320)
    points = landmarks[:5]
    noisy = (image.astype(int) + rng.integers(-40, 41, image.shape)).clip(0, 255).astype(np.uint8)
    soft = camera._blur_background(noisy, points, rng)
    row, column = points[2].astype(int)[::-1]
    face = (slice(row - 10, row + 10), slice(column - 10, column + 10))
    assert grain(soft[face]) > 0.8 * grain(noisy[face])
    assert grain(soft[:20, :20]) < 0.5 * grain(noisy[:20, :20])


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4"])
def test_video_codecs_lose_more_at_lower_quality(codec):
    image, _ = draw_face(5, 101)
    good, poor = (encode_video(image, codec, quality) for quality in (18, 40))
    errors = [np.mean((one.astype(float) - image) ** 2) for one in (good, poor)]
    assert good.shape == poor.shape == image.shape
    assert 0 < errors[0] < errors[1] < 2000

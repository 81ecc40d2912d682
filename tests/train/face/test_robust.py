import numpy as np
import pytest
from drawn_faces import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import InputError
from gaitproof.train.face.robust import Damage, encode_h264, encode_jpeg


@pytest.fixture(scope="module")
def picture():
    image = draw_face(0)[0]
    rng = np.random.default_rng(0)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def loss(image, damaged):
    return float(np.mean((damaged.astype(float) - image) ** 2))


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_damage_is_repeatable_and_keeps_shape(seed):
    image = draw_face(0)[0]
    damage = Damage.draw(np.random.default_rng(seed))
    assert damage == Damage.draw(np.random.default_rng(seed))
    first, second = damage.apply(image), damage.apply(image)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_no_damage_changes_nothing(picture):
    assert np.array_equal(Damage().apply(picture), picture)


def test_every_codec_is_drawn():
    rng = np.random.default_rng(0)
    drawn = [Damage.draw(rng) for _ in range(200)]
    assert {damage.codec for damage in drawn} == {"none", "jpeg", "h264"}
    assert all(16 <= damage.quality < 36 for damage in drawn if damage.codec == "h264")
    assert all(30 <= damage.quality < 100 for damage in drawn if damage.codec == "jpeg")


@pytest.mark.parametrize(
    ("mild", "strong"),
    [
        (Damage(codec="jpeg", quality=95), Damage(codec="jpeg", quality=30)),
        (Damage(codec="h264", quality=18), Damage(codec="h264", quality=40)),
        (Damage(scale=0.8), Damage(scale=0.3)),
        (Damage(blur=0.5), Damage(blur=2)),
        (Damage(noise=1, seed=1), Damage(noise=8, seed=1)),
        (Damage(light=(0.98, 1.02)), Damage(light=(0.7, 1.3))),
    ],
    ids=["jpeg", "h264", "scale", "blur", "noise", "light"],
)
def test_more_damage_loses_more(picture, mild, strong):
    assert 0 < loss(picture, mild.apply(picture)) < loss(picture, strong.apply(picture))


def test_noise_has_the_deviation_asked_for():
    grey = np.full((100, 100, 3), 128, np.uint8)
    noisy = Damage(noise=5, seed=2).apply(grey).astype(float)
    assert noisy.std() == pytest.approx(5, rel=0.05)
    assert noisy.mean() == pytest.approx(128, abs=0.3)


def test_light_falls_from_one_side():
    grey = np.full((20, 60, 3), 100, np.uint8)
    lit = Damage(light=(0.8, 1.2)).apply(grey)
    assert np.all(lit[:, 0] == 80)
    assert np.all(lit[:, -1] == 120)


@pytest.mark.parametrize("shape", [(64, 64), (63, 41), (33, 64)])
def test_h264_keeps_odd_sides_and_colours(shape):
    image = np.full((*shape, 3), (180, 90, 40), np.uint8)
    shown = encode_h264(image, 18)
    assert shown.shape == image.shape
    assert np.abs(shown.astype(int) - image).max() < 12


def test_jpeg_keeps_the_order_of_colours():
    image = np.full((32, 32, 3), (200, 30, 60), np.uint8)
    assert np.abs(encode_jpeg(image, 95).astype(int) - image).max() < 12


def test_what_is_no_picture_gives_one_message():
    with pytest.raises(InputError, match="JPEG"):
        encode_jpeg(np.zeros((70_000, 2, 3), np.uint8), 90)

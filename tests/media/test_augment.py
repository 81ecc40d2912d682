from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gaitproof.errors import MediaError
from gaitproof.media import augment
from gaitproof.media.augment import KINDS, Change, augment_video, change_image, draw
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import CRF

Clip = Callable[..., Path]
IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(4, 20), st.integers(4, 20), st.just(3)))


def smooth_image() -> np.ndarray:
    rows, columns = np.mgrid[:60, :80]
    return np.stack([100 + rows, 60 + columns, np.full_like(rows, 128)], axis=2).astype(np.uint8)


@given(IMAGES)
def test_flipping_twice_changes_nothing(image: np.ndarray) -> None:
    once = change_image(image, Change(flip=True))
    np.testing.assert_array_equal(once, image[:, ::-1])
    np.testing.assert_array_equal(change_image(once, Change(flip=True)), image)


@given(IMAGES)
def test_no_change_copies(image: np.ndarray) -> None:
    before = image.copy()
    same = change_image(image, Change(speed=0.8, reverse=True))
    np.testing.assert_array_equal(same, before)
    same[:] = 0
    np.testing.assert_array_equal(image, before)


@given(st.floats(0.2, 0.3), st.sampled_from([-1, 1]))
def test_brightness_adds_a_part_of_white(amount: float, sign: int) -> None:
    image = smooth_image()
    changed = change_image(image, Change(brightness=sign * amount)).astype(int)
    expected = np.clip(image + sign * amount * 255, 0, 255)
    assert np.abs(changed - expected).max() <= 0.5 + 1e-9


def test_contrast_stretches_about_mid_grey() -> None:
    image = smooth_image()
    more = change_image(image, Change(contrast=0.25)).astype(float)
    less = change_image(image, Change(contrast=-0.25)).astype(float)
    assert more[..., 0].std() == pytest.approx(1.25 * image[..., 0].std(), rel=0.02)
    assert less[..., 0].std() == pytest.approx(0.75 * image[..., 0].std(), rel=0.02)
    assert abs(more[..., 2].mean() - 128) < 1


def test_rotation_turns_about_the_middle() -> None:
    image = np.zeros((101, 101, 3), np.uint8)
    image[48:53, 85:95] = 255
    turned = change_image(image, Change(angle=10.0))[..., 0].astype(float)
    rows, columns = np.mgrid[:101, :101]
    row = (rows * turned).sum() / turned.sum() - 50
    column = (columns * turned).sum() / turned.sum() - 50
    assert np.hypot(row, column) == pytest.approx(39.5, abs=0.5)
    assert np.degrees(np.arctan2(-row, column)) == pytest.approx(10, abs=0.5)
    back = change_image(change_image(smooth_image(), Change(angle=8)), Change(angle=-8))
    inner = np.s_[15:-15, 20:-20]
    assert np.abs(back[inner].astype(int) - smooth_image()[inner]).max() <= 2


@pytest.mark.parametrize("kernel", [3, 5])
def test_blur_keeps_brightness_and_removes_detail(kernel: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    blurred = change_image(image, Change(kernel=kernel)).astype(float)
    assert blurred.mean() == pytest.approx(image.mean(), rel=0.02)
    assert blurred.std() < 0.7 * image.std()


@pytest.mark.parametrize("kind", KINDS)
def test_draws_stay_in_the_published_ranges_and_repeat(kind: augment.Kind) -> None:
    drawn = [draw(kind, np.random.default_rng(seed)) for seed in range(200)]
    assert drawn == [draw(kind, np.random.default_rng(seed)) for seed in range(200)]
    assert Change() not in drawn
    for change in drawn:
        for value in (change.brightness, change.contrast):
            assert value == 0 or 0.2 <= abs(value) <= 0.3
        assert change.angle == 0 or 5 <= abs(change.angle) <= 10
        assert change.kernel in (0, 3, 5)
        assert change.speed in (0.8, 1.0, 1.2)
        assert change.distance == 1 or 2 <= change.distance <= 4
        assert (20 <= change.crf <= 30) if kind == "distance" else change.crf == CRF
    if kind in augment.RANDOM_KINDS:
        assert len(set(drawn)) > 1
    if kind in ("light", "rotation"):
        assert {np.sign(c.brightness or c.angle) for c in drawn} == {-1.0, 1.0}


def test_a_distant_copy_is_small_and_shows_the_same(tmp_path: Path, make_clip: Clip) -> None:
    source = make_clip(tmp_path / "a.mp4")
    augment_video(source, tmp_path / "b.mp4", Change(distance=1.5, crf=25))
    near, far = (list(read_frames(tmp_path / name)) for name in ("a.mp4", "b.mp4"))
    height, width = near[0].image.shape[:2]
    assert far[0].image.shape[:2] == (int(height / 1.5) // 2 * 2, int(width / 1.5) // 2 * 2)
    augment_video(source, tmp_path / "c.mp4", Change(distance=4))
    assert 48 <= min(next(read_frames(tmp_path / "c.mp4")).image.shape[:2]) <= 52
    assert len(far) == len(near)
    assert far[0].image.mean() == pytest.approx(near[0].image.mean(), abs=5)


def test_nothing_comes_nearer(tmp_path: Path, make_clip: Clip) -> None:
    source = make_clip(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="distance"):
        augment_video(source, tmp_path / "b.mp4", Change(distance=0.5))


def times_of(path: Path) -> np.ndarray:
    return np.array([frame.time for frame in read_frames(path)])


UNEVEN = [0.0, 0.04, 0.08, 0.15, 0.19, 0.3, 0.34, 0.38]


@pytest.mark.parametrize("speed", [0.8, 1.2])
def test_speed_changes_the_time_stamps_and_keeps_the_pictures(
    tmp_path: Path, make_clip: Clip, speed: float
) -> None:
    source = make_clip(tmp_path / "a.mp4", stamps=UNEVEN)
    augment_video(source, tmp_path / "b.mp4", Change(speed=speed))
    before, after = times_of(source), times_of(tmp_path / "b.mp4")
    np.testing.assert_allclose(after, (before - before[0]) / speed, atol=0.001)
    last = [list(read_frames(p))[-1].image for p in (source, tmp_path / "b.mp4")]
    assert np.abs(last[0].astype(int) - last[1]).mean() < 4


def bars(count: int) -> list[np.ndarray]:
    """Frames whose number can be read off a wide bar."""
    images = []
    for i in range(count):
        image = np.zeros((96, 128, 3), np.uint8)
        image[:, : 8 + 6 * i] = 255
        images.append(image)
    return images


def order_of(path: Path) -> list[int]:
    return [round(((f.image[..., 0] > 128).sum(axis=1).mean() - 8) / 6) for f in read_frames(path)]


@pytest.mark.slow
@pytest.mark.parametrize("held", [1, 3, 100])
def test_reversal_runs_backwards_whatever_is_held(
    tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    source = make_clip(tmp_path / "a.mp4", stamps=UNEVEN, images=bars(8), options={"g": "3"})
    monkeypatch.setattr(augment, "CHUNK_BYTES", held * 96 * 128 * 3)
    augment_video(source, tmp_path / "b.mp4", Change(reverse=True))
    assert order_of(source) == list(range(8))
    assert order_of(tmp_path / "b.mp4") == list(range(7, -1, -1))
    before, after = times_of(source), times_of(tmp_path / "b.mp4")
    np.testing.assert_allclose(after, (before[-1] - before)[::-1], atol=0.001)
    augment_video(tmp_path / "b.mp4", tmp_path / "c.mp4", Change(reverse=True))
    assert order_of(tmp_path / "c.mp4") == list(range(8))
    np.testing.assert_allclose(times_of(tmp_path / "c.mp4"), before - before[0], atol=0.001)


def test_odd_sides_lose_a_row(tmp_path: Path, make_clip: Clip) -> None:
    source = make_clip(tmp_path / "a.mp4", 4, size=(65, 51), pixel_format="yuv444p")
    augment_video(source, tmp_path / "b.mp4", Change(flip=True))
    assert next(read_frames(tmp_path / "b.mp4")).image.shape == (50, 64, 3)


def test_a_damaged_source_leaves_nothing(tmp_path: Path, make_clip: Clip) -> None:
    source = make_clip(tmp_path / "a.mp4", 60)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError):
        augment_video(source, tmp_path / "b.mp4", Change(flip=True))
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_speed_must_be_above_zero(tmp_path: Path, make_clip: Clip) -> None:
    with pytest.raises(MediaError, match="speed"):
        augment_video(make_clip(tmp_path / "a.mp4", 4), tmp_path / "b.mp4", Change(speed=0))

from __future__ import annotations

import numpy as np
import pytest

from gaitproof.media.motion import MotionMeter


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A textured wall, larger than what the camera sees."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (60, 100, 3), np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))


def view(scene: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    import cv2

    shift = np.float32([[1, 0, -x - 100], [0, 1, -y - 60]])
    return cv2.warpAffine(scene, shift, (480, 320))


@pytest.mark.parametrize("rate", [8, 15, 25, 30, 60])
@pytest.mark.parametrize("speed", [0.0, 0.1, 0.4])
def test_pan_is_measured(scene: np.ndarray, speed: float, rate: int) -> None:
    meter = MotionMeter()
    speeds = [
        meter.measure(view(scene, speed * 480 * i / rate), i / rate) for i in range(rate // 2 + 1)
    ]
    assert np.isnan(speeds[0])
    assert np.nanmean(speeds) == pytest.approx(speed, rel=0.1, abs=0.01)


def test_direction_does_not_matter(scene: np.ndarray) -> None:
    meter = MotionMeter()
    speeds = [meter.measure(view(scene, 0, -3.0 * i), i / 10) for i in range(4)]
    assert speeds[2] == pytest.approx(30 / 480, rel=0.1)


def test_uneven_time_stamps_are_used(scene: np.ndarray) -> None:
    meter = MotionMeter()
    times = [0.0, 0.15, 0.4, 0.52]
    speeds = [meter.measure(view(scene, 100 * t), t) for t in times]
    assert speeds[1:] == pytest.approx([100 / 480] * 3, rel=0.15)


def test_frames_between_measurements_keep_the_last(scene: np.ndarray) -> None:
    meter = MotionMeter()
    speeds = [meter.measure(view(scene, 2.0 * i), i / 60) for i in range(20)]
    assert np.isnan(speeds[:6]).all()
    assert len(set(speeds[6:12])) == 1


def test_a_part_of_a_clip_is_measured_like_the_whole(scene: np.ndarray) -> None:
    whole, part = MotionMeter(), MotionMeter()
    images = [view(scene, 0.5 * i**1.5) for i in range(40)]
    first = [whole.measure(image, i / 30) for i, image in enumerate(images)]
    second = [part.measure(image, i / 30) for i, image in enumerate(images) if i >= 13]
    assert first[18:] == second[5:]


def test_people_are_not_background(scene: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    person = np.kron(rng.integers(0, 255, (30, 25, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    meter = MotionMeter()
    speeds = []
    for i in range(5):
        image = view(scene, 0).copy()
        left = 20 + 8 * i
        image[40:280, left : left + 200] = person
        box = (left - 10.0, 30.0, left + 210.0, 290.0)
        speeds.append(meter.measure(image, i / 10, [box]))
    assert np.isnan(speeds[0])
    assert max(speeds[1:]) < 0.01


@pytest.mark.parametrize("value", [0, 128])
def test_blank_wall_gives_no_answer(value: int) -> None:
    meter = MotionMeter()
    image = np.full((240, 320, 3), value, np.uint8)
    assert np.isnan([meter.measure(image, i / 10) for i in range(3)]).all()


def test_cut_to_another_place_is_not_a_still_camera(scene: np.ndarray) -> None:
    meter = MotionMeter()
    meter.measure(view(scene, 0), 0.0)
    speed = meter.measure(view(scene[::-1, ::-1], 37, 11), 0.1)
    assert not speed < 0.25

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gaitproof.pose import looking
from gaitproof.pose.graph import DETECTIONS_STREAM
from gaitproof.pose.looking import ONE_PLACE, TALLEST, Glance

BIG, SMALL = (400, 600), (100, 100)
"""Height and width of an image that is looked at in parts as well, and of one that is not."""

Body = tuple[float, float, float]


def detected(bodies: list[Body], size: tuple[int, int]) -> SimpleNamespace:
    """What MediaPipe says of bodies (x, y of the hips, radius, in pixels)."""
    height, width = size
    detections = [
        SimpleNamespace(
            location_data=SimpleNamespace(
                relative_keypoints=[
                    SimpleNamespace(x=x / width, y=y / height),
                    SimpleNamespace(x=x / width, y=(y - radius) / height),
                ]
            )
        )
        for x, y, radius in bodies
    ]
    return SimpleNamespace(**{DETECTIONS_STREAM: detections or None})


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch):
    """Makes a glance whose detector sees given bodies, wherever an image's part shows the hips."""

    def made(bodies: list[Body], phantom: Body | None = None) -> Glance:
        whole: list[np.ndarray] = []

        def process(image: np.ndarray) -> SimpleNamespace:
            if not whole:
                whole.append(image)
                return detected([*bodies, *([phantom] if phantom else [])], image.shape[:2])
            # pixels hold where they lie in the whole image
            left, top = (10 * int(v) for v in image[0, 0, :2])
            size = image.shape[:2]
            inside = [(x - left, y - top, r) for x, y, r in bodies]
            return detected(
                [b for b in inside if 0 <= b[0] < size[1] and 0 <= b[1] < size[0]], size
            )

        graph = SimpleNamespace(
            process=process,
            close=lambda: None,
            _graph=SimpleNamespace(wait_until_idle=lambda: None),
        )
        monkeypatch.setattr(looking, "open_detector_graph", lambda confidence: graph)
        return Glance(0.3, min_height=48.0)

    return made


def image(size: tuple[int, int]) -> np.ndarray:
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.stack([columns // 10, rows // 10, rows * 0], axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [BIG, SMALL])
@pytest.mark.parametrize("bodies", [[], [(50.0, 50.0, 30.0)]])
def test_nobody_and_one_person_are_alone(make, size, bodies) -> None:
    assert make(bodies).alone(image(size))


def test_one_person_in_every_part_is_one_person(make) -> None:
    assert make([(300.0, 200.0, 150.0)]).alone(image(BIG))


def test_a_part_of_the_body_is_no_other_person(make) -> None:
    assert make([(300.0, 200.0, 150.0)], phantom=(310.0, 270.0, 100.0)).alone(image(BIG))


@pytest.mark.parametrize("other", [(480.0, 200.0, 150.0), (300.0, 350.0, 30.0)])
def test_somebody_elsewhere_or_small_and_near_is_noticed(make, other: Body) -> None:
    assert not make([(300.0, 200.0, 150.0), other]).alone(image(BIG))


def test_two_boxes_of_one_body_are_one_person(make) -> None:
    near = (300.0 + 0.9 * ONE_PLACE * 140.0, 200.0, 140.0)
    assert make([(300.0, 200.0, 150.0)], phantom=near).alone(image(BIG))


def test_specks_are_nobody(make) -> None:
    speck = 48.0 / TALLEST
    assert make([(300.0, 200.0, 150.0)], phantom=(80.0, 80.0, 0.99 * speck)).alone(image(BIG))
    assert not make([(300.0, 200.0, 150.0)], phantom=(80.0, 80.0, 1.01 * speck)).alone(image(BIG))

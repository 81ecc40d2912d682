"""People followed in what is filmed now, by estimators that see what a script says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gaitproof.pose.estimator import Detection
from gaitproof.pose.live import LiveEstimator
from gaitproof.types import N_LANDMARKS

HEIGHT = 200.0


def person(x: float, y: float = 240.0) -> Detection:
    image = np.full((N_LANDMARKS, 2), (x, y), np.float32)
    image[0, 1], image[29:33, 1] = y - HEIGHT / 2, y + HEIGHT / 2
    return Detection(image, np.zeros((N_LANDMARKS, 3)), np.full(N_LANDMARKS, 0.9))


class Scene:
    """People who are painted as bright columns; every estimator follows the leftmost it sees."""

    def __init__(self, *places: float) -> None:
        self.places = list(places)
        self.open = 0

    def paint(self) -> NDArray[np.uint8]:
        image = np.full((480, 640, 3), 127, np.uint8)
        for x in self.places:
            image[140:340, int(x) - 4 : int(x) + 4] = 255
        return image

    def see(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        columns = np.flatnonzero((image[240] == 255).all(axis=1))
        groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        return [person(float(g.mean())) for g in groups if len(g)]

    def make(self) -> Follower:
        return Follower(self)


class Follower:
    """Keeps to whom it follows while they are shown, as BlazePose does."""

    identifier = "scene/1"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._last: float | None = None
        scene.open += 1

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        people = self._scene.see(image, time)
        if self._last is not None:
            people.sort(key=lambda one: abs(float(one.image[11, 0]) - (self._last or 0)))
        self._last = float(people[0].image[11, 0]) if people else None
        return people[:1]

    def close(self) -> None:
        self._scene.open -= 1

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(scene: Scene, live: LiveEstimator, start: float, frames: int) -> list[list[float]]:
    seen = []
    for i in range(frames):
        people = live.estimate(scene.paint(), start + i / 30)
        if live._looking is not None:
            live._looking.result()  # the look is as fast as the test wants it
        seen.append(sorted(float(one.image[11, 0]) for one in people))
    return seen


def test_everybody_is_found_and_followed_and_nobody_stays_open() -> None:
    scene = Scene(100.0, 300.0, 500.0)
    with LiveEstimator(scene.make, scene.see) as live:
        seen = run(scene, live, 0.0, 40)
        assert seen[-1] == pytest.approx([100, 300, 500], abs=1)
        scene.places = [110.0, 510.0]  # one of them has left
        assert run(scene, live, 40 / 30, 60)[-1] == pytest.approx([110, 510], abs=1)
        assert scene.open == 2
        scene.places = []
        run(scene, live, 100 / 30, 60)
        assert scene.open == 1  # it scouts
        scene.places = [320.0]
        assert run(scene, live, 160 / 30, 5)[-1] == pytest.approx([320], abs=1)
    assert scene.open == 0


def test_without_a_look_one_person_is_followed() -> None:
    scene = Scene(100.0, 400.0)
    with LiveEstimator(scene.make) as live:
        assert all(len(seen) == 1 for seen in run(scene, live, 0.0, 20))
    assert scene.open == 0


def test_no_more_are_followed_than_wanted() -> None:
    scene = Scene(60.0, 180.0, 300.0, 420.0, 540.0)
    with LiveEstimator(scene.make, scene.see, most=2) as live:
        assert max(map(len, run(scene, live, 0.0, 90))) == 2
        assert scene.open == 2

"""Small walkers of known gait for training tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gaitproof.train.sources import Recording
from gaitproof.types import GAIT_LANDMARKS


def walking_points(seed: int, walk: int, seconds: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Return times and points of a stick walker; `seed` sets the gait, `walk` the repetition."""
    person = np.random.default_rng(seed)
    repeat = np.random.default_rng([seed, walk])
    times = np.arange(int(seconds * 30)) / 30
    rest = np.zeros((12, 3))
    side = np.array([1, -1] * 6)
    rest[:, 0] = 0.1 * side * person.uniform(0.8, 1.2)
    rest[:, 1] = np.repeat([0.5, 0.0, -0.4, -0.8, -0.83, -0.84], 2) * person.uniform(0.9, 1.1)
    rest[-2:, 2] = 0.15
    swing = np.repeat([0.05, 0.02, 0.15, 0.3, 0.3, 0.3], 2) * person.uniform(0.6, 1.4, 12)
    phase = person.normal(0, 0.3, 12) + np.where(side > 0, 0, np.pi)
    rate = person.uniform(0.8, 1.1)
    angle = 2 * np.pi * rate * times[:, None] + phase + repeat.uniform(0, 2 * np.pi)
    points = np.repeat(rest[None], len(times), axis=0)
    points[:, :, 2] += swing * np.sin(angle)
    points[:, :, 1] += 0.3 * swing * np.cos(angle)
    points += repeat.normal(0, 0.003, points.shape)
    return times, points


@pytest.fixture
def make_recordings() -> Callable[..., list[Recording]]:
    """Return a maker of recordings: people x walks."""

    def make(people: int, walks: int, heels: bool = True) -> list[Recording]:
        made = []
        for person in range(people):
            for walk in range(walks):
                times, points = walking_points(person, walk)
                if not heels:
                    for i, landmark in enumerate(GAIT_LANDMARKS):
                        if landmark.name.endswith("HEEL"):
                            points[:, i] = np.nan
                made.append(
                    Recording(
                        subject=f"s{person:02d}",
                        recording=f"s{person:02d}/{walk}",
                        condition="walk",
                        view="any",
                        source="sticks",
                        times=times,
                        points=points,
                    )
                )
        return made

    return make

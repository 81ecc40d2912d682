"""Small walkers of known gait for training tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.types import GAIT_LANDMARKS


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

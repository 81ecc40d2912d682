"""An explanation without a network."""

from __future__ import annotations

import numpy as np

from gaitproof.explain.importance import ANGLES, Importance
from gaitproof.types import GAIT_LANDMARKS


def make_importance(**changes):
    times = np.arange(120) / 30
    fields = {
        "method": "occlusion",
        "baseline": "the average",
        "score": 0.8,
        "times": times,
        "over_time": np.sin(5 * times) / 100,
        "joints": {j: 0.01 * (i - 5) for i, j in enumerate(GAIT_LANDMARKS)},
        "angles": {name: -0.01 * i for i, name in enumerate(ANGLES)},
        "groups": {"coordinates": 0.3, "angles": 0.1, "velocities": -0.05},
    }
    return Importance(**(fields | changes))

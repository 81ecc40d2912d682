"""Stick walkers whose gait is set by a seed: cheap people for training tests."""

from __future__ import annotations

import numpy as np


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

"""Training that takes no time: for tests of what is done with trained networks."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np
from sticks import walking_points
from torch import nn

from gaitproof.data.gait import Recording
from gaitproof.modelling.experiment import training_key
from gaitproof.types import GAIT_LANDMARKS


@dataclass
class Projection:
    """Embeds a window by a random projection of its spread, which the recipe decides."""

    settings: object
    quality: float = 1.0

    def __post_init__(self):
        self.network = nn.Linear(3, 4)
        seed = zlib.crc32(json.dumps(training_key(self.settings)).encode())
        self._projection = np.random.default_rng(seed).normal(size=(78, 12))
        self._noise = np.random.default_rng(seed + 1)

    def embed(self, windows):
        spread = windows.features.std(axis=1)
        # what all walkers share tells nobody apart
        apart = (spread - spread.mean(axis=1, keepdims=True)) @ self._projection
        rows = self.quality * apart + self._noise.normal(size=apart.shape)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class QuickTraining:
    """Stands in for `gaitproof.train.loop.train`, and keeps account of what was trained.

    `kill_before` is the number of trainings after which the user presses Ctrl+C; `quality` says
    how good a recipe's network is.
    """

    def __init__(self, quality=lambda settings: 1.0):
        self.done = []
        self.people = []
        self.kill_before = None
        self.quality = quality

    def __call__(self, walks, settings, progress=None, *, watch=None, **options):
        if len(self.done) == self.kill_before:
            raise KeyboardInterrupt
        trained = Projection(settings, self.quality(settings))
        for step in range(1, settings.steps + 1):
            if watch is not None and step % watch.every == 0 and step < settings.steps:
                watch.look(step, trained)
            if progress is not None:
                progress(step / settings.steps, 1.0)
        self.done.append(settings)
        self.people.append({walk.subject for walk in walks})
        return trained


def make_sticks(people=8, walks=4, seconds=4.0):
    """Stick walkers s0, s1, … with walks w0, w1, …"""
    return [
        Recording(f"s{p}", f"w{w}", "walk", "side", "sticks", *walking_points(p, w, seconds))
        for p in range(people)
        for w in range(walks)
    ]


def write_archive(path, people=8, walks=4, seconds=4.0):
    """Write the walkers of `make_sticks` as a skeleton archive."""
    taken = [walking_points(p, w, seconds)[1] for p in range(people) for w in range(walks)]
    names = [landmark.name.lower() for landmark in GAIT_LANDMARKS]
    count = len(taken)
    np.savez(
        path,
        xyz=np.concatenate(taken).astype(np.float32),
        offsets=np.cumsum([0, *(len(points) for points in taken)]),
        subject=[f"s{i // walks}" for i in range(count)],
        sequence=[f"w{i % walks}" for i in range(count)],
        condition=["walk"] * count,
        view=["any"] * count,
        fps=np.full(count, 30.0),
        joints=names,
        landmark12=json.dumps({name: name for name in names}),
    )
    return path

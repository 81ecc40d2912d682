"""Walks and trials without video, for the evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gaitproof.evaluate.trials import Kind, Trials
from gaitproof.types import GaitWindows


@dataclass(frozen=True)
class Walk:
    """The least that the evaluation must know of a recording."""

    subject: str
    recording: str
    source: str = "made"
    view: str = "side"
    condition: str = "normal"
    parent: str = ""
    windows: GaitWindows = field(default_factory=GaitWindows.empty)
    bones: np.ndarray | None = None
    flat: bool = False


def _windows(rng: np.random.Generator, offset: np.ndarray, count: int, noise: float):
    features = rng.normal(0, noise, (count, 60, 78)) + offset
    return GaitWindows(features, np.ones((count, 78), bool), np.arange(count) / 2)


def make_walks(
    people: int = 12,
    each: int = 5,
    *,
    noise: float = 1.0,
    identity: float = 1.0,
    source: str = "made",
    seed: int = 0,
    windows: int = 2,
) -> list[Walk]:
    """Walks whose features are a person's own offset, the walk's own offset, and noise."""
    rng = np.random.default_rng(seed)
    walks = []
    for p in range(people):
        own = identity * rng.normal(size=78)
        lengths = rng.uniform(0.2, 0.6, 10)
        for w in range(each):
            offset = own + 0.5 * rng.normal(size=78)
            made = _windows(rng, offset, windows, noise)
            bones = lengths + identity * rng.normal(0, 0.02, 10)
            walks.append(Walk(f"p{p:02d}", f"w{w}", source, windows=made, bones=bones))
    return walks


def make_trials(
    people: int = 20, probes: int = 3, *, gap: float = 2.0, folds: int = 2, seed: int = 0
) -> Trials:
    """Trials with normal scores in [0, 1]; each person has a bias of their own."""
    rng = np.random.default_rng(seed)
    parts = []
    for fold, group in enumerate(np.array_split(np.arange(people), folds)):
        names = np.array([f"p{i:03d}" for i in group])
        probe = np.repeat(names, probes * len(names))
        claimed = np.tile(names, probes * len(names))
        recording = np.repeat([f"w{j}" for _ in names for j in range(probes)], len(names))
        mated = probe == claimed
        bias = np.repeat(rng.normal(0, 0.5, len(names)), probes * len(names))
        scores = 1 / (1 + np.exp(-(rng.normal(size=len(probe)) + bias + gap * mated)))
        parts.append(
            Trials(
                scores=scores,
                mated=mated,
                probe=probe,
                claimed=claimed,
                recording=recording,
                source=np.full(len(probe), "made"),
                kind=np.where(mated, str(Kind.MATED), str(Kind.ENROLLED)),
                fold=np.full(len(probe), fold),
            )
        )
    return Trials.concatenate(parts)

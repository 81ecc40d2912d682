from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console
from sticks import walking_points

from experiments.shape import run as shape
from experiments.shape.command import shape_table
from experiments.shape.shares import PLAYERS
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.gait.features import compute_features
from gaitproof.types import GaitWindows

pytestmark = pytest.mark.slow


def _recordings(people: int, each: int = 3) -> list[Recording]:
    made = []
    for p in range(people):
        for w in range(each):
            times, points = walking_points(p, w, seconds=3.0)
            made.append(Recording(f"p{p}", f"w{w}", "", "", "sticks", times, points))
    return made


def _embed(windows: GaitWindows) -> np.ndarray:
    """Statistics about the first walker's: all three parts show in them."""
    rows = np.concatenate([windows.features.mean(axis=1), windows.features.std(axis=1)], axis=1)
    times, points = walking_points(99, 0, seconds=2.0)
    other = compute_features(times, points)
    rows = rows - np.concatenate([other.mean(axis=0), other.std(axis=0)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_shares_of_a_data_set_add_up() -> None:
    shares: list[float] = []
    result = shape.run(
        _recordings(6), _embed, people=5, background=2, enrolled=2, draws=50, progress=shares.append
    )
    average = result.average
    assert (average.people, average.decisions) == (5, 5)
    assert shares[-1] == 1.0
    total = sum(average.shares[name].value for name in PLAYERS)
    assert total == pytest.approx(average.score.value - average.baseline.value)
    assert average.score.value > average.baseline.value
    out = io.StringIO()
    Console(file=out, width=150).print(shape_table(result))
    for word in ("bone lengths", "mean pose", "movement", "5 genuine probes"):
        assert word in out.getvalue()
    json.dumps(result.to_dict(), allow_nan=False)


def test_everybody_and_the_same_for_a_seed() -> None:
    walks = _recordings(4)
    results = [
        shape.run(walks, _embed, people=0, background=2, enrolled=2, windows=2, draws=20)
        for _ in range(2)
    ]
    assert results[0].average.people == 4
    assert results[0] == results[1]


def test_too_few_people_are_refused() -> None:
    with pytest.raises(InputError, match="too few people"):
        shape.run(_recordings(4), _embed, background=4, enrolled=2)
    with pytest.raises(InputError, match="too few people"):
        shape.run(_recordings(4), _embed, background=1, enrolled=3)

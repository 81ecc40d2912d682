from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gaitproof.bench.pose import compute_difference
from gaitproof.bench.verify_speed import benchmark_clip
from gaitproof.errors import InputError


def pose(height: float = 200.0, shift: float = 0.0) -> np.ndarray:
    points = np.zeros((33, 2), np.float32)
    points[:, 1] = np.linspace(0, height, 33)
    return points + np.float32(shift)


def test_difference_is_in_per_cent_of_the_height() -> None:
    moved = pose() + np.float32([3.0, 4.0])  # 5 pixels of 200
    difference = compute_difference([pose()] * 10, [moved] * 10)
    assert difference.median == pytest.approx(2.5, rel=1e-5)
    assert difference.p95 == pytest.approx(2.5, rel=1e-5)
    assert (difference.frames, difference.one_sided) == (10, 0)


def test_outliers_show_in_the_percentile() -> None:
    second = [pose()] * 9 + [pose(shift=100)]
    difference = compute_difference([pose()] * 10, second)
    assert difference.median == 0
    assert difference.p95 > 50


def test_frames_seen_by_one_run_only_are_counted() -> None:
    difference = compute_difference([pose(), None, pose(), None], [pose(), pose(), None, None])
    assert (difference.frames, difference.one_sided) == (1, 2)


def test_runs_without_a_person_are_refused() -> None:
    with pytest.raises(InputError, match="Nobody"):
        compute_difference([None, pose()], [pose(), None])


def test_runs_of_other_length_are_refused() -> None:
    with pytest.raises(InputError, match="2 and 1"):
        compute_difference([pose(), pose()], [pose()])


def test_named_clip_is_used_as_it_is(tmp_path: Path) -> None:
    with benchmark_clip(tmp_path / "a.mp4") as (_, path):
        assert path == tmp_path / "a.mp4"

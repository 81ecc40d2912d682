from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.capacity.command import LOSSES, capacity_table
from experiments.capacity.run import (
    STEP,
    Load,
    arrivals,
    compare,
    measured_cost,
    simulate,
    smallest_fleet,
)
from gaitproof.errors import InputError

SMALL = Load(hours=20_000, days=28, cost=2.0, processors=10)
BENCH = Path(__file__).parents[2] / "docs" / "results" / "bench.json"


def test_what_arrives_is_what_was_said_and_swings() -> None:
    come = arrivals(SMALL, np.random.default_rng(1))
    assert come.sum() == pytest.approx(SMALL.hours, rel=0.02)
    days = come.reshape(28, -1).sum(axis=1)
    assert days[5::7].mean() == pytest.approx(0.5 * days[0::7].mean(), rel=0.1)
    hours = come.reshape(28, -1).mean(axis=0)
    assert hours[48] > 3 * hours[0]


def test_a_fleet_that_is_large_enough_waits_for_nobody() -> None:
    fleet = simulate(SMALL, 40)
    assert fleet.wait_95 < STEP
    assert fleet.left == 0
    # work over what is paid for
    assert fleet.busy == pytest.approx(SMALL.hours * 2 / (40 * 10 * 28 * 24), rel=0.02)
    assert (fleet.repeated, fleet.given_up) == (0, 0)
    assert fleet.price == pytest.approx(1000 * 2 * SMALL.price / fleet.busy, rel=1e-6)


def test_a_fleet_that_is_too_small_leaves_work() -> None:
    fleet = simulate(SMALL, 3)
    assert fleet.busy == pytest.approx(1, abs=0.01)
    done = 3 * 10 * 28 * 24 / 2
    assert fleet.left == pytest.approx(SMALL.hours - done, rel=0.03)
    assert fleet.wait_95 > 24


def test_losses_cost_machines_and_money() -> None:
    outcomes = compare(SMALL, LOSSES, 12.0)
    for name in ("machines", "repeated", "given_up"):
        values = [getattr(one, name) for one in outcomes]
        assert values == sorted(values)
    assert outcomes[-1].repeated > outcomes[1].repeated > 0
    assert outcomes[-1].price > outcomes[0].price
    assert "50%" in str(capacity_table(SMALL, outcomes).columns[0]._cells)


def test_the_smallest_fleet_is_the_smallest() -> None:
    load = replace(SMALL, loss=0.1)
    fleet = smallest_fleet(load, 6.0, seed=3)
    assert fleet.wait_95 <= 6.0 < simulate(load, fleet.machines - 1, seed=3).wait_95
    assert fleet == simulate(load, fleet.machines, seed=3)


def test_the_measured_cost_is_read(tmp_path: Path) -> None:
    assert 0.1 < measured_cost(BENCH) < 10
    (tmp_path / "bench.json").write_text(BENCH.read_text().replace("poses and masks", "nothing"))
    with pytest.raises(InputError, match="nothing of poses"):
        measured_cost(tmp_path / "bench.json")

from __future__ import annotations

import numpy as np
import pytest

from experiments.footage import run as footage
from gaitproof.gait.view import N_SPREADS


def domain(name, shift, people=8, clips=3):
    rng = np.random.default_rng(int(10 * shift))
    who = np.repeat(np.arange(people), clips)
    means = rng.normal(shift, 0.3, (people, N_SPREADS))
    return footage.Domain(
        name, who.astype(str), means[who] + rng.normal(0, 0.1, (len(who), N_SPREADS))
    )


@pytest.fixture(scope="module")
def result():
    return footage.run([domain("a", 0.0), domain("b", 2.0), domain("c", 4.0)])


@pytest.mark.slow
def test_other_domains_are_refused_and_the_own_is_not(result):
    metric, trials = result
    own = [t.refused for t in trials if t.probes == t.references]
    other = [t.refused for t in trials if t.probes != t.references]
    assert max(own) < 0.5
    assert min(other) > 0.95
    assert len(metric.figures) == 9
    assert metric.domains == {"a": 8, "b": 8, "c": 8}


@pytest.mark.slow
def test_simulated_walkers_have_people_and_clips():
    rows = footage.simulate(1)
    assert {who for who, _ in rows} == {"0"}
    assert all(row.shape == (N_SPREADS,) for _, row in rows)

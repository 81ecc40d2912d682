from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import ConfigError
from gaitproof.synth.curves import NORMATIVE, evaluate_fourier, normative_curve
from gaitproof.synth.walker import Walker, vary

SEEDS = st.integers(0, 2**31 - 1)


@pytest.mark.parametrize("name", sorted(NORMATIVE))
def test_the_normative_curve_passes_near_the_published_points(name: str) -> None:
    knots = np.array(NORMATIVE[name])
    values = evaluate_fourier(normative_curve(name), knots[:, 0] / 100)
    # eight harmonics round the corners a little
    assert np.abs(values - knots[:, 1]).max() < 1.5


def test_the_knee_is_bent_most_in_swing() -> None:
    phase = np.arange(100) / 100
    knee = evaluate_fourier(normative_curve("knee"), phase)
    assert 0.68 < phase[knee.argmax()] < 0.76
    assert 57 < knee.max() < 65


def test_a_seed_is_a_person() -> None:
    assert Walker.random(5) == Walker.random(5)
    assert Walker.random(5) != Walker.random(6)
    assert hash(Walker.random(5)) == hash(Walker.random(5))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match="negative"):
        Walker.random(-1)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_people_are_plausible(seed: int) -> None:
    walker = Walker.random(seed)
    build = walker.build
    assert 1.5 <= build.height <= 1.98
    assert 92 <= walker.cadence <= 134
    assert 0.58 < min(walker.stance) <= max(walker.stance) < 0.67
    standing = build.ankle + build.shank + build.thigh + build.trunk
    assert standing == pytest.approx(0.824 * build.height, rel=0.06)
    assert all(0 <= c <= 1 for c in (*walker.head.skin, *walker.head.hair, *walker.head.lips))


@given(SEEDS, st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_a_day_changes_the_gait_a_little_and_the_body_not(seed: int, day: int) -> None:
    walker = Walker.random(seed)
    other = vary(walker, day)
    assert other.build == walker.build
    assert other.head == walker.head
    assert other != walker
    assert abs(other.cadence / walker.cadence - 1) < 0.06
    knee = np.abs(other.limb("knee") - walker.limb("knee")).sum(axis=1)
    assert knee.max() < 25


def test_people_differ_more_than_days() -> None:
    people = [Walker.random(seed) for seed in range(12)]
    mean = np.mean([p.limb("knee")[0] for p in people], axis=0)
    between = np.mean([np.square(p.limb("knee")[0] - mean).sum() for p in people])
    within = np.mean(
        [
            np.square(vary(p, d).limb("knee")[0] - p.limb("knee")[0]).sum()
            for p in people
            for d in (1, 2)
        ]
    )
    assert within < 0.35 * between

"""The leg-swap repair against plain implementations of its definition."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from walking import make_walk

from gaitproof.data.gait import load_recordings, recording
from gaitproof.pose import legswaps
from gaitproof.pose.cleaning import clean
from gaitproof.pose.legswaps import expected_separation, find_labelling
from gaitproof.types import Landmark, PoseSequence

KINECTGAIT = Path("../shared/data/kinectgait.npz")
LEGS = [
    [Landmark[f"{side}_{joint}"] for joint in ("KNEE", "ANKLE", "HEEL", "FOOT_INDEX")]
    for side in ("LEFT", "RIGHT")
]
Array = NDArray[np.float64]


def rhythm_one_by_one(times: Array, apart: Array) -> Array:
    """Fit every frequency by itself, by singular values."""
    squared = np.minimum(np.abs(apart), 2.0) ** 2
    power = np.var(squared)
    silent = np.zeros(len(times))
    if power < 1e-6:
        return silent
    highest, best, signal = 0.0, legswaps.MIN_RHYTHM, silent
    for frequency in np.arange(0.5, 1.5, 0.025):
        w = 2 * np.pi * frequency * (times - times[0])
        base = np.stack([np.cos(2 * w), np.sin(2 * w), np.cos(w), np.sin(w), np.ones(len(w))], 1)
        c = np.linalg.lstsq(base, squared, rcond=None)[0]
        explained = 1 - np.mean((squared - base @ c) ** 2) / power
        highest = max(highest, explained)
        shift = np.arctan2(c[1], -c[0]) / 2
        amplitude = np.sqrt(2 * np.hypot(c[0], c[1]))
        offset = (c[2] * np.sin(shift) + c[3] * np.cos(shift)) / max(2 * amplitude, 1e-9)
        if explained > best and abs(offset) < amplitude:
            best = explained
            signal = (offset + amplitude * np.sin(w + shift)) * explained
    return signal if best > highest - 0.02 else silent


def path_cost(
    labels: tuple[int, ...], times: Array, legs: Array, apart: Array, expected: Array
) -> float:
    """Price of one labelling, frame by frame."""
    frames = range(len(times))
    shown = [legs[::-1, t] if labels[t] else legs[:, t] for t in frames]
    price = 0.0
    for t in frames:
        seen = np.clip(-apart[t] if labels[t] else apart[t], -1, 1)
        price += legswaps.RHYTHM_COST * abs(seen - expected[t])
        price += legswaps.EXCHANGED_COST * labels[t]
        if t >= 1:
            price += legswaps.SWITCH_COST * (labels[t] != labels[t - 1])
        if t >= 2:
            ratio = min((times[t] - times[t - 1]) / (times[t - 1] - times[t - 2]), 2.0)
            error = shown[t] - shown[t - 1] - (shown[t - 1] - shown[t - 2]) * ratio
            price += np.minimum(np.linalg.norm(error, axis=-1), legswaps.ERROR_LIMIT).mean()
    return float(price)


def exchanged(seed: int, seconds: float, rate: float, gain: float = 1.0) -> PoseSequence:
    """A walk whose legs are exchanged now and then."""
    walk = make_walk(seconds, rate, noise=0.01, seed=seed, gain=gain, stride_rate=0.8, image=False)
    assert walk.world is not None
    world = np.array(walk.world)
    frames = np.flatnonzero(np.random.default_rng(seed).random(len(world)) < 0.2)[:, None]
    world[frames, LEGS[0] + LEGS[1]] = world[frames, LEGS[1] + LEGS[0]]
    return PoseSequence(
        timestamps=walk.timestamps,
        image=None,
        world=world,
        visibility=walk.visibility,
        estimator=walk.estimator,
    )


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([4.0, 5.0, 12.5, 25.0, 30.0]),
    seconds=st.floats(0.4, 2.0),
    frequency=st.floats(0.4, 1.6),
    offset=st.floats(0, 0.8),
    seed=st.integers(0, 1000),
)
def test_fit_is_that_of_every_frequency_by_itself(
    rate: float, seconds: float, frequency: float, offset: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # at 4 and 5 frames a second some frequencies cannot be told from others or from none
    times = 7.3 + np.arange(max(8, round(seconds * rate))) / rate
    apart = offset + np.sin(2 * np.pi * frequency * times + seed) + rng.normal(0, 0.1, len(times))
    rhythm = expected_separation(times, apart)
    np.testing.assert_allclose(rhythm, rhythm_one_by_one(times, apart), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [3, 4, 9])
def test_labelling_is_the_cheapest_of_all(count: int, seed: int) -> None:
    rng = np.random.default_rng([count, seed])
    times = np.cumsum(rng.uniform(0.02, 0.06, count))
    legs = np.cumsum(rng.normal(0, 0.15, (2, count, 3, 2)), axis=1)
    apart = rng.normal(0, 0.6, count)
    expected = expected_separation(times, apart)
    prices = {
        (labels, sign): path_cost(labels, times, legs, apart, sign * expected)
        for labels in product((0, 1), repeat=count)
        for sign in (1, -1)
    }
    best, sign = min(prices, key=lambda key: prices[key])
    labelling = find_labelling(times, legs[0], legs[1], apart)
    np.testing.assert_array_equal(labelling.exchanged, np.array(best, bool))
    for t in range(count):
        other = min(p for (x, s), p in prices.items() if s == sign and x[t] != best[t])
        close = other - prices[best, sign] < legswaps.AMBIGUOUS_MARGIN
        assert labelling.ambiguous[t] == close


def same_as_one_by_one(walk: PoseSequence, monkeypatch: pytest.MonkeyPatch) -> int:
    """Check that a repaired walk is the same with the plain fit; return the repaired frames."""
    cleaned = clean(walk)
    with monkeypatch.context() as patch:
        patch.setattr(legswaps, "_fit_rhythm", rhythm_one_by_one)
        plain = clean(walk)
    assert cleaned.leg_swaps_repaired == plain.leg_swaps_repaired
    assert cleaned.dropped == plain.dropped
    np.testing.assert_array_equal(cleaned.sequence.world, plain.sequence.world)
    return cleaned.leg_swaps_repaired


@pytest.mark.parametrize(
    ("seconds", "rate", "gain"),
    [(5, 30, 1), (3, 60, 1), (4, 8, 1), (6, 4, 1), (1, 30, 1), (0.3, 30, 1), (4, 25, 0.2)],
)
def test_repair_is_that_of_the_plain_fit(
    seconds: float, rate: float, gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    swaps = same_as_one_by_one(exchanged(3, seconds, rate, gain), monkeypatch)
    assert swaps or seconds < 2 or rate < 10 or gain < 1


@pytest.mark.realdata
@pytest.mark.skipif(not KINECTGAIT.is_file(), reason="no real data")
@pytest.mark.slow
def test_repair_of_real_walks_is_that_of_the_plain_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with np.load(KINECTGAIT) as archive:
        data = dict(archive)
    bounds, walks = data["offsets"], [10, 333, 600]
    data["xyz"] = np.concatenate([data["xyz"][bounds[i] : bounds[i + 1]] for i in walks])
    data["offsets"] = np.cumsum([0, *(bounds[i + 1] - bounds[i] for i in walks)])
    for key in ("subject", "sequence", "condition", "view", "fps"):
        data[key] = data[key][walks]
    np.savez(tmp_path / "few.npz", **data)
    raw: list[PoseSequence] = []

    def note(sequence: PoseSequence) -> object:
        raw.append(sequence)
        return clean(sequence)

    with monkeypatch.context() as patch:
        patch.setattr(recording, "clean", note)
        load_recordings(tmp_path / "few.npz", "few")
    assert len(raw) == 3
    for walk in raw:
        same_as_one_by_one(walk, monkeypatch)

"""Dynamic time warping against an independent library, and cycle curves of known walks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sticks import walking_points

from gaitproof.evaluate import baselines
from gaitproof.evaluate.baselines import (
    PHASES,
    WarpedAngles,
    angle_curves,
    cycle_curves,
    dtw_distances,
)
from gaitproof.gait.features import windows_from_points
from gaitproof.synth.motion import simulate
from gaitproof.synth.walker import Walker
from gaitproof.types import GAIT_LANDMARKS, GaitWindows
from gaitproof.types.layouts import N_ANGLES


@dataclass(frozen=True)
class Walk:
    windows: GaitWindows


def _stick_walks(people: int, each: int) -> list[Walk]:
    return [
        Walk(windows_from_points(*walking_points(p, w))) for p in range(people) for w in range(each)
    ]


REFERENCE = {
    0: [[7.3085786412, 10.1764501884], [3.986493211, 7.6731529245]],
    2: [[5.2587448486, 8.9026383993], [2.4456109916, 5.4343976273]],
    5: [[5.0842292616, 8.0499491492], [2.4456109916, 5.1439946518]],
    19: [[5.0842292616, 8.0499491492], [2.4456109916, 5.1439946518]],
}
"""From tslearn 0.10.0: ``metrics.dtw(a, b, global_constraint="sakoe_chiba",
sakoe_chiba_radius=band)`` of the series below, by band."""


def _series(k: int) -> np.ndarray:
    t = np.arange(20) / 20
    phase = 2 * np.pi * (t + 0.07 * k)
    return np.stack([np.sin(phase) + 0.2 * k, np.cos(2 * phase) * (1 + 0.1 * k), t**2 * k], axis=1)


@pytest.mark.parametrize("band", sorted(REFERENCE))
def test_distances_agree_with_tslearn(band: int) -> None:
    series = np.stack([_series(k) for k in range(4)])
    np.testing.assert_allclose(dtw_distances(series[:2], series[2:], band), REFERENCE[band])


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_warping_brings_series_closer_and_is_symmetric(seed: int, band: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(3, 12, 2)), rng.normal(size=(2, 12, 2))
    warped = dtw_distances(first, second, band)
    straight = np.linalg.norm((first[:, None] - second[None]).reshape(3, 2, -1), axis=2)
    assert (warped <= straight + 1e-9).all()
    assert (dtw_distances(first, second, band + 1) <= warped + 1e-9).all()
    np.testing.assert_allclose(dtw_distances(second, first, band), warped.T)
    np.testing.assert_allclose(np.diag(dtw_distances(first, first, band)), 0, atol=1e-6)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 8, 2)), rng.normal(size=(3, 8, 2))
    whole = dtw_distances(first, second)
    monkeypatch.setattr(baselines, "_CHUNK", 6)
    np.testing.assert_allclose(dtw_distances(first, second), whole)
    assert dtw_distances(first[:0], second).shape == (0, 3)


def test_a_template_of_nothing_has_no_distance() -> None:
    first = np.zeros((1, 6, 2))
    second = np.stack([np.zeros((6, 2)), np.full((6, 2), np.nan)])
    distances = dtw_distances(first, second)
    assert distances[0, 0] == 0
    assert np.isnan(distances[0, 1])


def _made(seed: int, walk: int = 0, turn: float = 0.0):
    motion = simulate(Walker.random(seed), seed=walk, seconds=5.0, session=False)
    points = motion.joints[:, [int(landmark) for landmark in GAIT_LANDMARKS]]
    cos, sin = np.cos(turn), np.sin(turn)
    return motion, points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def test_a_cycle_begins_at_left_heel_strike_whatever_the_window_or_the_view() -> None:
    motion, points = _made(3)
    curves = cycle_curves(windows_from_points(motion.times, points).features)
    assert curves.shape == (7, PHASES, N_ANGLES)
    # windows begin anywhere in the cycle; their curves still agree to some degrees
    assert np.degrees(curves.std(axis=0)).max() < 5
    knee = 180 - np.degrees(curves.mean(axis=0)[:, :2])
    # the knee is most bent in swing, about 72 % after its own heel strike (Perry)
    assert np.argmax(knee[:, 0]) / PHASES == pytest.approx(0.72, abs=0.06)
    assert np.argmax(knee[:, 1]) / PHASES == pytest.approx(0.22, abs=0.06)
    _, turned = _made(3, turn=2.0)
    seen = cycle_curves(windows_from_points(motion.times, turned).features)
    np.testing.assert_allclose(seen, curves, atol=1e-4)


def test_curves_follow_the_angles() -> None:
    motion, points = _made(4)
    features = windows_from_points(motion.times, points).features
    knee = np.degrees(features[:, :, 36])
    curve = np.degrees(cycle_curves(features)[:, :, 0])
    np.testing.assert_allclose(curve.min(axis=1), knee.min(axis=1), atol=6)
    np.testing.assert_allclose(curve.mean(axis=1), knee.mean(axis=1), atol=4)


def test_the_baseline_tells_walkers_apart() -> None:
    walks = _stick_walks(8, 2)
    baseline = WarpedAngles()
    describe = baseline.fit(walks)
    rows = [describe(w) for w in walks]
    assert rows[0].shape[1] == PHASES * N_ANGLES
    templates = np.stack([baseline.scoring.template([r]) for r in rows[::2]])
    probes = np.stack([baseline.scoring.probe(r) for r in rows[1::2]])
    scores = baseline.scoring.compare(probes, templates)
    assert (scores.argmax(axis=1) == np.arange(8)).mean() >= 0.75


def test_angles_weigh_the_same() -> None:
    walks = _stick_walks(6, 2)
    describe = WarpedAngles().fit(walks)
    rows = np.concatenate([describe(w) for w in walks]).reshape(-1, PHASES, N_ANGLES)
    np.testing.assert_allclose((rows.std(axis=0) ** 2).mean(axis=0), 1)
    assert angle_curves(walks[0]).shape[1] == PHASES * N_ANGLES

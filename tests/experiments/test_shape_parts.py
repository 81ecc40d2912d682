"""Shape or motion: exact on known games, and on synthetic walkers who differ in a known thing."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sticks import walking_points

from experiments.shape.parts import join_walk, split_walk
from experiments.shape.shares import (
    PLAYERS,
    ShapeMotionShares,
    average_shares,
    explain_shares,
)
from gaitproof.errors import InputError
from gaitproof.explain.occlusion import shapley_values
from gaitproof.gait.canonical import SEGMENTS, canonical_bones, split_segments
from gaitproof.gait.features import align_heading, compute_features, windows_from_points
from gaitproof.synth.motion import simulate
from gaitproof.synth.walker import Walker
from gaitproof.types import GAIT_LANDMARKS, GaitWindows
from gaitproof.verify.scoring import mean_direction

ROWS = [int(landmark) for landmark in GAIT_LANDMARKS]
HEELS = [i for i, landmark in enumerate(GAIT_LANDMARKS) if landmark.name.endswith("HEEL")]


def _walk(walker: Walker, seed: int = 0, seconds: float = 4.0):
    motion = simulate(walker, seed=seed, seconds=seconds, session=False)
    return motion.times, motion.joints[:, ROWS]


def _statistics(windows: GaitWindows) -> np.ndarray:
    features = align_heading(windows.features.astype(np.float64))
    return np.concatenate([features.mean(axis=1), features.std(axis=1)], axis=1)


class StatisticsEncoder:
    """How a window differs from synthetic walkers' average: no weights that may change."""

    def __init__(self) -> None:
        rows = [_statistics(windows_from_points(*_walk(Walker.random(i)))) for i in range(30, 42)]
        self.mean = np.concatenate(rows).mean(axis=0)
        self.spread = np.concatenate(rows).std(axis=0)

    def embed(self, windows: GaitWindows) -> np.ndarray:
        rows = (_statistics(windows) - self.mean) / self.spread
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def encoder() -> StatisticsEncoder:
    return StatisticsEncoder()


@given(st.integers(0, 2**32 - 1))
def test_shapley_values_are_the_mean_over_all_orders_of_joining(seed: int) -> None:
    worth = np.random.default_rng(seed).normal(size=(2, 2, 2))
    expected = np.zeros(3)
    for order in permutations(range(3)):
        joined = [0, 0, 0]
        for player in order:
            before = worth[tuple(joined)]
            joined[player] = 1
            expected[player] += (worth[tuple(joined)] - before) / 6
    values = shapley_values(worth)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    assert values.sum() == pytest.approx(worth[1, 1, 1] - worth[0, 0, 0])


def test_a_player_who_changes_nothing_gets_nothing() -> None:
    worth = np.zeros((2, 2, 2, 4))
    worth[1] += 3.0
    worth[:, :, 1] += 1.0
    np.testing.assert_allclose(shapley_values(worth), np.repeat([[3.0], [0.0], [1.0]], 4, axis=1))


def test_a_walk_comes_back_from_its_own_parts() -> None:
    times, points = _walk(Walker.random(1))
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    points = points @ turn.T
    parts = split_walk(times, points)
    (grid, made), *others = join_walk(parts, parts, parts)
    assert not others
    np.testing.assert_allclose(grid, times, atol=1e-9)
    np.testing.assert_allclose(
        compute_features(grid, made), compute_features(times, points), atol=1e-9
    )


def test_the_parts_of_a_mixed_walk_come_from_where_they_should() -> None:
    first, second, third = (split_walk(*_walk(Walker.random(seed))) for seed in (1, 2, 3))
    ((grid, points),) = join_walk(first, second, third)
    mixed = split_walk(grid, points)
    np.testing.assert_allclose(mixed.bones, first.bones, rtol=0.01)
    # the mean of turned directions is only nearly where the mean was, and so is the heading
    assert np.degrees(np.arccos(np.clip((mixed.pose * second.pose).sum(axis=1), -1, 1))).max() < 6
    np.testing.assert_allclose(
        np.linalg.norm(mixed.movement[0], axis=2).mean(axis=0),
        np.linalg.norm(third.movement[0], axis=2).mean(axis=0),
        atol=0.03,
    )


def _bones(own: Walker, other: Walker) -> Walker:
    return replace(own, build=other.build)


def _movement(own: Walker, other: Walker) -> Walker:
    limbs = tuple(
        tuple((mine[0], *theirs[1:]) for mine, theirs in zip(a, b, strict=True))
        for a, b in zip(own.limbs, other.limbs, strict=True)
    )
    return replace(own, limbs=limbs, cadence=other.cadence, stance=other.stance)


def _pose(own: Walker, _: Walker) -> Walker:
    return replace(own, lean=own.lean + 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize(
    ("player", "change"), [("bones", _bones), ("movement", _movement), ("pose", _pose)]
)
def test_walkers_who_differ_in_one_thing_only(
    encoder: StatisticsEncoder, player: str, change, seed: int
) -> None:
    own = Walker.random(seed)
    template = mean_direction(encoder.embed(windows_from_points(*_walk(own, 1))))
    # the same walk, its noise included, but for the one thing
    background = [_walk(change(own, Walker.random(seed + i))) for i in (20, 21, 22)]
    shares = explain_shares(encoder.embed, *_walk(own), template, background, windows=4)
    assert shares.score > shares.baseline
    assert max(PLAYERS, key=lambda name: shares.portions[name]) == player
    # planted feet make a little posture of other bones and of other movement
    assert shares.portions[player] > 0.55
    assert player == "bones" or shares.portions["bones"] < 0.06
    assert getattr(shares, player) > 0


def test_shares_sum_to_what_the_probe_has_above_the_background(encoder: StatisticsEncoder) -> None:
    template = mean_direction(encoder.embed(windows_from_points(*_walk(Walker.random(5)))))
    background = [_walk(Walker.random(seed)) for seed in (6, 7)]
    probe = _walk(Walker.random(8))
    plain = explain_shares(encoder.embed, *probe, template, background, windows=2)
    assert plain.bones + plain.pose + plain.movement == pytest.approx(plain.score - plain.baseline)
    assert plain.shape == pytest.approx(plain.bones + plain.pose)
    assert sum(plain.portions.values()) == pytest.approx(1)
    doubled = explain_shares(
        encoder.embed, *probe, template, background, windows=2, transform=lambda s: 2 * s - 1
    )
    for name in PLAYERS:
        assert getattr(doubled, name) == pytest.approx(2 * getattr(plain, name))


def test_an_encoder_that_sees_canonical_bones_owes_them_nothing(encoder: StatisticsEncoder) -> None:
    def embed(windows: GaitWindows) -> np.ndarray:
        points = windows.features[..., :36].reshape(-1, 60, 12, 3).astype(np.float64)
        features = compute_features(np.arange(60) / 30, canonical_bones(points))
        return encoder.embed(GaitWindows(features, windows.mask, windows.starts))

    template = mean_direction(embed(windows_from_points(*_walk(Walker.random(5), 1))))
    background = [_walk(Walker.random(seed)) for seed in (6, 7)]
    shares = explain_shares(embed, *_walk(Walker.random(5)), template, background, windows=2)
    assert abs(shares.bones) < 1e-5
    assert shares.movement > 0.01


def test_heels_that_one_walk_lacks_are_left_out_of_all(encoder: StatisticsEncoder) -> None:
    own, other = _walk(Walker.random(5)), _walk(Walker.random(6))
    seen: list[np.ndarray] = []

    def embed(windows: GaitWindows) -> np.ndarray:
        seen.append(windows.mask)
        return encoder.embed(windows)

    template = mean_direction(encoder.embed(windows_from_points(*own)))
    other[1][:, HEELS] = np.nan
    explain_shares(embed, *own, template, [other], windows=1)
    heel = np.zeros(36, bool).reshape(12, 3)
    heel[HEELS] = True
    assert not seen[0][:, :36][:, heel.reshape(-1)].any()
    assert seen[0][:, :36][:, ~heel.reshape(-1)].all()


def test_walks_without_feet_are_explained_by_the_rest(encoder: StatisticsEncoder) -> None:
    own, other = _walk(Walker.random(5)), _walk(Walker.random(6))
    feet = [GAIT_LANDMARKS.index(mark) for mark in GAIT_LANDMARKS if mark.name.endswith("INDEX")]
    for _, points in (own, other):
        points[:, [*feet, *HEELS]] = np.nan
    with pytest.raises(InputError, match="too short"):
        split_walk(*own)
    parts = split_walk(*own, feet=False)
    assert {SEGMENTS[i] for i in np.flatnonzero(np.isnan(parts.bones))} == {
        name for name in SEGMENTS if name.endswith(("heel", "foot"))
    }
    template = mean_direction(encoder.embed(windows_from_points(*own, feet=False)))
    shares = explain_shares(encoder.embed, *own, template, [other], windows=2, feet=False)
    assert shares.score > shares.baseline + 0.01
    assert shares.bones + shares.pose + shares.movement == pytest.approx(
        shares.score - shares.baseline
    )


def test_what_cannot_be_explained_is_refused(encoder: StatisticsEncoder) -> None:
    times, points = walking_points(1, 1, seconds=3.0)
    template = np.eye(156)[0]
    with pytest.raises(InputError, match="other people"):
        explain_shares(encoder.embed, times, points, template, [])
    with pytest.raises(InputError, match="too short"):
        split_walk(times[:50], points[:50])
    flat = points * [1.0, 1.0, 0.0]
    with pytest.raises(InputError, match="two dimensions"):
        split_walk(times, flat)
    stuck = points.copy()
    stuck[5, GAIT_LANDMARKS.index(14 + 11)] = stuck[5, GAIT_LANDMARKS.index(12 + 11)]
    assert SEGMENTS[np.flatnonzero(np.linalg.norm(split_segments(stuck)[1][5], axis=1) == 0)[0]]
    with pytest.raises(InputError, match="left thigh"):
        explain_shares(encoder.embed, times, stuck, template, [(times, points)])


def _shares(bones: float, pose: float, movement: float) -> ShapeMotionShares:
    return ShapeMotionShares(bones, pose, movement, 0.6 + bones + pose + movement, 0.6)


def test_averages_and_their_intervals_are_over_people() -> None:
    rng = np.random.default_rng(0)
    people = [f"p{i}" for i in range(40) for _ in range(3)]
    own = np.repeat(rng.normal(0.05, 0.02, 40), 3)
    shares = [_shares(value, 0.01, 0.2) for value in own]
    average = average_shares(shares, people, draws=500)
    assert average.people == 40
    assert average.decisions == 120
    mean = average.shares["bones"]
    assert mean.value == pytest.approx(own.mean())
    # three decisions of one person are one person's
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 * own[::3].std() / 40**0.5, rel=0.2)
    assert sum(part.value for part in average.portions.values()) == pytest.approx(1)
    assert average.portions["movement"].value == pytest.approx(0.2 / (0.21 + own.mean()))
    assert average.score.value - average.baseline.value == pytest.approx(0.21 + own.mean())
    assert average.to_dict()["shares"]["bones"]["value"] == mean.value


def test_averages_need_people() -> None:
    with pytest.raises(InputError, match="three"):
        average_shares([_shares(0.1, 0.1, 0.1)] * 2, ["a", "b"])
    with pytest.raises(InputError, match="its person"):
        average_shares([_shares(0.1, 0.1, 0.1)], ["a", "b"])

"""Batches are a function of seed, step and rank, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError
from gaitproof.gait.features import mirror
from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.config import AugmentSettings, TrainSettings, ValidationSettings
from gaitproof.train.sampler import (
    Batch,
    BatchStream,
    WindowSampler,
    draw_pairs,
)
from gaitproof.train.stream import random_source, torch_seed
from gaitproof.train.validation import split_subjects, without_noise

Maker = Callable[..., list[Recording]]

STILL = AugmentSettings(
    yaw=0, tilt=0, depth=0, white_noise=0, bias_noise=0, smooth_noise=0, heel_dropout=0
)
SETTINGS = TrainSettings(steps=5, people_per_batch=4, windows_per_person=3)
PLAIN = Normaliser(np.zeros(78, np.float32), np.ones(78, np.float32), "camera")


def stream(
    recordings: list[Recording], start: int = 0, rank: int = 0, world_size: int = 1
) -> BatchStream:
    sampler = WindowSampler(recordings, SETTINGS.augment)
    return BatchStream(sampler, PLAIN, SETTINGS, start, 24, rank, world_size)


def assert_equal(first: Batch, second: Batch) -> None:
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_later_start_gives_the_same_batches(make_recordings: Maker) -> None:
    recordings = make_recordings(4, 2)
    whole = list(stream(recordings))
    assert len(whole) == 5
    for drawn, again in zip(whole[3:], stream(recordings, start=3), strict=True):
        assert_equal(drawn, again)
    assert not np.array_equal(whole[0].windows, whole[1].windows)


def test_devices_share_the_people(make_recordings: Maker) -> None:
    recordings = make_recordings(4, 2)
    alone = stream(recordings)[0]
    parts = [stream(recordings, rank=rank, world_size=2)[0] for rank in range(2)]
    people = [set(part.labels.tolist()) for part in parts]
    assert not people[0] & people[1]
    assert people[0] | people[1] == set(alone.labels.tolist())
    assert sum(len(part.windows) for part in parts) == len(alone.windows) == 12


def test_too_many_devices(make_recordings: Maker) -> None:
    with pytest.raises(ConfigError, match="two people per batch"):
        stream(make_recordings(4, 2), world_size=3)


@pytest.mark.slow
def test_windows_are_cut_from_the_persons_walks(make_recordings: Maker) -> None:
    recordings = make_recordings(3, 2)
    settings = STILL.model_copy(update={"mirror": True})
    sampler = WindowSampler(recordings, settings)
    assert sampler.n_labels == 6
    labels = np.repeat(np.arange(6), 20)
    drawn = sampler.draw(np.random.default_rng(0), labels)
    places_seen = set()
    for label, window in zip(labels, drawn, strict=True):
        own = [r for r in recordings if r.subject == f"s{label % 3:02d}"]
        places = [
            (r.recording, start)
            for r in own
            for segment in r.segments
            for start in range(len(segment) - 59)
            if np.allclose(window, normed(segment[start : start + 60], label >= 3), atol=1e-5)
        ]
        assert len(places) == 1
        places_seen.add((label, places[0][0]))
    assert len(places_seen) == 12  # every walk of everybody, mirrored or not


def normed(points: np.ndarray, mirrored: bool) -> np.ndarray:
    """Hip-centred, in torso lengths, as `augment` leaves windows."""
    points = points.astype(np.float64)
    points = mirror(points) if mirrored else points
    hip = points[:, 2:4].mean(axis=1, keepdims=True)
    torso = np.median(np.linalg.norm(points[:, :2].mean(axis=1) - hip[:, 0], axis=1))
    return (points - hip) / torso


@pytest.mark.slow
@settings(deadline=None)
@given(labels=st.lists(st.integers(0, 4), min_size=2, max_size=30), limit=st.integers(1, 20))
def test_pairs_are_balanced(labels: list[int], limit: int) -> None:
    who = np.array(labels)
    pairs, same = draw_pairs(who, np.random.default_rng(0), limit)
    assert same.sum() * 2 == len(same) <= 2 * limit
    np.testing.assert_array_equal(who[pairs[:, 0]] == who[pairs[:, 1]], same)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), step=st.integers(0, 10**6), rank=st.integers(0, 64))
def test_chance_is_named_by_its_arguments(seed: int, step: int, rank: int) -> None:
    first, again = (random_source(seed, step, rank).random() for _ in range(2))
    assert first == again != random_source(seed, step + 1, rank).random()
    assert 0 <= torch_seed(seed, step, rank) == torch_seed(seed, step, rank) < 2**63
    assert torch_seed(seed, step, rank) != torch_seed(seed, step, rank + 1)


def test_validation_people_are_others(make_recordings: Maker) -> None:
    recordings = make_recordings(10, 2)
    copy = Recording(
        "s00m", "s00m/0", "walk", "any", "sticks", *walking_points(0, 5), parent="s00/0"
    )
    settings = SETTINGS.model_copy(update={"validation": ValidationSettings(share=0.3)})
    sides = set()
    for seed in range(8):
        learnt, watched = split_subjects(
            [*recordings, copy], settings.model_copy(update={"seed": seed})
        )
        one, other = ({r.subject for r in side} for side in (learnt, watched))
        assert not one & other
        assert len(other - {"s00m"}) == 3
        # a mirrored copy of somebody is no stranger
        assert ("s00" in one) == ("s00m" in one)
        sides.add("s00" in one)
    assert sides == {True, False}


def test_everybody_is_trained_on_without_validation(make_recordings: Maker) -> None:
    recordings = make_recordings(3, 1)
    assert split_subjects(recordings, SETTINGS) == (recordings, [])


def test_validation_windows_have_no_noise() -> None:
    quiet = without_noise(SETTINGS.augment)
    assert quiet.yaw == SETTINGS.augment.yaw
    values = quiet.model_dump()
    assert not any(v for k, v in values.items() if "noise" in k or "dropout" in k)
    assert not quiet.mirror

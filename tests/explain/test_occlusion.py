import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_encoder import TEMPLATE, Linear, make_windows, weights_on

from gaitproof.errors import ConfigError, InputError
from gaitproof.explain.importance import (
    ANGLE_COLUMNS,
    GROUP_COLUMNS,
    JOINT_COLUMNS,
    ProbeScore,
    Timeline,
)
from gaitproof.explain.methods import WITHOUT_GRADIENTS, explain_score
from gaitproof.explain.occlusion import explain_by_occlusion, explain_by_shapley
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import GaitWindows, Landmark


@pytest.mark.parametrize("method", WITHOUT_GRADIENTS)
def test_only_what_the_network_reads_contributes(method):
    knee = Landmark.LEFT_KNEE
    windows = make_windows(features=np.ones((3, 60, 78)))
    explanation = explain_score(Linear(weights_on(JOINT_COLUMNS[knee])), windows, TEMPLATE, method)
    assert explanation.joints[knee] > 0.01
    assert all(abs(v) < 1e-6 for joint, v in explanation.joints.items() if joint is not knee)
    assert all(abs(v) < 1e-6 for v in explanation.angles.values())
    assert explanation.groups["angles"] == pytest.approx(0, abs=1e-6)
    assert explanation.groups["coordinates"] > 0
    assert explanation.groups["velocities"] > 0


@pytest.mark.parametrize("method", WITHOUT_GRADIENTS)
def test_what_speaks_against_the_claim_is_negative(method):
    angle = "right ankle"
    windows = make_windows(features=-np.ones((2, 60, 78)), count=2)
    explanation = explain_score(Linear(weights_on(ANGLE_COLUMNS[angle])), windows, TEMPLATE, method)
    assert explanation.angles[angle] < -0.001
    assert explanation.over_time.max() < 0


def test_moments_that_the_network_looks_at_stand_out():
    features = np.zeros((3, 60, 78))
    features[1, 30:36] = 4.0  # seconds 1.9 to 2.1 of the video
    features[0, 45:51] = features[2, 15:21] = 4.0
    explanation = explain_score(Linear(weights_on([0])), make_windows(features=features), TEMPLATE)
    inside = (explanation.times > 1.89) & (explanation.times < 2.09)
    assert (
        explanation.over_time[inside].min()
        > 10 * np.abs(explanation.over_time[explanation.times < 1.6]).max()
    )
    assert len(explanation.times) == 60 + 2 * 15
    assert np.diff(explanation.times) == pytest.approx(1 / 30)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_shapley_values_add_up_to_the_score_over_the_average_walker(seed):
    rng = np.random.default_rng(seed)
    encoder = Linear(rng.normal(size=78))
    score = ProbeScore(encoder, TEMPLATE)
    windows = make_windows(seed)
    explanation = explain_by_shapley(score, windows, seed=seed, permutations=2)
    average = score(np.zeros((3, 60, 78), np.float32))
    parts = sum(explanation.joints.values()) + sum(explanation.angles.values())
    assert parts == pytest.approx(explanation.score - average, abs=1e-6)
    assert sum(explanation.groups.values()) == pytest.approx(explanation.score - average, abs=1e-6)


def test_shapley_of_three_groups_against_every_order():
    from itertools import permutations

    rng = np.random.default_rng(5)
    score = ProbeScore(Linear(rng.normal(size=78)), TEMPLATE)
    inputs = make_windows(5).features
    exact = dict.fromkeys(GROUP_COLUMNS, 0.0)
    for order in permutations(GROUP_COLUMNS):
        seen = np.zeros_like(inputs)
        before = score(seen)
        for name in order:
            seen[..., list(GROUP_COLUMNS[name])] = inputs[..., list(GROUP_COLUMNS[name])]
            exact[name] += (score(seen) - before) / 6
            before = score(seen)
    groups = explain_by_shapley(score, make_windows(5), permutations=1).groups
    assert groups == pytest.approx(exact, abs=1e-6)


def test_occlusion_is_the_score_with_minus_the_score_without():
    encoder = Linear(np.random.default_rng(1).normal(size=78))
    windows = make_windows(1)
    explanation = explain_by_occlusion(ProbeScore(encoder, TEMPLATE), windows)
    hip = list(JOINT_COLUMNS[Landmark.RIGHT_HIP])
    changed = windows.features.copy()
    changed[..., hip] = 0
    score = ProbeScore(encoder, TEMPLATE)
    expected = score(windows.features) - score(changed)
    assert explanation.joints[Landmark.RIGHT_HIP] == pytest.approx(expected)
    assert explanation.score == pytest.approx(score(windows.features))


def test_columns_divide_the_features():
    parts = [*JOINT_COLUMNS.values(), *ANGLE_COLUMNS.values()]
    assert sorted(c for columns in parts for c in columns) == list(range(78))
    assert sorted(c for columns in GROUP_COLUMNS.values() for c in columns) == list(range(78))


def test_slots_never_reach_over_an_interruption():
    windows = GaitWindows(
        np.zeros((2, 60, 78), np.float32), np.ones((2, 78), bool), np.array([0.0, 5.0])
    )
    line = Timeline.of(windows, 60)
    assert len(line.times) == 120
    for slot in line.slots(7):
        assert 0 < len(slot) <= 7
        assert np.ptp(line.times[slot]) < 7 / 30
    assert sorted(np.concatenate(list(line.slots(7)))) == list(range(120))
    assert line.merge(np.ones((2, 60))) == pytest.approx(np.ones(120))


@pytest.mark.slow
def test_shipped_weights_can_be_explained():
    encoder = OnnxEncoder.load("blend")
    rng = np.random.default_rng(0)
    card = encoder.card
    features = rng.normal(card.mean, card.std, (4, 60, 78))
    windows = dataclasses.replace(make_windows(features=features, count=4))
    template = encoder.embed(make_windows(2))[0]
    explanation = explain_score(encoder, windows, template)
    assert len(explanation.joints) == 12
    assert np.abs(list(explanation.joints.values())).max() > 1e-4
    assert explanation.to_dict()["joints"].keys() == {j.name.lower() for j in explanation.joints}


def test_nothing_to_explain_and_unknown_methods():
    with pytest.raises(InputError, match="no score to explain"):
        explain_score(Linear(np.zeros(78)), GaitWindows.empty(), TEMPLATE)
    with pytest.raises(ConfigError, match="no method 'lime'"):
        explain_score(Linear(np.zeros(78)), make_windows(), TEMPLATE, "lime")

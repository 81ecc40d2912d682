import dataclasses

import numpy as np
import pytest
from linear_encoder import TEMPLATE, Linear, make_windows, weights_on

from gaitproof.explain.importance import ANGLE_COLUMNS, JOINT_COLUMNS, ProbeScore
from gaitproof.explain.methods import explain_score
from gaitproof.explain.occlusion import explain_by_occlusion
from gaitproof.explain.trust import (
    check_explanation,
    compare_explanations,
    delete_moments,
    delete_parts,
    part_values,
    shuffle_weights,
)
from gaitproof.nets.onnx import OnnxEncoder


@pytest.mark.slow
@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_the_shipped_model_is_tested_both_ways(method):
    encoder = OnnxEncoder.load("blend")
    card = encoder.card
    windows = make_windows(
        features=np.random.default_rng(0).normal(card.mean, card.std, (3, 60, 78))
    )
    template = encoder.embed(windows)[0]
    importance = explain_score(encoder, windows, template, method)
    trust = check_explanation(ProbeScore(encoder, template), windows, importance)
    assert trust.sanity is not None
    written = trust.to_dict()
    assert written["joints_angles"].keys() == {"area", "random_area", "shuffled_correlation"}
    assert -1 <= written["moments"]["shuffled_correlation"] <= 1


def test_other_encoders_are_tested_by_deletion_alone():
    columns = next(iter(JOINT_COLUMNS.values()))
    windows = make_windows(features=np.ones((2, 60, 78)), count=2)
    encoder = Linear(weights_on(columns))
    importance = explain_score(encoder, windows, TEMPLATE)
    trust = check_explanation(ProbeScore(encoder, TEMPLATE), windows, importance)
    assert trust.sanity is None
    assert trust.parts.area < trust.parts.random_area
    assert "shuffled_correlation" not in trust.to_dict()["moments"]


@pytest.mark.slow
def test_without_onnx_shuffling_is_left_out(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    encoder = OnnxEncoder.load("blend")
    windows = make_windows(count=2)
    template = encoder.embed(windows)[0]
    importance = explain_score(encoder, windows, template)
    assert check_explanation(ProbeScore(encoder, template), windows, importance).sanity is None


@pytest.fixture
def explained():
    """An encoder that mostly reads four parts, in the middle of the windows' frames."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.02, 78)
    for part in (0, 4, 9):
        weights += 0.4 * weights_on(list(JOINT_COLUMNS.values())[part])
    weights += weights_on(ANGLE_COLUMNS["left hip"])
    features = np.ones((3, 60, 78)) * np.linspace(0, 2, 60)[:, None]
    windows = make_windows(features=features)
    score = ProbeScore(Linear(weights), TEMPLATE)
    return score, windows, explain_by_occlusion(score, windows)


@pytest.mark.parametrize("delete", [delete_parts, delete_moments])
def test_what_is_important_hurts_more_than_what_is_drawn(explained, delete):
    score, windows, importance = explained
    deletion = delete(score, windows, importance, np.random.default_rng(0))
    assert deletion.area < deletion.random_area - 0.001
    whole, nothing = score(windows.features), score(np.zeros_like(windows.features))
    for curve in (deletion.guided, deletion.at_random):
        assert curve[0] == pytest.approx(whole)
        assert curve[-1] == pytest.approx(nothing)


@pytest.mark.parametrize("delete", [delete_parts, delete_moments])
def test_an_explanation_turned_upside_down_is_worse_than_chance(explained, delete):
    score, windows, importance = explained
    wrong = dataclasses.replace(
        importance,
        over_time=-importance.over_time,
        joints={joint: -value for joint, value in importance.joints.items()},
        angles={name: -value for name, value in importance.angles.items()},
    )
    deletion = delete(score, windows, wrong, np.random.default_rng(0))
    assert deletion.area > deletion.random_area + 0.001


def test_the_area_is_the_mean_height_of_the_curve(explained):
    score, windows, importance = explained
    deletion = delete_parts(score, windows, importance, np.random.default_rng(0), draws=2)
    middles = (deletion.guided[1:] + deletion.guided[:-1]) / 2
    assert deletion.area == pytest.approx(middles.mean())
    assert len(deletion.guided) == len(JOINT_COLUMNS) + len(ANGLE_COLUMNS) + 1


def test_an_explanation_agrees_with_itself_and_not_with_its_opposite(explained):
    *_, importance = explained
    assert compare_explanations(importance, importance).parts == pytest.approx(1)
    opposite = dataclasses.replace(importance, over_time=-importance.over_time)
    assert compare_explanations(importance, opposite).moments == pytest.approx(-1)
    flat = dataclasses.replace(importance, joints=dict.fromkeys(importance.joints, 0.0))
    flat = dataclasses.replace(flat, angles=dict.fromkeys(importance.angles, 0.0))
    assert np.isnan(compare_explanations(importance, flat).parts)


def test_parts_are_listed_by_name_whatever_their_order(explained):
    *_, importance = explained
    turned = dataclasses.replace(importance, joints=dict(reversed(list(importance.joints.items()))))
    assert np.array_equal(part_values(turned), part_values(importance))


@pytest.mark.slow
def test_a_shuffled_network_embeds_and_is_explained_otherwise():
    encoder = OnnxEncoder.load("blend")
    shuffled, again = shuffle_weights(encoder), shuffle_weights(encoder)
    card = encoder.card
    features = np.random.default_rng(0).normal(card.mean, card.std, (3, 60, 78))
    windows = make_windows(features=features)
    embeddings = shuffled.embed(windows)
    assert np.array_equal(embeddings, again.embed(windows))
    assert np.abs((embeddings * encoder.embed(windows)).sum(axis=1)).max() < 0.9
    template = encoder.embed(make_windows(2))[0]
    first, second = (explain_score(e, windows, template) for e in (encoder, shuffled))
    assert abs(compare_explanations(first, second).parts) < 0.9

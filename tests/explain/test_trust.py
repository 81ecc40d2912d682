import numpy as np
import pytest
from linear_encoder import TEMPLATE, Linear, make_windows, weights_on

from gaitproof.explain.importance import JOINT_COLUMNS, ProbeScore
from gaitproof.explain.methods import explain_score
from gaitproof.explain.trust import check_explanation
from gaitproof.nets.onnx import OnnxEncoder

pytestmark = pytest.mark.slow


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


def test_without_onnx_shuffling_is_left_out(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    encoder = OnnxEncoder.load("blend")
    windows = make_windows(count=2)
    template = encoder.embed(windows)[0]
    importance = explain_score(encoder, windows, template)
    assert check_explanation(ProbeScore(encoder, template), windows, importance).sanity is None

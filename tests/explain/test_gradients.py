import shutil

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from linear_encoder import TEMPLATE, Linear, make_windows, weights_on

from gaitproof.errors import DependencyError, ModelError
from gaitproof.explain import gradients
from gaitproof.explain.importance import JOINT_COLUMNS, ProbeScore
from gaitproof.explain.methods import WITH_GRADIENTS, explain_score
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.trainable import NETWORK_FILE, TorchEncoder, read_network
from gaitproof.types import Landmark

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder.load("blend")


@pytest.fixture(scope="module")
def windows(encoder):
    card = encoder.card
    features = np.random.default_rng(0).normal(card.mean, card.std, (3, 60, 78))
    return make_windows(features=features)


@pytest.fixture(scope="module")
def score(encoder):
    return ProbeScore(encoder, encoder.embed(make_windows(2))[0])


@pytest.mark.parametrize("kind", ["none", "z", "t", "s"])
@pytest.mark.parametrize("top", [None, 20])
def test_the_similarity_that_is_differentiated_is_that_of_verification(
    encoder, windows, score, kind, top, monkeypatch
):
    import torch

    cohort = encoder.card.cohort.model_copy(update={"top": top}) if kind != "none" else None
    card = encoder.card.model_copy(update={"normalisation": kind, "cohort": cohort})
    monkeypatch.setattr(encoder, "card", card)
    inputs = encoder.normalise(windows)
    similarity = gradients._similarity(score, read_network(encoder))
    with torch.inference_mode():
        similarities = similarity(torch.from_numpy(np.stack([inputs, -inputs])))
    assert similarities.numpy() == pytest.approx([score(inputs), score(-inputs)], abs=2e-5)


@pytest.mark.parametrize("references", [0, 3])
def test_relative_to_references_it_is_differentiated_so(
    encoder, windows, score, references, monkeypatch
):
    import torch

    monkeypatch.setattr(
        encoder, "card", encoder.card.model_copy(update={"evidence": EVIDENCE, "cohort": None})
    )
    people = encoder.embed(make_windows(references)) if references else None
    relative = ProbeScore(encoder, score.template, people)
    inputs = encoder.normalise(windows)
    similarity = gradients._similarity(relative, read_network(encoder))
    with torch.inference_mode():
        similarities = similarity(torch.from_numpy(np.stack([inputs, -inputs])))
    assert similarities.numpy() == pytest.approx([relative(inputs), relative(-inputs)], abs=2e-5)


def test_integrated_gradients_add_up_to_the_score_over_the_average_walker(windows, score):
    explanation = gradients.explain_by_integrated_gradients(score, windows)
    average = score(np.zeros_like(score.encoder.normalise(windows)))
    parts = sum(explanation.joints.values()) + sum(explanation.angles.values())
    assert parts == pytest.approx(explanation.score - average, abs=0.02)
    assert explanation.over_time.sum() == pytest.approx(parts)
    assert sum(explanation.groups.values()) == pytest.approx(parts)


def test_gradients_agree_with_small_changes(windows, score):
    """Input times gradient is how the score changes as one joint fades."""
    explanation = gradients.explain_by_gradients(score, windows)
    inputs = score.encoder.normalise(windows)
    knee = list(JOINT_COLUMNS[Landmark.LEFT_KNEE])
    step, less, more = 0.02, inputs.copy(), inputs.copy()
    less[..., knee] *= 1 - step
    more[..., knee] *= 1 + step
    slope = (score(more) - score(less)) / (2 * step)
    assert explanation.joints[Landmark.LEFT_KNEE] == pytest.approx(slope, rel=0.05, abs=1e-4)


def test_gradcam_lies_on_the_clip(windows, score):
    explanation = gradients.explain_by_gradcam(score, windows)
    assert len(explanation.over_time) == len(explanation.times) == 60 + 2 * 15
    assert np.ptp(explanation.over_time) > 0
    assert explanation.joints == gradients.explain_by_gradients(score, windows).joints


@pytest.mark.parametrize("name", ["cnn", "gaitgraph", "gpgait", "gaittr", "sposgait", "blend"])
def test_gradcam_looks_at_the_last_convolution_over_time(name):
    import torch

    from gaitproof.nets.registry import create_network

    torch.manual_seed(0)
    network = create_network(name).eval()
    seen = []
    gradients._last_convolutions(network).register_forward_hook(
        lambda *given: seen.append(given[2])
    )
    network(torch.randn(2, 60, 78)).sum().backward()
    (maps,) = seen
    assert maps.requires_grad
    assert maps.shape[0] == 2
    assert maps.shape[2] in (8, 15, 30)
    assert maps.shape[3:] in ((), (12,))


def test_gradcam_of_a_graph_network_lies_on_the_clip(encoder, windows, monkeypatch):
    from gaitproof.nets.registry import create_network

    plain = {"normalisation": "none", "cohort": None, "evidence": None}
    monkeypatch.setattr(encoder, "card", encoder.card.model_copy(update=plain))
    network = TorchEncoder(create_network("gaitgraph"), encoder)
    score = ProbeScore(network, network.embed(make_windows(2))[0])
    explanation = gradients.explain_by_gradcam(score, windows)
    assert len(explanation.over_time) == 60 + 2 * 15
    assert np.ptp(explanation.over_time) > 0


def test_gradcam_says_for_which_networks_it_is():
    from gaitproof.nets.registry import create_network

    with pytest.raises(ModelError, match="no convolution over time"):
        gradients._last_convolutions(create_network("discriminant"))


@pytest.mark.parametrize("method", WITH_GRADIENTS)
def test_methods_by_name(encoder, windows, method):
    template = encoder.embed(make_windows(2))[0]
    explanation = explain_score(encoder, windows, template, method)
    assert explanation.method == method
    assert len(explanation.joints) == 12
    assert 0 < explanation.score < 1


@pytest.mark.parametrize("method", WITH_GRADIENTS)
def test_a_model_without_its_network_says_so(method, windows):
    linear = Linear(weights_on([0]))
    with pytest.raises(ModelError, match="read from a folder"):
        explain_score(linear, windows, TEMPLATE, method)
    older = OnnxEncoder.load("hybrid-small")
    with pytest.raises(ModelError, match=r"no network\.safetensors"):
        explain_score(older, windows, older.embed(windows)[0], method)


def test_a_network_of_another_training_is_refused(encoder, tmp_path):
    from gaitproof.nets.registry import create_network
    from gaitproof.nets.trainable import pack_network

    folder = tmp_path / "model"
    shutil.copytree(encoder.folder, folder)
    (folder / NETWORK_FILE).write_bytes(pack_network(create_network("blend")))
    with pytest.raises(ModelError, match="different trainings"):
        read_network(OnnxEncoder.load(folder))
    for damage in (b"", b"x" * 100, pack_network(create_network("cnn"))):
        (folder / NETWORK_FILE).write_bytes(damage)
        with pytest.raises(ModelError, match="is not a valid network"):
            read_network(OnnxEncoder.load(folder))


def test_without_captum_the_way_out_is_named(windows, score, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(DependencyError, match=r"gaitproof\[train\]"):
        gradients.explain_by_gradients(score, windows)

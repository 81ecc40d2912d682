import sys

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.errors import ConfigError, DependencyError, ModelError
from gaitproof.modelling.face.export import WithMap
from gaitproof.nets.face.base import FORGED, GENUINE, ImageNetwork
from gaitproof.nets.face.compact import Residuals
from gaitproof.nets.face.registry import (
    FACE_NETWORKS,
    FaceNetworkSettings,
    create_face_network,
    list_face_networks,
)

IMAGES = [name for name in list_face_networks() if issubclass(FACE_NETWORKS[name], ImageNetwork)]


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_every_parameter_learns_and_nothing_works_in_place(name):
    torch.manual_seed(0)
    network = create_face_network(name)
    looked = network.look(torch.randn(3, 3, 64, 64))
    assert looked.logits.shape == (3, 2)
    loss = looked.logits.square().sum()
    if looked.blend is not None:
        loss = loss + looked.blend.square().sum()
    loss.backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name
    assert not any(getattr(module, "inplace", False) for module in network.modules())


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_the_closed_form_is_grad_cam(name):
    torch.manual_seed(1)
    network = create_face_network(name).eval()
    crops = torch.randn(2, 3, 64, 64)
    features = network.features(crops).detach().requires_grad_()
    logits = network.head(features.mean(dim=(2, 3)))
    (logits[:, FORGED] - logits[:, GENUINE]).sum().backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    expected = (weights * features).sum(dim=1).relu()
    output, maps = WithMap(network)(crops)
    torch.testing.assert_close(output, network(crops))
    torch.testing.assert_close(maps, expected.detach(), rtol=1e-4, atol=1e-8)


def test_a_head_without_closed_form_is_refused():
    network = create_face_network("compact")
    network.head = nn.Sequential(nn.Linear(120, 8), nn.GELU(), nn.Linear(8, 2))
    with pytest.raises(TypeError, match="GELU"):
        WithMap(network)


def test_the_seed_s_network_has_its_size():
    network = create_face_network("effnet-b1")
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == pytest.approx(7.2e6, rel=0.01)
    assert [type(layer) for layer in network.head] == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert network.head[0].weight.shape == (512, 1280)
    assert network.head[2].p == 0.3


def test_the_compact_network_is_small():
    count = sum(parameter.numel() for parameter in create_face_network("compact").parameters())
    assert count < 1.5e6


def test_residuals_see_no_flat_colour_and_no_slope():
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    residuals = Residuals()(ramp)[..., 3:-3, 3:-3]
    np.testing.assert_allclose(residuals.numpy(), 0, atol=1e-5)
    assert Residuals()(torch.randn(1, 3, 32, 32)).abs().max() > 0.5


def test_wrong_names_and_sizes_are_refused():
    with pytest.raises(ConfigError, match="effnet-b1"):
        create_face_network("resnet")
    with pytest.raises(ConfigError, match="has no such setting"):
        create_face_network("compact", FaceNetworkSettings(hidden=64))
    with pytest.raises(ModelError, match="not a valid backbone"):
        create_face_network("effnet-b1", FaceNetworkSettings(pretrained="/nowhere/at/all"))


@pytest.mark.slow
def test_a_local_backbone_is_read_and_a_foreign_one_refused(tmp_path):
    torch.manual_seed(2)
    network = create_face_network("effnet-b1")
    network.backbone.save_pretrained(tmp_path / "own")
    read = create_face_network("effnet-b1", FaceNetworkSettings(pretrained=str(tmp_path / "own")))
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(read.backbone.state_dict()[name], value), name
    from transformers import ResNetConfig, ResNetModel

    other = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1]))
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError):
        create_face_network("effnet-b1", FaceNetworkSettings(pretrained=str(tmp_path / "other")))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DependencyError, match="'effnet-b1' needs a package") as caught:
        create_face_network("effnet-b1")
    assert "gaitproof[face]" in str(caught.value.hint)
    create_face_network("compact")

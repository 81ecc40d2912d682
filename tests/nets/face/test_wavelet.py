import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_face_model import make_card

from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceDetectorCard, FaceForgeryModel
from gaitproof.modelling.face.export import check_parity, to_onnx
from gaitproof.nets.face.base import FORGED, GENUINE, ImageNetwork
from gaitproof.nets.face.registry import (
    FACE_NETWORKS,
    FaceNetworkSettings,
    create_face_network,
    list_face_networks,
)
from gaitproof.nets.face.wavelet import WaveletMix, WithWavelets
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import TrainedFaces

IMAGES = [name for name in list_face_networks() if issubclass(FACE_NETWORKS[name], ImageNetwork)]


@given(st.integers(0, 2**31))
def test_bands_keep_the_energy_and_say_what_changes_where(seed):
    mix = WaveletMix()
    inside = torch.zeros(1, 3, 32, 32)
    inside[..., 8:24, 8:24] = torch.randn(
        1, 3, 16, 16, generator=torch.Generator().manual_seed(seed)
    )
    assert mix.bands(inside).square().sum() == pytest.approx(inside.square().sum().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "band"),
    [
        (lambda y, x: torch.ones_like(y), 0),
        (lambda y, x: (-1) ** x, 1),
        (lambda y, x: (-1) ** y, 2),
        (lambda y, x: (-1) ** (x + y), 3),
    ],
    ids=["flat", "across", "down", "diagonal"],
)
def test_every_band_has_its_own_direction(change, band):
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    image = change(y, x).float().expand(1, 3, 32, 32)
    strengths = WaveletMix().bands(image)[0, :4, 2:-2, 2:-2].abs().mean(dim=(1, 2))
    assert strengths.argmax() == band
    assert strengths[band] > 100 * (strengths.sum() - strengths[band])


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_every_image_network_begins_with_rgb_and_learns_the_bands(name):
    torch.manual_seed(0)
    network = create_face_network(name, FaceNetworkSettings(wavelets=True))
    assert isinstance(network, WithWavelets)
    crops = torch.randn(2, 3, 64, 64)
    network.eval()
    torch.testing.assert_close(network(crops), network.inner(crops))
    looked = network.look(crops)
    torch.testing.assert_close(looked.logits, network(crops))
    looked.logits.square().sum().backward()
    assert (network.wavelets.mix.weight.grad.abs() > 0).all()
    assert any(part.startswith("inner.") for part in network.fresh) == bool(network.inner.fresh)


@pytest.mark.slow
def test_it_learns_what_only_the_finest_differences_tell():
    """Noise against the same noise with a faint pattern of single pixels."""
    torch.manual_seed(1)
    network = create_face_network(
        "compact", FaceNetworkSettings(width=8, dropout=0.0, wavelets=True)
    )
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    labels = torch.arange(16) % 2
    crops = 0.2 * torch.randn(16, 3, 32, 32)
    crops[labels == FORGED] += 0.2 * (-1.0) ** (x + y)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(network(crops), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert network.wavelets.mix.weight[:, 3:].abs().max() > 1e-3
    assert {FORGED, GENUINE} == {0, 1}


@pytest.mark.slow
def test_what_is_exported_sees_the_bands():
    settings = FaceTrainSettings(
        architecture="compact",
        network=FaceNetworkSettings(width=8, wavelets=True, value_range=(-1, 1)),
        alignment=AlignmentSettings(size=48, margin=0.1),
    )
    torch.manual_seed(2)
    network = create_face_network(settings.architecture, settings.network).eval()
    with torch.no_grad():
        network.wavelets.mix.weight.add_(0.2 * torch.randn(3, 15, 1, 1))
    weights = to_onnx(TrainedFaces(network, settings))
    card = FaceDetectorCard.model_validate(
        make_card(weights)
        | {
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "alignment": settings.alignment,
            "mean": network.mean,
            "std": network.std,
        }
    )
    model = FaceForgeryModel(weights, card)
    check_parity(TrainedFaces(network, settings), model)
    assert model.explain(np.zeros((1, 48, 48, 3), np.uint8)).shape[0] == 1


def test_networks_of_clips_have_no_wavelets():
    with pytest.raises(ConfigError, match="wavelet"):
        create_face_network("temporal-only", FaceNetworkSettings(wavelets=True))


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)])
def test_values_lie_in_the_range_that_was_asked_for(low, high):
    network = create_face_network("compact", FaceNetworkSettings(value_range=(low, high)))
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 4, 4, 3)
    seen = network.normalise(ends)
    assert seen[0].unique().item() == pytest.approx(low, abs=1e-4)
    assert seen[1].unique().item() == pytest.approx(high, rel=1e-5)
    assert create_face_network("compact").mean != network.mean


def test_a_range_without_values_is_refused():
    with pytest.raises(ValueError, match="darkest"):
        FaceNetworkSettings(value_range=(1, 1))

"""Every network on silhouettes, alone or with joints, keeps the same promises and learns."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from sticks import walking_points
from synthetic_masks import walking_masks
from torch import nn

from gaitproof.gait.features import windows_from_points
from gaitproof.gait.silhouettes import OPENINGS, energy_images
from gaitproof.modelling.export import export_onnx
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network, list_networks, network_options, signal_of
from gaitproof.nets.silhouette import energies, openings
from gaitproof.train.losses import supervised_contrastive

pytestmark = pytest.mark.slow

NETWORKS = [*list_networks("silhouettes"), *list_networks("both")]
Inputs = tuple[torch.Tensor, ...]


def _small(name: str) -> nn.Module:
    own = network_options(name).given()
    # eight times the width at the end of gaitbase
    width = 8 if name == "gaitbase" else 12
    tiny = {"embedding": 89, "dropout": 0.0, "layers": 1, "width": width}
    torch.manual_seed(0)
    return create_network(name, NetworkSettings(**{key: tiny[key] for key in own}))


@pytest.fixture(scope="module")
def walkers() -> tuple[Inputs, torch.Tensor]:
    """Masks and features of two people, two walks each, and whose they are."""
    people = np.repeat(np.arange(2), 2)
    masks = np.stack([walking_masks(p, w, frames=50) for w, p in enumerate(people)])
    features = [
        windows_from_points(*walking_points(int(p), w, 2.1)).features[0]
        for w, p in enumerate(people)
    ]
    inputs = torch.from_numpy(masks), torch.from_numpy(np.stack(features))
    return inputs, torch.from_numpy(people)


def _seen(name: str, inputs: Inputs) -> Inputs:
    """Return what the network reads."""
    return inputs if signal_of(name) == "both" else inputs[:1]


def test_every_network_says_what_it_reads():
    assert set(NETWORKS) >= {"gaitset", "gaitbase", "strip-energy", "energy-blend", "gaittrivit"}
    assert list_networks("both") == ["mmgaitformer"]
    assert "skeletonmap" in list_networks()
    assert len({*NETWORKS, *list_networks()}) == len(NETWORKS) + len(list_networks())


@pytest.mark.parametrize("name", NETWORKS)
def test_unit_embeddings_that_do_not_depend_on_the_batch(name, walkers):
    network = _small(name).eval()
    inputs = _seen(name, walkers[0])
    with torch.inference_mode():
        embeddings = network(*(x[:3] for x in inputs))
        alone = network(*(x[1:2] for x in inputs))
    assert embeddings.shape == (3, network.embedding_size)
    assert embeddings.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert alone[0].numpy() == pytest.approx(embeddings[1].numpy(), abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_gets_a_gradient(name, walkers):
    network = _small(name).train()
    supervised_contrastive(network(*_seen(name, walkers[0])), walkers[1], 0.1).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # a bias before a normalisation, or that all embeddings share, may stay
    assert [n for n in still if not n.endswith("bias")] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_learns_a_small_task(name, walkers):
    inputs, labels = _seen(name, walkers[0]), walkers[1]
    network = _small(name).train()
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    for _ in range(8):
        optimiser.zero_grad()
        loss = supervised_contrastive(network(*inputs), labels, 0.1)
        loss.backward()
        optimiser.step()
    embeddings = network(*inputs).detach()
    similar = embeddings @ embeddings.T
    same = labels[:, None] == labels[None]
    assert similar[same].mean() > similar[~same].mean() + 0.3


@pytest.mark.parametrize("name", list_networks("both"))
def test_both_signals_count(name, walkers):
    network = _small(name).eval()
    masks, features = walkers[0]
    with torch.inference_mode():
        plain = network(masks, features)
        for changed in (network(masks.flip(0), features), network(masks, features.flip(0))):
            assert (plain - changed).abs().max() > 1e-3


class _Together(nn.Module):
    """Networks side by side: one export costs less than five."""

    def __init__(self, networks: dict[str, nn.Module]) -> None:
        super().__init__()
        self.names = tuple(networks)
        self.networks = nn.ModuleList(networks.values())

    def forward(self, masks: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return all embeddings, (B, networks, E)."""
        pairs = zip(self.names, self.networks, strict=True)
        return torch.stack([net(*_seen(n, (masks, features))) for n, net in pairs], dim=1)


@pytest.mark.slow
def test_exported_they_compute_the_same(walkers):
    # energy-blend holds both others on energy images
    whole = [name for name in NETWORKS if name not in ("strip-energy", "energy-discriminant")]
    network = _Together({name: _small(name) for name in whole}).eval()
    with torch.inference_mode():
        expected = network(*walkers[0]).numpy()
    weights = export_onnx(network, walkers[0], ("masks", "features"), ("embeddings",))
    session = onnxruntime.InferenceSession(weights)
    for rows in (1, 3):
        feed = dict(zip(("masks", "features"), (x[:rows].numpy() for x in walkers[0]), strict=True))
        (exported,) = session.run(None, feed)
        assert exported == pytest.approx(expected[:rows], abs=1e-4)


def test_energies_are_where_the_person_is_and_how_often_that_changes(walkers):
    masks = walkers[0][0].float()
    images = energies(masks, (2, 4))
    assert (images[:, 0] == masks.mean(dim=1)).all()
    assert (images[:, 1] == (masks[:, 2:] != masks[:, :-2]).float().mean(dim=1)).all()
    still = energies(masks[:, :1].expand(-1, 50, -1, -1), (2, 4))
    assert not still[:, 1:].any()


def test_openings_are_the_means_of_equal_parts_of_the_window(walkers):
    masks = walkers[0][0]
    means = openings(masks.float(), OPENINGS)
    expected = np.stack([energy_images(one)[-OPENINGS:] for one in masks.numpy()])
    assert means.numpy() == pytest.approx(expected, abs=1e-6)
    # the order of the frames does not matter, but for frames that are alike
    assert openings(masks.flip(1).float(), 1).numpy() == pytest.approx(
        masks.float().mean(dim=1, keepdim=True).numpy(), abs=1e-6
    )

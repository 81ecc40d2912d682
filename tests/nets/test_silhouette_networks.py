"""Every network on silhouettes keeps the same promises, and every part of each learns."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from made_masks import walking_masks
from torch import nn

from gaitproof.nets.options import NetworkOptions
from gaitproof.nets.registry import create_network, list_networks, network_options, signal_of
from gaitproof.nets.silhouette import energies
from gaitproof.train.export import export_onnx
from gaitproof.train.losses import supervised_contrastive

NETWORKS = list_networks("silhouettes")


def _small(name: str) -> nn.Module:
    own = network_options(name).given()
    tiny = {"embedding": 89, "dropout": 0.0, "layers": 1, "width": 10}
    torch.manual_seed(0)
    return create_network(name, NetworkOptions(**{key: tiny[key] for key in own}))


@pytest.fixture(scope="module")
def walkers() -> tuple[torch.Tensor, torch.Tensor]:
    people = np.repeat(np.arange(2), 3)
    masks = np.stack([walking_masks(p, w, frames=50) for w, p in enumerate(people)])
    return torch.from_numpy(masks), torch.from_numpy(people)


def test_joints_and_silhouettes_have_networks_of_their_own():
    assert set(NETWORKS) >= {"gaitset", "gaitbase", "strip-energy", "energy-blend"}
    assert not set(NETWORKS) & set(list_networks())
    assert {signal_of(name) for name in NETWORKS} == {"silhouettes"}


@pytest.mark.parametrize("name", NETWORKS)
def test_unit_embeddings_that_do_not_depend_on_the_batch(name, walkers):
    network = _small(name).eval()
    with torch.inference_mode():
        found = network(walkers[0][:3])
        alone = network(walkers[0][1:2])
    assert found.shape == (3, network.embedding_size)
    assert found.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert alone[0].numpy() == pytest.approx(found[1].numpy(), abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_gets_a_gradient(name, walkers):
    network = _small(name).train()
    supervised_contrastive(network(walkers[0]), walkers[1], 0.1).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # a bias before a normalisation, or that all embeddings share, may stay
    assert [n for n in still if not n.endswith("bias")] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_learns_a_small_task(name, walkers):
    masks, labels = walkers
    network = _small(name).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(12):
        optimiser.zero_grad()
        loss = supervised_contrastive(network(masks), labels, 0.1)
        loss.backward()
        optimiser.step()
        found = network(masks).detach()
    similar = found @ found.T
    same = labels[:, None] == labels[None]
    assert similar[same].mean() > similar[~same].mean() + 0.3


@pytest.mark.parametrize("name", NETWORKS)
def test_exported_it_computes_the_same(name, walkers):
    network = _small(name).eval()
    with torch.inference_mode():
        expected = network(walkers[0]).numpy()
    session = onnxruntime.InferenceSession(
        export_onnx(network, walkers[0][:3], "masks", ("embeddings",))
    )
    for rows in (1, 5):
        (found,) = session.run(None, {"masks": walkers[0][:rows].numpy()})
        assert found == pytest.approx(expected[:rows], abs=1e-4)


def test_energies_are_where_the_person_is_and_how_often_that_changes(walkers):
    masks = walkers[0].float()
    found = energies(masks, (2, 4))
    assert (found[:, 0] == masks.mean(dim=1)).all()
    assert (found[:, 1] == (masks[:, 2:] != masks[:, :-2]).float().mean(dim=1)).all()
    still = energies(masks[:, :1].expand(-1, 50, -1, -1), (2, 4))
    assert not still[:, 1:].any()

"""The networks have the sizes the design gives them, and every part of them learns."""

from __future__ import annotations

import pytest
import torch

from gaitproof.errors import ModelError
from gaitproof.nets.hybrid import PairHead
from gaitproof.nets.registry import create_network, embedding_size, list_networks
from gaitproof.train.losses import balanced_pair_loss, supervised_contrastive


def test_list_networks() -> None:
    assert {"hybrid-small", "hybrid-base", "diffcnn"} <= set(list_networks())


def test_create_unknown_network() -> None:
    with pytest.raises(ModelError, match="hybrid-small"):
        create_network("resnet")


@pytest.mark.parametrize(
    ("name", "embedding", "least", "most"),
    [("hybrid-small", 128, 300_000, 1_000_000), ("hybrid-base", 256, 3_000_000, 4_600_000)],
)
def test_size(name: str, embedding: int, least: int, most: int) -> None:
    network = create_network(name)
    assert least < sum(p.numel() for p in network.parameters()) < most
    out = network.eval()(torch.randn(3, 60, 78))
    assert out.shape == (3, embedding) == (3, embedding_size(name))
    torch.testing.assert_close(out.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("name", ["hybrid-small", "hybrid-base"])
def test_every_parameter_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name)
    head = PairHead(embedding_size(name))
    labels = torch.arange(4).repeat_interleave(4)
    embeddings = network(torch.randn(16, 60, 78))
    loss = supervised_contrastive(embeddings, labels, 0.1)
    loss = loss + balanced_pair_loss(head, embeddings, labels, torch.Generator().manual_seed(0))
    loss.backward()
    silent = [
        key
        for module in (network, head)
        for key, p in module.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert silent == []


def test_embedding_depends_on_the_order_of_frames() -> None:
    torch.manual_seed(0)
    network = create_network("hybrid-small").eval()
    x = torch.randn(1, 60, 78)
    assert (network(x) - network(x.flip(1))).abs().max() > 1e-3

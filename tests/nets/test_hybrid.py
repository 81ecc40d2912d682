"""What the hybrid promises beside what every network does."""

from __future__ import annotations

import pytest
import torch

from gaitproof.nets.hybrid import HybridEncoder, PairHead
from gaitproof.nets.registry import create_network


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("hybrid-small", (True, True, True)),
        ("cnn", (True, False, False)),
        ("bilstm", (False, True, False)),
        ("transformer", (False, False, True)),
    ],
)
def test_branches(name: str, parts: tuple[bool, bool, bool]) -> None:
    network = create_network(name)
    assert isinstance(network, HybridEncoder)
    convolutions = any(isinstance(m, torch.nn.BatchNorm1d) for m in network.modules())
    branches = (convolutions, network.lstm is not None, network.transformer is not None)
    assert branches == parts


@pytest.mark.slow
def test_the_pair_head_learns_and_is_symmetric() -> None:
    torch.manual_seed(0)
    head = PairHead(16)
    a, b = (torch.nn.functional.normalize(torch.randn(8, 16), dim=1) for _ in range(2))
    target = torch.tensor([0.0, 1.0] * 4)
    torch.nn.functional.binary_cross_entropy_with_logits(head(a, b), target).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())
    torch.testing.assert_close(head(a, b), head(b, a))

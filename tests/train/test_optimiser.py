from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.train.optimiser import MOMENTUM, Muon, orthogonalised


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 5, 8)])
def test_all_directions_become_about_equally_long(shape):
    matrices = torch.from_numpy(np.random.default_rng(0).normal(size=shape)).float()
    orthogonal = orthogonalised(matrices).double()
    left, _, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    # the same singular vectors
    turned = left.mT @ orthogonal @ right.mT
    lengths = torch.diagonal(turned, dim1=-2, dim2=-1)
    assert (turned - torch.diag_embed(lengths)).abs().max() < 1e-4
    assert 0.6 < lengths.min() <= lengths.max() < 1.3


def _pair() -> tuple[nn.Conv2d, nn.Linear]:
    torch.manual_seed(0)
    return nn.Conv2d(2, 4, 3), nn.Linear(3, 2)


def test_only_orthogonal_groups_are_stepped_by_it():
    conv, linear = _pair()
    plain, expected = _pair()
    groups = [
        {"params": [conv.bias, *linear.parameters()]},
        {"params": [conv.weight], "lr": 0.1, "orthogonal": True},
    ]
    optimiser = Muon(groups, 0.01, weight_decay=0.1)
    adam = torch.optim.AdamW([plain.bias, *expected.parameters()], 0.01, weight_decay=0.1)
    before = conv.weight.detach().clone()
    momentum = torch.zeros_like(before)
    rng = torch.Generator().manual_seed(1)
    for _ in range(3):
        for own, other in zip(
            [*conv.parameters(), *linear.parameters()],
            [*plain.parameters(), *expected.parameters()],
            strict=True,
        ):
            own.grad = torch.randn(own.shape, generator=rng)
            other.grad = own.grad.clone()
        gradient = conv.weight.grad
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        ahead = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
        before -= 0.1 * orthogonalised(ahead.flatten(1)).reshape(before.shape)
        optimiser.step()
        adam.step()
    assert conv.weight.detach().numpy() == pytest.approx(before.numpy(), abs=1e-6)
    for own, other in zip(linear.parameters(), expected.parameters(), strict=True):
        assert torch.equal(own, other)


def test_a_parameter_without_a_gradient_stays():
    conv, _ = _pair()
    kept = conv.weight.detach().clone()
    Muon([{"params": [conv.weight], "orthogonal": True}], 0.1).step()
    assert torch.equal(conv.weight, kept)

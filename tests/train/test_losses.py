"""Losses against their definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.nets.hybrid import PairHead
from gaitproof.train.losses import balanced_pair_loss, supervised_contrastive


def by_definition(x: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    total, anchors = 0.0, 0
    for i in range(len(x)):
        others = [a for a in range(len(x)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if not positives:
            continue
        denominator = sum(np.exp(x[i] @ x[a] / temperature) for a in others)
        total += -np.mean(
            [np.log(np.exp(x[i] @ x[p] / temperature) / denominator) for p in positives]
        )
        anchors += 1
    return total / anchors


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2]])
def test_supervised_contrastive(labels: list[int]) -> None:
    x = np.random.default_rng(0).normal(size=(6, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    loss = supervised_contrastive(torch.from_numpy(x), torch.tensor(labels), 0.2)
    assert loss.item() == pytest.approx(by_definition(x, np.array(labels), 0.2))


def test_supervised_contrastive_prefers_tight_identities() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    tight = torch.eye(2).repeat_interleave(2, dim=0)
    mixed = torch.eye(2).repeat(2, 1)
    assert supervised_contrastive(tight, labels, 0.1) < supervised_contrastive(mixed, labels, 0.1)


def test_pair_loss_is_balanced() -> None:
    class Says(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            self.shares = (a == b).all(dim=1).float()
            return torch.zeros(len(a))

    head = Says()
    labels = torch.arange(5).repeat_interleave(3)
    embeddings = torch.eye(5).repeat_interleave(3, dim=0)
    loss = balanced_pair_loss(head, embeddings, labels, torch.Generator().manual_seed(0))
    assert head.shares.mean().item() == 0.5
    assert loss.item() == pytest.approx(np.log(2))


def test_pair_head_is_symmetric() -> None:
    head = PairHead(8)
    a, b = torch.randn(4, 8), torch.randn(4, 8)
    torch.testing.assert_close(head(a, b), head(b, a))

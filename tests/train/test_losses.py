"""Losses against their definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.nets.hybrid import PairHead
from gaitproof.train import losses
from gaitproof.train.losses import supervised_contrastive


def random_rows(count: int, size: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(count, size)))


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


@pytest.mark.parametrize("columns", [1, 2])
def test_pair_cross_entropy(columns: int) -> None:
    same = torch.tensor([True, False, True])
    raw = torch.tensor([[0.5, 2.0], [1.0, -1.0], [0.2, 0.1]], dtype=torch.float64)
    logits = raw if columns == 2 else raw[:, 1] - raw[:, 0]
    genuine = 1 / (1 + np.exp(-(raw[:, 1] - raw[:, 0]).numpy()))
    expected = -np.log(np.where(same.numpy(), genuine, 1 - genuine)).mean()
    assert losses.pair_cross_entropy(logits, same).item() == pytest.approx(expected)


def hardest_triplets(x: torch.Tensor, labels: list[int]) -> list[tuple[int, int, int]]:
    """Mine (anchor, farthest positive, nearest negative) by looking at every row."""
    triplets = []
    for i, label in enumerate(labels):
        far = {j: torch.dist(x[i], x[j]) for j, o in enumerate(labels) if o == label and j != i}
        near = {j: torch.dist(x[i], x[j]) for j, o in enumerate(labels) if o != label}
        if far and near:
            triplets.append((i, max(far, key=far.__getitem__), min(near, key=near.__getitem__)))
    return triplets


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2]])
def test_triplet_is_torchs_on_the_hardest(labels: list[int]) -> None:
    x = nn.functional.normalize(random_rows(6, 5), dim=1)
    anchor, positive, negative = (
        list(part) for part in zip(*hardest_triplets(x, labels), strict=True)
    )
    reference = nn.TripletMarginLoss(margin=1.0, eps=0.0)(x[anchor], x[positive], x[negative])
    loss = losses.batch_hard_triplet(x, torch.tensor(labels), 1.0)
    assert loss.item() == pytest.approx(reference.item(), abs=1e-6)
    assert loss.item() > 0


def test_contrastive_by_definition() -> None:
    x = nn.functional.normalize(random_rows(6, 5), dim=1)
    pairs = torch.tensor([[0, 1], [2, 3], [4, 5], [0, 5]])
    same = torch.tensor([True, False, True, False])
    distance = [float(np.linalg.norm(x[a] - x[b])) for a, b in pairs]
    expected = np.mean(
        [d**2 / 2 if s else max(0, 1.2 - d) ** 2 / 2 for d, s in zip(distance, same, strict=True)]
    )
    assert losses.contrastive(x, pairs, same, 1.2).item() == pytest.approx(expected)


def test_contrastive_matches_torchs_hinge() -> None:
    # torch's hinge embedding loss is max(0, margin - d) for strangers: the root of twice ours
    x = random_rows(2, 5)
    d = (x[0] - x[1]).norm()
    hinge = nn.functional.hinge_embedding_loss(d[None], torch.tensor([-1.0]), margin=9.0)
    ours = losses.contrastive(x, torch.tensor([[0, 1]]), torch.tensor([False]), 9.0)
    assert ours.item() == pytest.approx(hinge.item() ** 2 / 2)


def test_arcface_adds_the_angle() -> None:
    # weights drawn at random could put an angle beyond pi, where the margin works otherwise
    head = losses.ArcFaceHead(5, 3, scale=30.0, margin=0.5).double()
    with torch.no_grad():
        head.weight.copy_(torch.eye(3, 5) + 0.1)
    x = nn.functional.normalize(random_rows(4, 5).abs(), dim=1)
    labels = torch.tensor([0, 2, 1, 0])
    weight = head.weight.detach().numpy()
    angle = np.arccos(x.numpy() @ (weight / np.linalg.norm(weight, axis=1, keepdims=True)).T)
    angle[np.arange(4), labels] += 0.5
    assert angle.max() < np.pi
    np.testing.assert_allclose(head(x, labels).detach(), 30 * np.cos(angle), atol=1e-6)


def test_arcface_without_margin_is_a_cosine_softmax() -> None:
    head = losses.ArcFaceHead(5, 3, scale=30.0, margin=0.0).double()
    x = nn.functional.normalize(random_rows(4, 5), dim=1)
    expected = 30 * nn.functional.cosine_similarity(x[:, None], head.weight[None], dim=2)
    torch.testing.assert_close(head(x, torch.tensor([0, 1, 2, 0])), expected)


def test_arcface_keeps_falling_beyond_pi() -> None:
    head = losses.ArcFaceHead(2, 2, scale=1.0, margin=0.5).double()
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
    angles = torch.linspace(0, np.pi, 200, dtype=torch.float64)
    x = torch.stack([angles.cos(), angles.sin()], dim=1)
    logits = head(x, torch.zeros(200, dtype=torch.long))[:, 0]
    assert (logits.diff() <= 1e-6).all()


@pytest.mark.parametrize("name", ["triplet", "contrastive", "arcface"])
def test_gradients_are_finite_for_identical_rows(name: str) -> None:
    x = torch.zeros(4, 3)
    x[:, 0] = 1
    x.requires_grad_()
    labels = torch.tensor([0, 0, 1, 1])
    if name == "triplet":
        loss = losses.batch_hard_triplet(x, labels, 1.0)
    elif name == "contrastive":
        pairs = torch.tensor([[0, 1], [0, 2]])
        loss = losses.contrastive(x, pairs, torch.tensor([True, False]), 2.0)
    else:
        loss = losses.ArcFaceHead(3, 2, 30.0, 0.5)(x, labels).sum()
    loss.backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_pair_head_is_symmetric() -> None:
    head = PairHead(8)
    a, b = torch.randn(4, 8), torch.randn(4, 8)
    torch.testing.assert_close(head(a, b), head(b, a))

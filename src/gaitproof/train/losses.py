"""Losses that shape the embedding: pure functions of a batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gaitproof.train.config import AdaptWays


def supervised_contrastive(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss, L_out (Khosla et al., NeurIPS 2020, equation 2).

    Parameters
    ----------
    embeddings
        Shape (B, E), unit rows.
    labels
        Shape (B,), subject indices.
    temperature
        Positive; smaller looks harder at close impostors.

    Returns
    -------
    Tensor
        Scalar mean over all anchors that have a positive.
    """
    logits = embeddings @ embeddings.T / temperature
    self_pairs = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    log_prob = logits - torch.logsumexp(
        logits.masked_fill(self_pairs, float("-inf")), dim=1, keepdim=True
    )
    positive = (labels[:, None] == labels[None]) & ~self_pairs
    count = positive.sum(dim=1)
    per_anchor = -(log_prob * positive).sum(dim=1) / count.clamp(min=1)
    return per_anchor[count > 0].mean()


def mean_discrepancy(source: Tensor, target: Tensor) -> Tensor:
    """Return how far two samples' distributions are apart, 0 or more.

    The biased estimate of the squared maximum mean discrepancy (Gretton et al., JMLR 13, 2012,
    equation 5) with the mean of five Gaussian kernels, a quarter to four times as wide as the mean
    squared distance (Long et al., ICML 2015).

    Parameters
    ----------
    source, target
        Shapes (N, E) and (M, E).
    """
    both = torch.cat([source, target])
    apart = (both[:, None] - both).square().sum(dim=2)
    width = apart.detach().mean().clamp_min(1e-6)
    kernel = torch.stack([(-apart / (width * 2.0**k)).exp() for k in range(-2, 3)]).mean(dim=0)
    count = len(source)
    alike = kernel[:count, :count].mean() + kernel[count:, count:].mean()
    return alike - 2 * kernel[:count, count:].mean()


def rise(done: float) -> float:
    """Return the share of its weight that a reversed gradient has, 0 to 1.

    Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 17, 2016, section 5.2.2:
    the classifier is no guide before it has learnt anything.

    Parameters
    ----------
    done
        Share of the steps taken, 0 to 1.
    """
    return 2 / (1 + math.exp(-10 * done)) - 1


class DomainHead(nn.Module):
    """A classifier into training and target, whose gradient the embedding gets reversed.

    Ganin et al., JMLR 17, 2016 (DANN).

    Parameters
    ----------
    embedding
        Dimensions.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(embedding, embedding), nn.ReLU(), nn.Linear(embedding, 1)
        )

    def forward(self, source: Tensor, target: Tensor, weight: float) -> Tensor:
        """Return the classifier's cross-entropy.

        Parameters
        ----------
        source, target
            Shapes (N, E) and (M, E).
        weight
            Of the gradient that goes back reversed.
        """
        both = torch.cat([source, target])
        both = (1 + weight) * both.detach() - weight * both  # the same values
        logits = self.layers(both)[:, 0]
        domains = torch.arange(len(both), device=both.device) >= len(source)
        return nn.functional.binary_cross_entropy_with_logits(logits, domains.to(logits.dtype))


def domain_losses(
    source: Tensor, target: Tensor, adapt: AdaptWays, heads: nn.ModuleDict, done: float
) -> dict[str, Tensor]:
    """Return what a recipe adds for footage without labels, each times its weight.

    Parameters
    ----------
    source, target
        Unit embeddings, shapes (N, E) and (M, E).
    adapt
        The recipe's.
    heads
        With a `DomainHead` named ``domain``, if there is an adversary.
    done
        Share of the steps taken, 0 to 1.
    """
    parts = {}
    if adapt.discrepancy:
        parts["discrepancy"] = adapt.discrepancy * mean_discrepancy(source, target)
    if adapt.adversary:
        parts["adversary"] = heads["domain"](source, target, adapt.adversary * rise(done))
    return parts


def pair_cross_entropy(logits: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy of verification decisions; 50/50 pairs make chance worth log 2.

    Parameters
    ----------
    logits
        Shape (P,), higher is more alike, or (P, 2) for [different, same].
    same
        Shape (P,), True where a pair is one person's.
    """
    if logits.ndim == 2:
        return nn.functional.cross_entropy(logits, same.long())
    return nn.functional.binary_cross_entropy_with_logits(logits, same.to(logits.dtype))


def batch_hard_triplet(embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Triplet loss with the hardest positive and negative of the batch per anchor.

    ``max(0, margin + max d(a, p) - min d(a, n))`` in Euclidean distance (Hermans, Beyer and
    Leibe, "In defense of the triplet loss", 2017, equation 5).

    Parameters
    ----------
    embeddings
        Shape (B, E).
    labels
        Shape (B,).
    margin
        Positive, in distance; unit embeddings are at most 2 apart.

    Returns
    -------
    Tensor
        Scalar mean over all anchors that have a positive and a negative.
    """
    distance = euclidean_distances(embeddings)
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    farthest = distance.masked_fill(~positive, float("-inf")).amax(dim=1)
    nearest = distance.masked_fill(same, float("inf")).amin(dim=1)
    usable = positive.any(dim=1) & ~same.all(dim=1)
    return (margin + farthest - nearest)[usable].relu().mean()


def batch_all_triplet(vectors: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Triplet loss of all triplets of the batch that break the margin, for every part by itself.

    ``max(0, margin + d(a, p) - d(a, n))`` in Euclidean distance, the mean over the triplets for
    which it is not 0 (Hermans, Beyer and Leibe, "In defense of the triplet loss", 2017).

    Parameters
    ----------
    vectors
        Shape (P, B, E).
    labels
        Shape (B,), every label equally often.
    margin
        Positive, in distance.

    Returns
    -------
    Tensor
        Scalar mean over the parts.
    """
    distance = torch.cdist(vectors, vectors)
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    rows = (len(vectors), len(labels), -1)
    near, far = distance[:, positive].view(rows), distance[:, ~same].view(rows)
    over = (margin + near[..., :, None] - far[..., None, :]).relu().flatten(1)
    return (over.sum(dim=1) / (over > 0).sum(dim=1).clamp(min=1)).mean()


def contrastive(embeddings: Tensor, pairs: Tensor, same: Tensor, margin: float) -> Tensor:
    """Contrastive loss of pairs (Hadsell, Chopra and LeCun, CVPR 2006, equation 4).

    ``d^2 / 2`` for a pair of one person, ``max(0, margin - d)^2 / 2`` for two people's, in
    Euclidean distance.

    Parameters
    ----------
    embeddings
        Shape (B, E).
    pairs
        Shape (P, 2), rows of `embeddings`.
    same
        Shape (P,), True where a pair is one person's.
    margin
        Positive, in distance.

    Returns
    -------
    Tensor
        Scalar mean over the pairs.
    """
    squared = (embeddings[pairs[:, 0]] - embeddings[pairs[:, 1]]).square().sum(dim=1)
    apart = (margin - _safe_sqrt(squared)).relu().square()
    return torch.where(same.bool(), squared, apart).mean() / 2


class ArcFaceHead(nn.Module):
    """One direction per training subject: logits of the additive angular margin.

    ``scale * cos(theta + margin)`` for the true class and ``scale * cos(theta)`` elsewhere (Deng
    et al., "ArcFace", CVPR 2019, equation 3). Where ``theta + margin`` exceeds pi the cosine would
    rise again; ``cos(theta) - margin * sin(margin)`` takes its place, as in the authors' code.

    Parameters
    ----------
    embedding
        Length of the embedding.
    classes
        Number of training subjects.
    scale, margin
        Of the formula; the margin in radians.
    """

    def __init__(self, embedding: int, classes: int, scale: float, margin: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, embedding))
        self.scale, self.margin = scale, margin
        nn.init.xavier_uniform_(self.weight)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Map unit embeddings (B, E) and classes (B,) to logits (B, classes)."""
        cosine = embeddings @ nn.functional.normalize(self.weight, dim=1).T
        true = cosine.gather(1, labels[:, None])
        sine = _safe_sqrt(1 - true.square())
        turned = true * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = true <= math.cos(math.pi - self.margin)
        pushed = torch.where(beyond, true - self.margin * math.sin(self.margin), turned)
        return self.scale * cosine.scatter(1, labels[:, None], pushed)


def euclidean_distances(embeddings: Tensor) -> Tensor:
    """Return the distances (B, B) between rows (B, E), with a finite gradient at 0."""
    squares = embeddings.square().sum(dim=1)
    return _safe_sqrt(squares[:, None] + squares[None] - 2 * embeddings @ embeddings.T)


def _safe_sqrt(squared: Tensor) -> Tensor:
    # the root's slope at 0 is infinite, and identical rows do come up
    return squared.clamp(min=1e-12).sqrt()

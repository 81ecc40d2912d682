"""Losses that shape the embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


def balanced_pair_loss(
    head: nn.Module, embeddings: Tensor, labels: Tensor, generator: torch.Generator
) -> Tensor:
    """Cross-entropy of the pair head on equally many same and different pairs.

    Parameters
    ----------
    head
        Maps two (B, E) tensors to (B,) logits.
    embeddings
        Shape (B, E).
    labels
        Shape (B,).
    generator
        Source of chance.
    """
    same = labels[:, None] == labels[None]
    upper = torch.ones_like(same).triu(1)
    positives = (same & upper).nonzero()
    negatives = (~same & upper).nonzero()
    count = min(len(positives), len(negatives), 2 * len(labels))
    picked = torch.cat(
        [
            pairs[torch.randperm(len(pairs), generator=generator)[:count]]
            for pairs in (positives, negatives)
        ]
    )
    target = torch.cat([torch.ones(count), torch.zeros(count)])
    logits = head(embeddings[picked[:, 0]], embeddings[picked[:, 1]])
    return nn.functional.binary_cross_entropy_with_logits(logits, target)

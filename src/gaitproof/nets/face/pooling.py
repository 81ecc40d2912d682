"""From the images of a clip to the clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionPooling(nn.Module):
    """Mean over time, weighted by what each moment says of itself.

    After Yang et al., "Hierarchical attention networks" (NAACL 2016): the weights are the softmax
    of ``v · tanh(W state + b)``; absent moments have none.

    Parameters
    ----------
    width
        Length of the states.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(width // 4, 8)
        # a bias at the end would add the same to every moment, which the softmax takes away
        self.rate = nn.Sequential(
            nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )

    def forward(self, states: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mean (N, D) and weights (N, T) of states (N, T, D), of all or where `present`."""
        rates = self.rate(states)[..., 0]
        if present is not None:
            rates = rates.masked_fill(~present, -torch.inf)
        weights = rates.softmax(dim=1)
        return (weights[:, None] @ states)[:, 0], weights

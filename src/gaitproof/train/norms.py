"""Batch norm measured anew: on the path of a search, or on footage that is to be judged."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def has_norms(network: nn.Module) -> bool:
    """Whether a network has layers of batch norm."""
    return any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in network.modules())


def measure_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Measure the mean and spread that batch norm assumes, as the average over batches.

    Parameters
    ----------
    network
        Left in evaluation mode; its weights are not changed.
    batches
        Inputs, one of them at least.
    """
    network.eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
    with torch.no_grad():
        for windows in batches:
            network(windows)
    network.eval()

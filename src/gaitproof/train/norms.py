"""Batch norm measured anew: on the path of a search, or on footage that is to be judged."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gaitproof.errors import ConfigError


def need_norms(network: nn.Module | None, name: str) -> None:
    """Raise a `ConfigError` if the network of that name has no layers of batch norm."""
    parts = () if network is None else network.modules()
    if not any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in parts):
        raise ConfigError(f"{name!r} has no batch norm to be measured on other footage.")


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

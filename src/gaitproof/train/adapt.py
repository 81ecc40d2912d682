"""Adaptation to recordings of nobody known, and batch norm measured anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from gaitproof.errors import ConfigError
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.pairs import PairNetwork
from gaitproof.train.sampler import WindowSampler, draw_unlabelled
from gaitproof.train.stream import Stream, random_source
from gaitproof.train.validation import without_noise

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings


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


_BATCHES: Final = 8
_WINDOWS: Final = 256


class TargetWindows:
    """Windows of recordings whose people are not looked at.

    Parameters
    ----------
    recordings
        Of the footage that the network shall be used on; two of them at least.
    settings
        The recipe.

    Raises
    ------
    ConfigError
        If there are no recordings.
    """

    def __init__(self, recordings: Sequence[Recording], settings: TrainSettings) -> None:
        # each recording counts as a person of its own, so that nothing depends on who it is
        unknown = [replace(r, subject=str(i)) for i, r in enumerate(recordings) if r.segments]
        if len(unknown) < 2:
            raise ConfigError(
                "There are no recordings to adapt to.",
                hint="adapt: {targets: [...]}, or --protocol leave-domain-out",
            )
        self._settings = settings
        sampler = WindowSampler(unknown, settings.augment)
        self._plain = WindowSampler(unknown, without_noise(settings.augment))
        self.learnt = sampler if settings.adapt.learnt else None

    def check(self, learner: nn.Module | None) -> None:
        """Raise a `ConfigError` unless a network can be adapted as the recipe says."""
        adapt, name = self._settings.adapt, self._settings.architecture
        if adapt.learnt and (learner is None or isinstance(learner, PairNetwork)):
            raise ConfigError(f"{name!r} has no embedding that is learnt by steps to be adapted.")
        if adapt.norms:
            need_norms(learner, name)

    def adapt(self, network: nn.Module, normaliser: Normaliser) -> None:
        """Measure batch norm anew, if the recipe says so."""
        if not self._settings.adapt.norms:
            return
        rng = random_source(self._settings.seed, stream=Stream.TARGETS)
        batches = [draw_unlabelled(self._plain, normaliser, _WINDOWS, rng) for _ in range(_BATCHES)]
        measure_norms(network, batches)

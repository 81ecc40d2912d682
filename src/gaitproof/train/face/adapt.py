"""Adaptation of networks for faces to stores whose labels are not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from gaitproof.data.face.store import FaceStore
from gaitproof.errors import ConfigError
from gaitproof.nets.face.base import FaceNetwork, ImageNetwork
from gaitproof.train.adapt import measure_norms, need_norms
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.samples import draw_labelled
from gaitproof.train.stream import Stream, random_source

_BATCHES: Final = 8
_CROPS: Final = 32


class TargetFaces:
    """Faces of the training clips of other stores, genuine and forged alike.

    Parameters
    ----------
    stores
        Of the footage that the network shall be used on.
    settings
        The recipe.

    Raises
    ------
    ConfigError
        If they hold fewer than two clips to learn from.
    """

    def __init__(self, stores: Sequence[FaceStore], settings: FaceTrainSettings) -> None:
        self._clips = [(store, stored) for store in stores for stored in store.of_split("train")]
        if len(self._clips) < 2:
            raise ConfigError("There are no faces to adapt to.", hint="adapt: {targets: [...]}")
        self._settings = settings

    def check(self, network: FaceNetwork) -> None:
        """Raise a `ConfigError` unless the network can be adapted as the recipe says."""
        adapt, name = self._settings.adapt, self._settings.architecture
        kind: Any = type(network)
        own = (ImageNetwork.look, ImageNetwork.study)
        if adapt.learnt and (kind.look, kind.study) != own:
            raise ConfigError(f"{name!r} does not decide by one vector that could be adapted.")
        if adapt.norms:
            need_norms(network, name)

    def draw(self, rng: np.random.Generator, count: int, *, plain: bool = False) -> Tensor:
        """Return crops of as many clips, (N, S, S, 3) uint8; `plain` ones are not damaged."""
        settings, crops = self._settings, []
        for place in rng.integers(len(self._clips), size=count):
            store, stored = self._clips[place]
            faces = store.read(stored, [int(rng.integers(stored.images))])
            crop, _ = draw_labelled(
                faces.images[0],
                faces.points[0],
                settings.alignment,
                int(rng.integers(2**63)),
                forged=False,
                turn=0.0 if plain else settings.turn,
                damaged=0.0 if plain else settings.damaged,
            )
            crops.append(torch.from_numpy(crop))
        return torch.stack(crops)

    def adapt(self, network: FaceNetwork) -> None:
        """Measure batch norm anew, if the recipe says so."""
        if not self._settings.adapt.norms:
            return
        rng = random_source(self._settings.seed, stream=Stream.TARGETS)
        batches = (self.draw(rng, _CROPS, plain=True) for _ in range(_BATCHES))
        measure_norms(network, (network.normalise(crops) for crops in batches))

"""Identity batches of silhouettes, balanced over conditions, as a function of seed and step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.silhouettes import MIN_SILHOUETTE_FRAMES
from gaitproof.train.chance import Stream, random_source
from gaitproof.train.silhouettes.augment import augment
from gaitproof.train.stream import StepStream
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES

if TYPE_CHECKING:
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
    from gaitproof.train.sources.silhouettes import SilhouetteRecording


class MaskBatch(NamedTuple):
    """What one step learns from.

    Parameters
    ----------
    masks
        Shape (B, 50, 64, 44), of 0 and 1.
    labels
        Shape (B,).
    """

    masks: Tensor
    labels: Tensor


class MaskStream(StepStream[MaskBatch]):
    """The batches of the steps from `start` to the recipe's last, for one device of several.

    The windows of a person come from the conditions in turn, so that clothes cannot be the
    person; within a condition from any walk and view.

    Parameters
    ----------
    recordings
        Training walks at 25 frames per second; those too short are left out.
    settings
        The recipe.
    start
        First step.
    rank, world_size
        Which device of how many.

    Raises
    ------
    InputError
        If fewer than two people have usable walks.
    ConfigError
        If a device would get fewer than two people.
    """

    def __init__(
        self,
        recordings: Sequence[SilhouetteRecording],
        settings: SilhouetteTrainSettings,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(start, settings.steps)
        walks: dict[tuple[str, str], dict[str, list[SilhouetteRecording]]] = {}
        for walk in recordings:
            if len(walk.bits) >= MIN_SILHOUETTE_FRAMES:
                own = walks.setdefault((walk.source, walk.subject), defaultdict(list))
                own[walk.condition].append(walk)
        if len(walks) < 2:
            raise InputError(
                "Training needs walks of at least two subjects.", actual=str(len(walks))
            )
        self._walks = [list(walks[person].values()) for person in sorted(walks)]
        self._people = min(settings.people_per_batch, len(walks))
        if self._people // world_size < 2:
            raise ConfigError(
                "A device needs two people per batch at least.",
                actual=f"{self._people} people on {world_size} devices",
                hint="raise people_per_batch or use fewer devices",
            )
        self._settings, self._rank, self._world_size = settings, rank, world_size

    @property
    def n_labels(self) -> int:
        """Number of people."""
        return len(self._walks)

    def __getitem__(self, step: int) -> MaskBatch:
        settings = self._settings
        everybody = random_source(settings.seed, step).choice(
            self.n_labels, self._people, replace=False
        )
        people = everybody[self._rank :: self._world_size]
        rng = random_source(settings.seed, step, self._rank, Stream.WINDOWS)
        masks = [
            self._draw(self._walks[person], number, rng)
            for person in people
            for number in range(settings.windows_per_person)
        ]
        labels = np.repeat(people, settings.windows_per_person)
        return MaskBatch(torch.from_numpy(np.stack(masks)), torch.from_numpy(labels))

    def _draw(
        self,
        conditions: Sequence[Sequence[SilhouetteRecording]],
        number: int,
        rng: np.random.Generator,
    ) -> NDArray[np.uint8]:
        walks = conditions[number % len(conditions)]
        bits = walks[int(rng.integers(len(walks)))].bits
        most = min(len(bits), SILHOUETTE_FRAMES)
        length = int(rng.integers(min(self._settings.shortest, most), most + 1))
        first = int(rng.integers(len(bits) - length + 1))
        masks = np.unpackbits(bits[first : first + length], axis=1)
        changed = augment(masks.reshape(-1, MASK_HEIGHT, MASK_WIDTH), self._settings.augment, rng)
        window: NDArray[np.uint8] = changed[np.arange(SILHOUETTE_FRAMES) % length]
        return window

"""Batches of genuine and forged faces as a pure function of seed, step and rank."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaitproof.data.face.clips import Label
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.face.adapt import TargetFaces
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.samples import PLACES, Crop, draw_labelled, draw_pair
from gaitproof.train.face.structural import Donor
from gaitproof.train.stream import StepStream, Stream, random_source

Source = tuple[FaceStore, StoredClip]

Shown = TypeVar("Shown")
"""What stands for one image of a clip: a crop, or what was read from it ahead."""

MOST_VALIDATION_BATCHES: Final = 24

_EASY: Final = 0.25
"""Part of `damaged` and `filmed` that an eased run begins with."""


class FaceBatch(NamedTuple):
    """Images of N clips, T of each at most.

    Parameters
    ----------
    crops
        Shape (N, T, S, S, 3), uint8 RGB; 0 where a clip has no more.
    present
        Shape (N, T): which images are there, the first ones of every clip.
    labels
        Shape (N,): `FORGED` or `GENUINE`.
    blend
        Shape (N, T, 14, 14): share of every place that comes from another face, NaN if unknown.
    target
        Crops without labels, shape (M, S, S, 3); M may be 0.
    """

    crops: Tensor
    present: Tensor
    labels: Tensor
    blend: Tensor
    target: Tensor = torch.empty(0)


class CodeBatch(NamedTuple):
    """What a frozen encoder said of images of N clips, T of each at most.

    Parameters
    ----------
    codes
        Shape (N, T, D), float32; 0 where a clip has no more.
    present, labels
        As in `FaceBatch`.
    """

    codes: Tensor
    present: Tensor
    labels: Tensor


class ClipSampler(ABC, Generic[Shown]):
    """Draws clips of one side of a split.

    Parameters
    ----------
    stores
        Prepared faces.
    split
        ``train`` or ``validation``.
    settings
        The recipe.

    Raises
    ------
    ConfigError
        If there are no genuine clips, or no forged ones where the recipe needs them.
    """

    def __init__(
        self, stores: Sequence[FaceStore], split: str, settings: FaceTrainSettings
    ) -> None:
        sources = [(store, stored) for store in stores for stored in store.of_split(split)]
        self.genuine = [source for source in sources if source[1].clip.label is Label.REAL]
        self.forged = [source for source in sources if source[1].clip.label is Label.FAKE]
        self.settings = settings
        if not self.genuine:
            raise ConfigError(
                f"The stores hold no genuine faces for {split}.",
                hint="prepare a data set with genuine clips; see docs/guide/face-data.md",
            )
        if settings.forgeries != "self-blended" and not self.forged:
            raise ConfigError(
                f"The stores hold no forged faces for {split}.",
                expected=f"forged clips, for forgeries: {settings.forgeries}",
                hint="with forgeries: self-blended, genuine faces are enough",
            )

    @property
    def images(self) -> int:
        """Number of images of genuine clips and their twins."""
        return 2 * sum(stored.images for _, stored in self.genuine)

    @property
    def segments(self) -> int:
        """Number of segments of `frames` images in them: an epoch unless the recipe says other."""
        return 2 * sum(-(-stored.images // self.settings.frames) for _, stored in self.genuine)

    def draw(self, rng: np.random.Generator, size: int) -> Any:
        """Return a batch of `size` clips; same state, same batch."""
        forged = min(max(round(size * self.settings.forged_share), 1), size - 1)
        blended = {"self-blended": forged, "labelled": 0, "both": (forged + 1) // 2}[
            self.settings.forgeries
        ]
        clips: list[tuple[list[Shown], int]] = []
        # a genuine face and its twin side by side teach most
        for place, source in enumerate(_choose(self.genuine, max(blended, size - forged), rng)):
            seed = int(rng.integers(2**63))
            pairs = self.cut_genuine(source, self._places(source[1], rng), seed)
            if place < blended:
                clips.append(([pair[FORGED] for pair in pairs], FORGED))
            if place < size - forged:
                clips.append(([pair[GENUINE] for pair in pairs], GENUINE))
        for source in _choose(self.forged, forged - blended, rng):
            seed = int(rng.integers(2**63))
            clips.append((self.cut_forged(source, self._places(source[1], rng), seed), FORGED))
        return self.collate(clips)

    @abstractmethod
    def cut_genuine(
        self, source: Source, places: Sequence[int], seed: int
    ) -> list[tuple[Shown, Shown]]:
        """Return images of a genuine clip, each with its forged twin before it.

        Where forgeries are those of the data set alone, the twin is the image itself.
        """

    @abstractmethod
    def cut_forged(self, source: Source, places: Sequence[int], seed: int) -> list[Shown]:
        """Return images of a forged clip."""

    @abstractmethod
    def collate(self, clips: Sequence[tuple[list[Shown], int]]) -> Any:
        """Return a batch of clips with their labels."""

    def eased(self, share: float) -> Self:
        """Return what draws with so small a part of `damaged` and `filmed`, 0 to 1."""
        settings = self.settings
        easy = copy.copy(self)
        easy.settings = settings.model_copy(
            update={
                "damaged": settings.damaged * share,
                "filmed": settings.filmed * share,
            }
        )
        return easy

    def _places(self, stored: StoredClip, rng: np.random.Generator) -> list[int]:
        """Choose images that follow each other."""
        count = min(self.settings.frames, stored.images)
        first = int(rng.integers(stored.images - count + 1))
        return list(range(first, first + count))


class FaceSampler(ClipSampler[Crop]):
    """Draws clips whose images are cut, turned and damaged anew every time."""

    def cut_genuine(
        self, source: Source, places: Sequence[int], seed: int
    ) -> list[tuple[Crop, Crop]]:
        """Return crops, each with its forged twin before it."""
        store, stored = source
        faces = store.read(stored, places)
        how = self._how(seed)
        if self.settings.forgeries == "labelled":
            # what is done to forged clips is done to genuine ones, and nothing else
            crops = [
                draw_labelled(image, points, forged=False, **how)
                for image, points in zip(faces.images, faces.points, strict=True)
            ]
            return [(crop, crop) for crop in crops]
        settings = self.settings
        how |= {"filmed": settings.filmed, "structural": settings.structural}
        if settings.structural:
            how["donor"] = self._donor(seed)
        pairs = [
            draw_pair(image, faces.landmarks(place), faces.points[place], **how)
            for place, image in enumerate(faces.images)
        ]
        rng = np.random.default_rng((seed, 2))
        if rng.random() >= settings.retimed or len(places) < 2:
            return pairs
        other = dict(zip(places, (pair[GENUINE] for pair in pairs), strict=True))
        taken = retime(places, stored.images, rng)
        for place in set(taken) - other.keys():
            more = store.read(stored, [place])
            twins = draw_pair(more.images[0], more.landmarks(0), more.points[0], **how)
            other[place] = twins[GENUINE]
        return [(other[place], genuine) for place, (_, genuine) in zip(taken, pairs, strict=True)]

    def cut_forged(self, source: Source, places: Sequence[int], seed: int) -> list[Crop]:
        """Return crops of a forged clip."""
        store, stored = source
        faces = store.read(stored, places)
        how = self._how(seed)
        return [
            draw_labelled(image, points, forged=True, **how)
            for image, points in zip(faces.images, faces.points, strict=True)
        ]

    def _donor(self, seed: int) -> Donor:
        """Return a face of some genuine clip."""
        rng = np.random.default_rng((seed, 1))
        store, stored = self.genuine[int(rng.integers(len(self.genuine)))]
        faces = store.read(stored, [int(rng.integers(stored.images))])
        return Donor(faces.images[0], faces.landmarks(0))

    def _how(self, seed: int) -> dict[str, Any]:
        settings = self.settings
        return {
            "alignment": settings.alignment,
            "seed": seed,
            "turn": settings.turn,
            "damaged": settings.damaged,
        }

    def collate(self, clips: Sequence[tuple[list[Crop], int]]) -> FaceBatch:
        """Return a batch."""
        return _collate(clips, self.settings.frames, self.settings.alignment)


def retime(places: Sequence[int], images: int, rng: np.random.Generator) -> list[int]:
    """Return places that follow each other with one repeated, or one left out.

    Parameters
    ----------
    places
        Two or more that follow each other.
    images
        Of the clip: one is left out only where another one can be added at an end.
    rng
        Which, and where; the first place is never the one that is repeated or left out.
    """
    place = int(rng.integers(1, len(places)))
    repeats = [*places[:place], places[place - 1], *places[place + 1 :]]
    longer = [*places, places[-1] + 1] if places[-1] + 1 < images else [places[0] - 1, *places]
    if longer[0] < 0 or rng.random() < 0.5:
        return repeats
    return longer[:place] + longer[place + 1 :]


def _choose(sources: Sequence[Source], count: int, rng: np.random.Generator) -> list[Source]:
    """Draw clips, none twice before all were drawn."""
    if not count:
        return []
    rounds = [rng.permutation(len(sources)) for _ in range(-(-count // len(sources)))]
    return [sources[place] for place in np.concatenate(rounds)[:count]]


def _collate(
    clips: Sequence[tuple[list[Crop], int]], frames: int, alignment: AlignmentSettings
) -> FaceBatch:
    side = alignment.size
    crops = np.zeros((len(clips), frames, side, side, 3), np.uint8)
    blend = np.zeros((len(clips), frames, PLACES, PLACES), np.float32)
    present = np.zeros((len(clips), frames), bool)
    for row, (images, _) in enumerate(clips):
        for column, crop in enumerate(images):
            crops[row, column], blend[row, column] = crop
        present[row, : len(images)] = True
    labels: NDArray[np.int64] = np.array([label for _, label in clips], np.int64)
    return FaceBatch(*(torch.from_numpy(array) for array in (crops, present, labels, blend)))


class FaceStream(StepStream[Any]):
    """The batches of the steps from `start` to the last, for one device of several.

    Parameters
    ----------
    sampler
        Where they come from.
    settings
        The recipe.
    start, steps
        First step, and number of steps of the whole run.
    rank, world_size
        Which device of how many; they share the recipe's batch out.
    targets
        Faces without labels, of which every batch has as many.

    Raises
    ------
    ConfigError
        If a device would get fewer than two clips.
    """

    def __init__(
        self,
        sampler: ClipSampler[Any],
        settings: FaceTrainSettings,
        start: int,
        steps: int,
        rank: int = 0,
        world_size: int = 1,
        *,
        targets: TargetFaces | None = None,
    ) -> None:
        if settings.batch // world_size < 2:
            raise ConfigError(
                "A device needs two clips per batch at least.",
                actual=f"{settings.batch} clips on {world_size} devices",
                hint="raise batch or use fewer devices",
            )
        super().__init__(start, steps)
        self._sampler, self._settings = sampler, settings
        self._rank, self._size = rank, settings.batch // world_size
        self._targets = targets

    def __getitem__(self, step: int) -> Any:
        rng = random_source(self._settings.seed, step, self._rank, Stream.WINDOWS)
        sampler = self._sampler
        if self._settings.ease:
            done = step / (self._settings.ease * self._steps)
            sampler = sampler.eased(min(_EASY + (1 - _EASY) * done, 1.0))
        batch = sampler.draw(rng, self._size)
        if self._targets is None:
            return batch
        others = random_source(self._settings.seed, step, self._rank, Stream.TARGETS)
        return batch._replace(target=self._targets.draw(others, self._size))


def validation_batches(sampler: ClipSampler[Any], settings: FaceTrainSettings) -> list[Any]:
    """Draw the batches that every validation of a run is made on."""
    count = min(-(-sampler.images // settings.batch), MOST_VALIDATION_BATCHES)
    rng = random_source(settings.seed, stream=Stream.VALIDATION)
    return [sampler.draw(rng, settings.batch) for _ in range(count)]

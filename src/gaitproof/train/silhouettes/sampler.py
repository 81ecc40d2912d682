"""Identity batches of silhouettes, balanced over conditions, as a function of seed and step."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaitproof.data.gait.load import PairedRecording
from gaitproof.data.gait.silhouettes import SilhouetteRecording
from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.features import mirror_features
from gaitproof.gait.silhouettes import MIN_SILHOUETTE_FRAMES
from gaitproof.train.stream import StepStream, Stream, random_source
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES

if TYPE_CHECKING:
    from gaitproof.train.silhouettes.config import MaskAugment, SilhouetteTrainSettings


Masks = NDArray[np.uint8]
"""Shape (T, 64, 44), of 0 and 1."""

_Y, _X = np.mgrid[0:MASK_HEIGHT, 0:MASK_WIDTH].astype(np.float32)
_MIDDLE: Final = ((MASK_HEIGHT - 1) / 2, (MASK_WIDTH - 1) / 2)
_ONE: Final = np.uint8(1)
_OUTSIDE: Final = MASK_HEIGHT * MASK_WIDTH
_FOUR: Final = ((0, 1), (0, -1), (1, 1), (1, -1))


def augment(masks: Masks, settings: MaskAugment, rng: np.random.Generator) -> Masks:
    """Change a window of masks; geometry and thickness are the same in all its frames."""
    if rng.random() < settings.mirror:
        masks = masks[..., ::-1]
    if settings.geometry:
        masks = _warp(masks, settings.geometry, rng)
    if rng.random() < settings.thickness:
        masks = _thicken(masks, rng)
    if rng.random() < settings.smooth:
        masks = _smooth(masks)
    masks = masks.copy()
    if rng.random() < settings.torn:
        _tear(masks, rng)
    if rng.random() < settings.holes:
        _pierce(masks, rng)
    if rng.random() < settings.coat:
        top = int(rng.integers(8, 24))
        band = masks[:, top : top + int(rng.integers(10, 28))]
        for _ in range(int(rng.integers(1, 3))):
            band[:] = _grow(band, _FOUR[:2])
    if rng.random() < settings.shaken:
        for t in np.flatnonzero(rng.random(len(masks)) < 0.4):
            masks[t] = np.roll(masks[t], tuple(rng.integers(-1, 2, 2)), (0, 1))
    return masks


def _warp(masks: Masks, strength: float, rng: np.random.Generator) -> Masks:
    """Scale, shift, shear and tilt by nearest neighbours."""
    height = 1 + strength * rng.uniform(-0.08, 0.06)
    width = height * (1 + strength * rng.uniform(-0.12, 0.12))
    down, right = strength * rng.uniform(-2, 2, 2)
    shear, tilt = strength * rng.uniform(-0.06, 0.06), strength * rng.uniform(-0.12, 0.12)
    y, x = _Y - _MIDDLE[0], _X - _MIDDLE[1]
    rows = np.rint(y / height + _MIDDLE[0] - down).astype(np.int64)
    columns = x * (1 + tilt * y / 32) / width + shear * y + _MIDDLE[1] - right
    columns = np.rint(columns).astype(np.int64)
    inside = (rows >= 0) & (rows < MASK_HEIGHT) & (columns >= 0) & (columns < MASK_WIDTH)
    index = np.where(inside, rows * MASK_WIDTH + columns, _OUTSIDE)
    padded = np.pad(masks.reshape(len(masks), -1), ((0, 0), (0, 1)))
    return padded[:, index.ravel()].reshape(masks.shape)


def _grow(masks: Masks, ways: tuple[tuple[int, int], ...]) -> Masks:
    """Let masks grow by a pixel; `ways` are axis (0 columns, 1 rows) and direction."""
    grown = masks.copy()
    for axis, way in ways:
        before, after = slice(None, -1), slice(1, None)
        there, here = (after, before) if way > 0 else (before, after)
        if axis == 0:
            grown[..., there] |= masks[..., here]
        else:
            grown[..., there, :] |= masks[..., here, :]
    return grown


def _thicken(masks: Masks, rng: np.random.Generator) -> Masks:
    ways = _FOUR[: int(rng.integers(1, 5))]
    if rng.random() < 0.5:
        return _grow(masks, ways)
    return _ONE - _grow(_ONE - masks, ways)


def _smooth(masks: Masks) -> Masks:
    """Give every pixel the value of most of its neighbours."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    votes = np.sum(
        [padded[:, i : i + MASK_HEIGHT, j : j + MASK_WIDTH] for i in range(3) for j in range(3)],
        axis=0,
    )
    smooth: Masks = (votes >= 5).astype(np.uint8)
    return smooth


def _tear(masks: Masks, rng: np.random.Generator) -> None:
    frames = rng.random(len(masks)) < rng.uniform(0.1, 0.6)
    lost = slice(MASK_HEIGHT - int(rng.integers(2, 7)), None)
    masks[frames, lost if rng.random() < 0.7 else slice(0, int(rng.integers(1, 5)))] = 0


def _pierce(masks: Masks, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 3))):
        top, left = rng.integers(0, 60), rng.integers(8, 36)
        height, width = rng.integers(3, 14), rng.integers(3, 12)
        first = int(rng.integers(0, len(masks)))
        last = first + int(rng.integers(1, len(masks) + 1))
        spot = masks[first:last, top : top + height, left : left + width]
        spot[:] = rng.random() < 0.3


R = TypeVar("R", SilhouetteRecording, PairedRecording)
Inputs = tuple[NDArray[np.generic], ...]
"""What a network reads of one window, masks (50, 64, 44) first."""


class MaskBatch(NamedTuple):
    """What one step learns from.

    Parameters
    ----------
    inputs
        What the network reads: masks (B, 50, 64, 44) of 0 and 1, and features (B, 60, 78) for a
        network on both.
    labels
        Shape (B,).
    """

    inputs: tuple[Tensor, ...]
    labels: Tensor


class WindowStream(StepStream[MaskBatch], Generic[R]):
    """The batches of the steps from `start` to the recipe's last, for one device of several.

    The windows of a person come from the conditions in turn, so that clothes cannot be the
    person; within a condition from any walk and view.

    Parameters
    ----------
    recordings
        Training walks; those too short are left out.
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
        recordings: Sequence[R],
        settings: SilhouetteTrainSettings,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(start, settings.steps)
        walks: dict[tuple[str, str], dict[str, list[R]]] = {}
        for walk in recordings:
            if self._usable(walk):
                own = walks.setdefault((walk.source, walk.subject), defaultdict(list))
                own[walk.condition].append(walk)
        if len(walks) < 2:
            raise InputError(
                "Training needs recordings of at least two subjects.", actual=str(len(walks))
            )
        self._walks: list[list[list[R]]] = [
            list(walks[person].values()) for person in sorted(walks)
        ]
        self._mirrored = settings.augment.mirror_people
        self._people = min(settings.people_per_batch, self.n_labels)
        if self._people // world_size < 2:
            raise ConfigError(
                "A device needs two people per batch at least.",
                actual=f"{self._people} people on {world_size} devices",
                hint="raise people_per_batch or use fewer devices",
            )
        self._settings, self._rank, self._world_size = settings, rank, world_size

    @property
    def n_labels(self) -> int:
        """Number of people, mirrored ones included where they are people of their own."""
        return len(self._walks) * (1 + self._mirrored)

    def __getitem__(self, step: int) -> MaskBatch:
        settings = self._settings
        everybody = random_source(settings.seed, step).choice(
            self.n_labels, self._people, replace=False
        )
        people = everybody[self._rank :: self._world_size]
        rng = random_source(settings.seed, step, self._rank, Stream.WINDOWS)
        drawn = [
            self._draw(*self._choose(person, number, rng), rng)
            for person in people
            for number in range(settings.windows_per_person)
        ]
        inputs = tuple(torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
        labels = np.repeat(people, settings.windows_per_person)
        return MaskBatch(inputs, torch.from_numpy(labels))

    def _choose(self, person: int, number: int, rng: np.random.Generator) -> tuple[R, bool]:
        """Choose a walk of a person, and whether it is that of their mirror image."""
        mirrored, own = divmod(person, len(self._walks))
        conditions = self._walks[own]
        walks = conditions[number % len(conditions)]
        return walks[int(rng.integers(len(walks)))], bool(mirrored)

    @abstractmethod
    def _usable(self, walk: R) -> bool:
        """Tell whether a walk holds a window."""

    @abstractmethod
    def _draw(self, walk: R, mirrored: bool, rng: np.random.Generator) -> Inputs:
        """Draw an augmented window of a walk."""


class MaskStream(WindowStream[SilhouetteRecording]):
    """`WindowStream` of walks at 25 frames per second."""

    def _usable(self, walk: SilhouetteRecording) -> bool:
        return len(walk.bits) >= MIN_SILHOUETTE_FRAMES

    def _draw(self, walk: SilhouetteRecording, mirrored: bool, rng: np.random.Generator) -> Inputs:
        most = min(len(walk.bits), SILHOUETTE_FRAMES)
        length = int(rng.integers(min(self._settings.shortest, most), most + 1))
        first = int(rng.integers(len(walk.bits) - length + 1))
        masks = _unpack(walk.bits[first : first + length], mirrored)
        changed = augment(masks, self._settings.augment, rng)
        return (changed[np.arange(SILHOUETTE_FRAMES) % length],)


class PairedStream(WindowStream[PairedRecording]):
    """`WindowStream` of walks with silhouettes and joints; only the masks are changed."""

    def _usable(self, walk: PairedRecording) -> bool:
        return len(walk.windows) > 0

    def _draw(self, walk: PairedRecording, mirrored: bool, rng: np.random.Generator) -> Inputs:
        settings = self._settings.augment
        mirrored ^= bool(rng.random() < settings.mirror)
        row = int(rng.integers(len(walk.windows)))
        masks = _unpack(walk.windows.silhouettes.bits[row], mirrored)
        features = walk.windows.joints.features[row]
        return (
            augment(masks, settings.model_copy(update={"mirror": 0.0}), rng),
            mirror_features(features) if mirrored else features,
        )


def _unpack(bits: NDArray[np.uint8], mirrored: bool) -> NDArray[np.uint8]:
    masks = np.unpackbits(bits, axis=1).reshape(-1, MASK_HEIGHT, MASK_WIDTH)
    return masks[..., ::-1] if mirrored else masks

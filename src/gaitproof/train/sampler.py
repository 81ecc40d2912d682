"""Identity batches as a pure function of seed, step and rank: any step can be drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaitproof.data.manifest import is_mirrored
from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.features import compute_features, mirror
from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.augment import augment, change_tempo
from gaitproof.train.config import AugmentSettings, TrainSettings
from gaitproof.train.stream import StepStream, Stream, random_source
from gaitproof.types.layouts import layout_of
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording

_GRID = np.arange(WINDOW_FRAMES) / WINDOW_RATE

Person = tuple[str, str]
"""Source and subject."""


def person_of(recording: Recording) -> Person:
    """Return who walks; subjects are unique within their source only."""
    return recording.source, recording.subject


class WindowSampler:
    """Draws identity batches of augmented windows; holds no random state.

    Parameters
    ----------
    recordings
        Training walks; those without 2 s of unbroken frames (or the `least` of the walk) are left
        out, and so are mirrored copies (``ann~mirrored``) where `mirror` makes them here: ann must
        not have two labels.
    settings
        Augmentation; with `mirror`, mirrored people are further people.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    """

    def __init__(self, recordings: Sequence[Recording], settings: AugmentSettings) -> None:
        self.settings = settings
        usable = [
            recording
            for recording in recordings
            if recording.segments and not (settings.mirror and is_mirrored(recording.subject))
        ]
        self.people = list(dict.fromkeys(person_of(recording) for recording in usable))
        if len(self.people) < 2:
            raise InputError(
                "Training needs recordings of at least two subjects.", actual=str(len(self.people))
            )
        frames, starts, bounds, walks = [], [], [], []
        offset = total = 0
        by_person = {
            person: [r for r in usable if person_of(r) == person] for person in self.people
        }
        for recording in (r for walked in by_person.values() for r in walked):
            first = total
            for segment in recording.segments:
                frames.append(segment)
                starts.append(offset + np.arange(max(len(segment) - WINDOW_FRAMES, 0) + 1))
                bounds.append(np.tile((offset, offset + len(segment) - 1), (len(starts[-1]), 1)))
                offset += len(segment)
                total += len(starts[-1])
            walks.append((first, total - first))
        self._frames = np.concatenate(frames)
        self._starts = np.concatenate(starts)
        self._bounds = np.concatenate(bounds)
        self._walks = np.array(walks)
        self._least = min(recording.least for recording in usable)
        counts = np.array([len(walked) for walked in by_person.values()])
        self._first_walk, self._n_walks = np.cumsum(counts) - counts, counts

    @property
    def n_labels(self) -> int:
        """People, mirrored ones counted as further people."""
        return len(self.people) * (2 if self.settings.mirror else 1)

    def choose(self, rng: np.random.Generator, people: int) -> NDArray[np.int64]:
        """Choose the labels of a batch, at most `people`, none twice."""
        return rng.choice(self.n_labels, min(people, self.n_labels), replace=False)

    def draw(self, rng: np.random.Generator, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Draw one augmented window per label: any walk of the person, any place in it.

        Parameters
        ----------
        rng
            Random generator.
        labels
            Shape (B,), below `n_labels`.

        Returns
        -------
        ndarray of float64
            Points (B, 60, J, 3); from where a window is padding NaN.
        """
        person = labels % len(self.people)
        walk = self._first_walk[person] + rng.integers(self._n_walks[person])
        first, count = self._walks[walk].T
        points, lengths = self._cut(rng, first + rng.integers(count))
        mirrored = labels >= len(self.people)
        points[mirrored] = mirror(points[mirrored])
        shown = augment(points, self.settings, rng)
        if self._least < WINDOW_FRAMES:
            short = rng.random(len(labels)) < self.settings.shorten
            cut = rng.integers(self._least, WINDOW_FRAMES, len(labels))
            lengths = np.where(short, np.minimum(lengths, cut), lengths)
            shown[np.arange(WINDOW_FRAMES) >= lengths[:, None]] = np.nan
        return shown

    def _cut(
        self, rng: np.random.Generator, chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the windows (B, 60, J, 3) at the chosen starts, at a tempo of their own.

        Beside them the frames of each before its walk was over, from where it stands still.
        """
        start = self._starts[chosen]
        low, high = self._bounds[chosen].T
        if not self.settings.tempo:
            places = np.minimum(start[:, None] + np.arange(WINDOW_FRAMES), high[:, None])
            lengths = np.minimum(high - start + 1, WINDOW_FRAMES)
            return np.asarray(self._frames[places], np.float64), lengths
        factor = rng.uniform(1 - self.settings.tempo, 1 + self.settings.tempo, len(chosen))
        # a walk of one window cannot be hurried beyond its end
        last = WINDOW_FRAMES - 1
        factor = np.where(high - low < last, factor, np.minimum(factor, (high - low) / last))
        start = np.minimum(start, high - factor * last).clip(low)
        lengths = np.floor((high - start) / factor + 1e-9).astype(np.int64).clip(max=last) + 1
        return change_tempo(self._frames, start, factor, high), lengths


def features_of(
    points: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Compute features (B, 60, F), 0 where unknown, mask (B, F) and lengths (B,) of point windows.

    The frames of a window are padding from where its hips are unknown.
    """
    layout = layout_of(points.shape[-2])
    lengths = np.isfinite(points[:, :, layout.pair("HIP")[0], 0]).sum(axis=1)
    features = np.zeros((*points.shape[:2], layout.n_features))
    mask = np.zeros((len(points), features.shape[-1]), bool)
    for length in np.unique(lengths):
        rows = lengths == length
        values = compute_features(_GRID[:length], points[rows, :length])
        mask[rows] = np.isfinite(values).all(axis=1)
        features[rows, :length] = np.where(mask[rows, None], values, 0.0)
    return features, mask, lengths


def draw_pairs(
    labels: NDArray[np.int64], rng: np.random.Generator, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw as many pairs of one person as of two people.

    Parameters
    ----------
    labels
        Shape (B,).
    rng
        Random generator.
    limit
        Most pairs of either kind.

    Returns
    -------
    tuple of ndarray
        Pairs (P, 2) of different rows, and (P,) True where both are one person's.
    """
    left, right = np.triu_indices(len(labels), 1)
    same = labels[left] == labels[right]
    kinds = np.flatnonzero(same), np.flatnonzero(~same)
    count = min(len(kinds[0]), len(kinds[1]), limit)
    picked = np.concatenate([rng.choice(kind, count, replace=False) for kind in kinds])
    return np.stack([left[picked], right[picked]], axis=1), same[picked]


class Batch(NamedTuple):
    """What one step learns from.

    Parameters
    ----------
    windows
        Normalised windows, shape (B, frames, F).
    labels
        Shape (B,).
    pairs
        Shape (P, 2): rows of `windows`, half of them one person's.
    same
        Shape (P,), True where a pair is one person's.
    target
        Normalised windows of nobody known, shape (M, frames, F); M may be 0.
    """

    windows: Tensor
    labels: Tensor
    pairs: Tensor
    same: Tensor
    target: Tensor = torch.empty(0)


def make_batch(
    sampler: WindowSampler,
    normaliser: Normaliser,
    chosen: NDArray[np.int64],
    windows: int,
    rng: np.random.Generator,
    pair_limit: int,
) -> Batch:
    """Draw `windows` windows of each chosen label, and pairs of them."""
    labels = np.repeat(chosen, windows)
    inputs = normaliser(*features_of(sampler.draw(rng, labels)))
    pairs, same = draw_pairs(labels, rng, pair_limit)
    return Batch(*(torch.from_numpy(array) for array in (inputs, labels, pairs, same)))


class BatchStream(StepStream[Batch]):
    """The batches of the steps from `start` to the recipe's last, for one device of several.

    The people of a step are chosen once and shared out among the devices, so that the recipe's
    batch is the batch of all of them together.

    Parameters
    ----------
    sampler, normaliser
        Where windows come from and how they are prepared.
    settings
        The recipe.
    start
        First step.
    pair_limit
        Most pairs of either kind per batch.
    rank, world_size
        Which device of how many.
    targets
        Recordings of nobody known, of which every batch has as many windows.

    Raises
    ------
    ConfigError
        If a device would get fewer than two people.
    """

    def __init__(
        self,
        sampler: WindowSampler,
        normaliser: Normaliser,
        settings: TrainSettings,
        start: int,
        pair_limit: int,
        rank: int = 0,
        world_size: int = 1,
        targets: WindowSampler | None = None,
    ) -> None:
        people = min(settings.people_per_batch, sampler.n_labels)
        if people // world_size < 2:
            raise ConfigError(
                "A device needs two people per batch at least.",
                actual=f"{people} people on {world_size} devices",
                hint="raise people_per_batch or use fewer devices",
            )
        super().__init__(start, settings.steps)
        self._sampler, self._normaliser, self._settings = sampler, normaliser, settings
        self._pair_limit, self._rank, self._world_size = pair_limit, rank, world_size
        self._targets = targets

    def __getitem__(self, step: int) -> Batch:
        seed = self._settings.seed
        everybody = self._sampler.choose(random_source(seed, step), self._settings.people_per_batch)
        batch = make_batch(
            self._sampler,
            self._normaliser,
            everybody[self._rank :: self._world_size],
            self._settings.windows_per_person,
            random_source(seed, step, self._rank, Stream.WINDOWS),
            self._pair_limit,
        )
        if self._targets is None:
            return batch
        rng = random_source(seed, step, self._rank, Stream.TARGETS)
        return batch._replace(
            target=draw_unlabelled(self._targets, self._normaliser, len(batch.windows), rng)
        )


def draw_unlabelled(
    sampler: WindowSampler, normaliser: Normaliser, count: int, rng: np.random.Generator
) -> Tensor:
    """Draw normalised windows (count, frames, F) of anybody."""
    labels = rng.integers(sampler.n_labels, size=count)
    return torch.from_numpy(normaliser(*features_of(sampler.draw(rng, labels))))

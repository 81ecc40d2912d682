"""Batches of talking faces, half of them forged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaitproof.data.face.clips import Label
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import ConfigError
from gaitproof.face.speech.mel import log_mel
from gaitproof.face.speech.sequences import Float32, Talk, cut_talk, pick_rows
from gaitproof.media.sound import Sound
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.face.config import TalkTrainSettings
from gaitproof.train.stream import StepStream, Stream, random_source

VALIDATION_BATCHES: Final = 8

LEAST_PART: Final = 0.3
"""Share of a window that a forged part fills at least."""


@dataclass(frozen=True, eq=False)
class TalkClip:
    """A prepared clip, cut for the network.

    Parameters
    ----------
    stored
        Which one.
    times
        Shape (T,), seconds from the first image on.
    faces, lips, shapes
        As in `gaitproof.face.speech.sequences.Talk`.
    sound
        From the first image on.
    """

    stored: StoredClip
    times: NDArray[np.float64]
    faces: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    shapes: Float32
    sound: Sound

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def rows(self) -> Float32:
        """Log-mel features of the sound."""
        return log_mel(self.sound)

    def window(self, first: int, frames: int, heard: Float32 | None = None) -> Talk:
        """Return `frames` moments from `first` on, with their own sound or what is given."""
        part = slice(first, first + frames)
        if heard is None:
            heard = pick_rows(self.rows, self.times[part])
        return Talk(self.faces[part], self.lips[part], self.shapes[part], heard)

    def starts(self, frames: int) -> range:
        """Return where windows that overlap by half begin."""
        return range(0, len(self) - frames + 1, max(1, frames // 2))

    def truth(self, part: slice) -> NDArray[np.int64]:
        """Return which moments are genuine, as the data set says."""
        labels = np.full(len(self.times[part]), GENUINE)
        clip = self.stored.clip
        if clip.label is Label.FAKE:
            spans = clip.forged or ((0.0, np.inf),)
            for first, last in spans:
                labels[(self.times[part] >= first) & (self.times[part] <= last)] = FORGED
        return labels


def read_clips(stores: Sequence[FaceStore], split: str, frames: int) -> list[TalkClip]:
    """Read and cut all clips of a side that are long enough, of whose every image there is a mesh.

    Raises
    ------
    ConfigError
        If a store has no sound.
    InputError
        If a clip cannot be read.
    """
    clips = []
    for store in stores:
        if not store.settings.sound:
            raise ConfigError(
                f"The store {str(store.folder)!r} holds no sound.",
                hint="prepare the data set anew with --rate HZ --sound",
            )
        for stored in store.of_split(split):
            if stored.images < frames:
                continue
            faces = store.read(stored)
            seen = ~np.isnan(faces.meshes).any(axis=(1, 2))
            if not seen.all():
                continue
            cut = cut_talk(faces.times, faces.images, faces.meshes)
            clips.append(TalkClip(stored, faces.times - faces.times[0], *cut, store.hear(stored)))
    return clips


class TalkBatch(NamedTuple):
    """Windows of N clips.

    Parameters
    ----------
    faces, lips, shapes, sound
        As a network takes them.
    labels
        Shape (N,), `FORGED` if anything is.
    moments
        Shape (N, T), `FORGED` or `GENUINE`.
    """

    faces: Tensor
    lips: Tensor
    shapes: Tensor
    sound: Tensor
    labels: Tensor
    moments: Tensor


class TalkSampler:
    """Draws windows of one side of a split.

    Parameters
    ----------
    clips
        Of that side.
    settings
        The recipe.
    split
        Its name, for messages.

    Raises
    ------
    ConfigError
        If there are fewer than two genuine clips, or no forged ones where the recipe needs them.
    """

    def __init__(self, clips: Sequence[TalkClip], settings: TalkTrainSettings, split: str) -> None:
        self.genuine = [one for one in clips if one.stored.clip.label is Label.REAL]
        self.forged = [one for one in clips if one.stored.clip.label is Label.FAKE]
        self.settings = settings
        if len(self.genuine) < 2:
            raise ConfigError(
                f"The stores hold too few genuine talking faces for {split}.",
                expected=f"two clips with {settings.frames} images in a row",
                actual=str(len(self.genuine)),
            )
        if settings.forgeries != "sound" and not self.forged:
            raise ConfigError(
                f"The stores hold no forged clips for {split}.",
                hint="with forgeries: sound, genuine clips are enough",
            )

    def draw(self, rng: np.random.Generator, size: int) -> TalkBatch:
        """Return a batch of `size` windows, the first half genuine; same state, same batch."""
        frames, half = self.settings.frames, size // 2
        forged = {"sound": half, "labelled": 0, "both": (half + 1) // 2}[self.settings.forgeries]
        talks: list[tuple[Talk, NDArray[np.int64]]] = []
        order = [int(place) for place in _choose(len(self.genuine), half, rng)]
        for place in order:
            clip = self.genuine[place]
            first = int(rng.integers(len(clip) - frames + 1))
            talks.append((clip.window(first, frames), np.full(frames, GENUINE)))
        talks += [self.forge(self.genuine[place], rng) for place in order[:forged]]
        for place in _choose(len(self.forged), half - forged, rng):
            talks.append(self._labelled(self.forged[int(place)], rng))
        return self._collate(talks, rng)

    def forge(self, clip: TalkClip, rng: np.random.Generator) -> tuple[Talk, NDArray[np.int64]]:
        """Exchange or shift the sound of a window of a genuine clip, all along or in a part."""
        frames = self.settings.frames
        first = int(rng.integers(len(clip) - frames + 1))
        times = clip.times[first : first + frames]
        others = [one for one in self.genuine if one is not clip]
        if rng.random() < 0.5:
            other = others[int(rng.integers(len(others)))]
            start = float(rng.uniform(0, max(0.0, other.sound.seconds - times[-1] + times[0])))
            heard = pick_rows(other.rows, times - times[0] + start)
        else:
            heard = pick_rows(clip.rows, times + _shift(clip, times, self.settings.shift, rng))
        labels = np.full(frames, FORGED)
        if rng.random() < self.settings.partial:
            length = int(rng.integers(round(LEAST_PART * frames), frames))
            begin = int(rng.integers(frames - length + 1))
            own = pick_rows(clip.rows, times)
            own[begin : begin + length] = heard[begin : begin + length]
            labels[:] = GENUINE
            labels[begin : begin + length] = FORGED
            heard = own
        return clip.window(first, frames, heard), labels

    def _labelled(self, clip: TalkClip, rng: np.random.Generator) -> tuple[Talk, NDArray[np.int64]]:
        """Return a window of a forged clip, about something forged if the data set says where."""
        frames = self.settings.frames
        starts = range(len(clip) - frames + 1)
        truth = clip.truth(slice(None))
        hits = [first for first in starts if (truth[first : first + frames] == FORGED).any()]
        first = int(rng.choice(hits or list(starts)))
        return clip.window(first, frames), truth[first : first + frames]

    def _collate(
        self, talks: Sequence[tuple[Talk, NDArray[np.int64]]], rng: np.random.Generator
    ) -> TalkBatch:
        faces, lips, shapes, sound = (
            np.stack(part) for part in zip(*(talk.inputs() for talk, _ in talks), strict=True)
        )
        noise = np.float32(self.settings.noise)
        for array in (shapes, sound):
            array += noise * rng.standard_normal(array.shape, np.float32)
        for array in (faces, lips):  # light and contrast of every window
            gain = rng.uniform(0.7, 1.3, (len(array), 1, 1, 1)).astype(np.float32)
            array *= gain
            array += rng.uniform(-0.3, 0.3, gain.shape).astype(np.float32)
        moments = np.stack([labels for _, labels in talks])
        whole = np.where((moments == FORGED).any(axis=1), FORGED, GENUINE)
        return TalkBatch(
            *(torch.from_numpy(one) for one in (faces, lips, shapes, sound, whole, moments))
        )


def _shift(
    clip: TalkClip,
    times: NDArray[np.float64],
    limits: tuple[float, float],
    rng: np.random.Generator,
) -> float:
    """Draw by how much sound is shifted; towards where there is sound to be had, if there is."""
    room = {-1: float(times[0]), 1: clip.sound.seconds - float(times[-1])}
    sides = [side for side in room if room[side] >= limits[0]] or [-1, 1]
    side = sides[int(rng.integers(len(sides)))]
    most = min(limits[1], max(room[side], limits[0]))
    return side * float(rng.uniform(limits[0], most))


def _choose(total: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw places, none twice before all were drawn."""
    if not count:
        return np.zeros(0, np.intp)
    rounds = [rng.permutation(total) for _ in range(-(-count // total))]
    return np.asarray(np.concatenate(rounds)[:count], np.intp)


class TalkStream(StepStream[TalkBatch]):
    """The batches of the steps from `start` to the last, for one device of several."""

    def __init__(
        self, sampler: TalkSampler, start: int, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(start, sampler.settings.steps)
        self._sampler, self._rank = sampler, rank
        self._size = max(2, 2 * (sampler.settings.batch // (2 * world_size)))

    def __getitem__(self, step: int) -> TalkBatch:
        rng = random_source(self._sampler.settings.seed, step, self._rank, Stream.WINDOWS)
        return self._sampler.draw(rng, self._size)


def validation_batches(sampler: TalkSampler) -> list[TalkBatch]:
    """Draw the batches that every validation of a run is made on."""
    rng = random_source(sampler.settings.seed, stream=Stream.VALIDATION)
    return [sampler.draw(rng, sampler.settings.batch) for _ in range(VALIDATION_BATCHES)]

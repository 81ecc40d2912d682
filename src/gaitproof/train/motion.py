"""Training of the judge of motion: captured against generated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import nn

from gaitproof.config import CleaningSettings, Settings
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.gait.features import unbroken_paths
from gaitproof.gait.plausibility import BODY, measure_motion
from gaitproof.nets.motion import MotionLSTM
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network
from gaitproof.pose.cleaning import smooth
from gaitproof.synth.generated import KINDS, Pool, normalise_path, watch
from gaitproof.train.config import SourceSettings
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP, WINDOW_RATE

Float64 = NDArray[np.float64]

CAPTURED: Final = "captured"
"""The kind of what was not generated."""

LEAST_FRAMES: Final = 90
"""Frames of a clip that motion is generated from, at least: two strides of everybody."""

_NOISE: Final = 0.3
"""Standard deviation of what is added to measures in training, in their spreads."""
_LEAST_SPREAD: Final = 0.05


class MotionTrainSettings(Settings):
    """A training of the judge of motion, as one YAML file."""

    architecture: str = "motion-lstm"
    network: NetworkSettings = NetworkSettings()
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    sources: tuple[SourceSettings, ...] = ()
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = ""
    """What the weights must not be trusted with, for the card."""
    kinds: tuple[str, ...] = Field(default=tuple(KINDS), min_length=2)
    """Names of `gaitproof.synth.generated.KINDS`."""
    clips: int = Field(default=3, ge=1)
    """Captured clips per walk, at most."""
    generated: int = Field(default=2, ge=1)
    """Clips that are generated from each of them."""
    seconds: float = Field(default=5.0, ge=3.0, le=60.0)
    """Of a clip, at most."""
    references: int = Field(default=6, ge=1)
    """Other people whose captured motion everything is taken relative to."""
    steps: int = Field(default=400, ge=1)
    batch: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=4e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    seed: int = Field(default=0, ge=0)

    @field_validator("kinds")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(KINDS))
        if unknown:
            raise ValueError(f"no kinds of generated motion: {', '.join(unknown)}")
        return value


@dataclass(frozen=True, eq=False)
class MotionClips:
    """Windows of captured and generated clips.

    Parameters
    ----------
    body
        Shape (W, 60, 8, 3), see `gaitproof.gait.plausibility.body_coordinates`.
    measures
        Shape (W, K), see `gaitproof.gait.plausibility.measure_motion`; not relative to anything.
    clip
        Shape (W,): the clip of every window, rising from 0.
    person, source, kind
        Shape (C,), of every clip. A person's name holds the source's.
    """

    body: NDArray[np.float32]
    measures: Float64
    clip: NDArray[np.int64]
    person: NDArray[np.str_]
    source: NDArray[np.str_]
    kind: NDArray[np.str_]

    @property
    def captured(self) -> NDArray[np.bool_]:
        """Shape (C,): which clips were not generated."""
        flags: NDArray[np.bool_] = self.kind == CAPTURED
        return flags

    def select(self, clips: NDArray[np.bool_]) -> Self:
        """Return the chosen clips (C,) with their windows."""
        windows = clips[self.clip]
        return type(self)(
            self.body[windows],
            self.measures[windows],
            (np.cumsum(clips) - 1)[self.clip[windows]],
            self.person[clips],
            self.source[clips],
            self.kind[clips],
        )


def make_clips(recordings: Sequence[Recording], settings: MotionTrainSettings) -> MotionClips:
    """Cut captured clips, and generate others from them.

    Everything that was generated is watched (`gaitproof.synth.generated.watch`) and cleaned like
    the landmarks of a video. Every captured clip is there twice, as it is and watched and cleaned
    again, so that neither gives anything away.

    Raises
    ------
    InputError
        If a walk has no depth, or too few walks are long enough.
    """
    rng = np.random.default_rng([settings.seed, 0x307])
    frames = round(settings.seconds * WINDOW_RATE)
    pieces = [piece for walk in recordings for piece in _pieces(walk, frames, settings.clips, rng)]
    people = sorted({person for person, _, _ in pieces})
    if len(people) < 3:
        raise InputError(
            "Motion cannot be generated from so few people.",
            expected=f"3 or more with walks of {LEAST_FRAMES / WINDOW_RATE:g} s",
            actual=str(len(people)),
        )
    pools: dict[str, Pool] = {}
    bodies: list[Float64] = []
    labels: list[tuple[str, str, str]] = []
    order: list[str] = []
    for person, source, path in pieces:
        if person not in pools:
            others = [p for who, where, p in pieces if where == source and who != person]
            pools[person] = Pool(others or [p for who, _, p in pieces if who != person])
        clips = [(CAPTURED, path), (CAPTURED, _seen(path, rng))]
        for _ in range(settings.generated):
            order = order or list(rng.permutation(settings.kinds))
            kind = order.pop()
            clips.append((kind, _seen(KINDS[kind](path, pools[person], rng), rng)))
        for kind, motion in clips:
            bodies.append(cut_body(motion))
            labels.append((person, source, kind))
    body = np.concatenate(bodies)
    names = np.array(labels)
    return MotionClips(
        body.astype(np.float32),
        measure_motion(body),
        np.repeat(np.arange(len(bodies)), [len(b) for b in bodies]),
        names[:, 0],
        names[:, 1],
        names[:, 2],
    )


def cut_body(path: Float64) -> Float64:
    """Cut a path (M, 8, 3) at 30 Hz into windows (N, 60, 8, 3), each normalised by itself."""
    starts = range(0, len(path) - WINDOW_FRAMES + 1, WINDOW_HOP)
    return np.stack([normalise_path(path[i : i + WINDOW_FRAMES]) for i in starts])


def _pieces(
    walk: Recording, frames: int, most: int, rng: np.random.Generator
) -> list[tuple[str, str, Float64]]:
    if walk.flat:
        raise InputError(f"The recording {walk.recording!r} has no depth, which the judge needs.")
    pieces = []
    for _, path in unbroken_paths(walk.times, walk.points, feet=walk.feet):
        length = min(frames, len(path))
        if length >= LEAST_FRAMES:
            pieces += [
                path[i : i + length, :BODY] for i in range(0, len(path) - length + 1, length)
            ]
    chosen = rng.permutation(len(pieces))[:most]
    name = f"{walk.source}:{walk.subject}"
    return [(name, walk.source, normalise_path(pieces[i])) for i in sorted(chosen)]


def _seen(path: Float64, rng: np.random.Generator) -> Float64:
    times = np.arange(len(path)) / WINDOW_RATE
    return smooth(times, watch(path, rng), CleaningSettings().smoothing_cutoff)


def people_means(clips: MotionClips) -> dict[str, dict[str, Float64]]:
    """Return the mean measures (K,) of everybody's captured windows, by source and person."""
    means: dict[str, dict[str, Float64]] = {}
    for i in np.flatnonzero(np.r_[True, clips.person[1:] != clips.person[:-1]]):
        source, person = str(clips.source[i]), str(clips.person[i])
        own = ((clips.person == person) & clips.captured)[clips.clip]
        if own.any():
            means.setdefault(source, {})[person] = clips.measures[own].mean(axis=0)
    return means


def centre_of(
    means: dict[str, Float64], count: int, rng: np.random.Generator, without: Collection[str] = ()
) -> Float64:
    """Return the mean measures (K,) of `count` random people, or of all if there are fewer."""
    names = [name for name in means if name not in without] or list(means)
    chosen = rng.permutation(names)[:count]
    return np.asarray(np.mean([means[name] for name in chosen], axis=0))


def train_judge(clips: MotionClips, settings: MotionTrainSettings) -> MotionLSTM:
    """Train the judge on clips, sources and labels weighed by the root of their number.

    Raises
    ------
    InputError
        If nothing in the clips is captured, or nothing generated.
    """
    generated = ~clips.captured[clips.clip]
    if generated.all() or not generated.any():
        raise InputError("The judge of motion needs captured and generated clips.")
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng([settings.seed, 0x308])
    options = settings.network
    network = create_network(settings.architecture, options)
    assert isinstance(network, MotionLSTM)
    means = people_means(clips)
    source = clips.source[clips.clip]
    weights = np.zeros(len(generated))
    relative = clips.measures.copy()
    for name, known in means.items():
        own = source == name
        relative[own] -= np.mean(list(known.values()), axis=0)
        for label in (False, True):
            group = own & (generated == label)
            weights[group] = 1 / np.sqrt(max(group.sum(), 1))
    spread = relative[~generated].std(axis=0) + _LEAST_SPREAD
    network.spread.copy_(torch.from_numpy(spread))
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, settings.steps
    )
    weights /= weights.sum()
    network.train()
    for _ in range(settings.steps):
        rows = rng.choice(len(weights), settings.batch, p=weights)
        centres = {
            name: centre_of(known, settings.references, rng) for name, known in means.items()
        }
        seen = clips.measures[rows] - np.stack([centres[str(name)] for name in source[rows]])
        seen += _NOISE * spread * rng.normal(size=seen.shape)
        logits = network(torch.from_numpy(clips.body[rows]), _tensor(seen))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, _tensor(generated[rows]))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
        optimiser.step()
        schedule.step()
    return network.eval()


def score_clips(network: MotionLSTM, clips: MotionClips, references: int, seed: int = 0) -> Float64:
    """Return the mean logit of every clip (C,), relative to random other people of its source."""
    rng = np.random.default_rng([seed, 0x309])
    means = people_means(clips)
    centres = np.stack(
        [
            centre_of(means[str(source)], references, rng, {str(person)})
            for source, person in zip(clips.source, clips.person, strict=True)
        ]
    )
    with torch.inference_mode():
        logits = network(
            torch.from_numpy(clips.body), _tensor(clips.measures - centres[clips.clip])
        ).numpy()
    count = np.bincount(clips.clip, minlength=len(clips.kind))
    return np.asarray(np.bincount(clips.clip, logits, len(count)) / np.maximum(count, 1))


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))

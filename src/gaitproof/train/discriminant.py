"""Discriminant directions in closed form, from the spread within and between training people."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import nn

from gaitproof.errors import InputError
from gaitproof.gait.features import mirror
from gaitproof.nets.discriminant import (
    MOMENT_FEATURES,
    BlendedEncoder,
    DiscriminantEncoder,
    Discriminants,
    SpreadBlend,
)
from gaitproof.nets.normaliser import Normaliser
from gaitproof.train.estimator_error import shipped_error
from gaitproof.train.sampler import Person, features_of, person_of
from gaitproof.train.stream import Stream, random_source
from gaitproof.types.windows import WINDOW_FRAMES

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings

Float64 = NDArray[np.float64]

_BATCH: Final = 1024
_LEAST_SPREAD: Final = 1e-6
"""A moment that never changes tells nobody apart and must not be divided by 0."""


def gradient_part(network: nn.Module) -> nn.Module | None:
    """Return the part of a network that is trained by gradients; None if it is all closed form."""
    if isinstance(network, BlendedEncoder):
        return network.network
    return None if isinstance(network, Discriminants | SpreadBlend) else network


def closed_form_parts(network: nn.Module) -> list[Discriminants]:
    """Return the parts of a network that `fit_discriminant` fits."""
    if isinstance(network, BlendedEncoder):
        return [network.discriminant]
    if isinstance(network, SpreadBlend):
        return [network.spreads, network.moments]
    return [network] if isinstance(network, Discriminants) else []


@dataclass
class _Scatter:
    """Sums over the people of one data set."""

    within: Float64
    windows: int
    means: list[Float64]

    @property
    def centre(self) -> Float64:
        return np.asarray(np.mean(self.means, axis=0))

    @property
    def between(self) -> Float64:
        apart = np.array(self.means) - self.centre
        return apart.T @ apart / len(apart)


def fit_discriminant(
    encoder: Discriminants,
    recordings: Sequence[Recording],
    normaliser: Normaliser,
    settings: TrainSettings,
) -> None:
    """Set the components, scale and directions of an encoder.

    Fisher's linear discriminants (Rao, Journal of the Royal Statistical Society B 10, 1948) of the
    windows' moments: the generalised eigenvectors of the spread between people's means against
    the spread within people. Each data set has its own centre, so that what tells two sensors
    apart does not count as telling people apart; the offsets between data sets are added to the
    spread within people, which keeps the directions clear of them (nuisance attribute
    projection; Solomonoff, Campbell and Boardman, ICASSP 2005). A data set counts with the square
    root of its people.

    Parameters
    ----------
    encoder
        Changed in place. With fewer people than directions the last directions stay 0.
    recordings
        Walks of the training subjects; augmented copies count as their parents' person.
    normaliser
        As the network will see its windows.
    settings
        The recipe: `discriminant`, and `augment.mirror` for mirrored people as further people.

    Raises
    ------
    InputError
        If fewer than two people have usable walks.
    """
    people = _by_person(recordings)
    if len(people) < 2:
        raise InputError(
            "Training needs recordings of at least two subjects.", actual=str(len(people))
        )
    encoder.eval()
    if isinstance(encoder, DiscriminantEncoder):
        encoder.components.data = _principal_components(people, normaliser, settings, encoder)
    scatters = _measure(people, normaliser, settings, encoder)
    weights = np.sqrt([len(s.means) for s in scatters.values()])
    weights /= weights.sum()
    centres = np.array([s.centre for s in scatters.values()])
    centre = weights @ centres
    within = _mix(weights, [s.within / s.windows for s in scatters.values()])
    between = _mix(weights, [s.between for s in scatters.values()])
    offsets = settings.discriminant.offsets
    offsets = len(centres) if offsets is None else offsets
    within += _mix(weights, [np.outer(c - centre, c - centre) for c in centres]) * offsets
    scale = np.sqrt(np.diag(within) + np.diag(between)).clip(_LEAST_SPREAD)
    within /= np.outer(scale, scale)
    between /= np.outer(scale, scale)
    size = len(within)
    even = np.eye(size) * np.trace(within) / size
    shrinkage = settings.discriminant.shrinkage
    labels = sum(len(s.means) - 1 for s in scatters.values())
    kept = min(encoder.embedding_size, labels, size)
    _, axes = eigh(
        between,
        (1 - shrinkage) * within + shrinkage * even,
        subset_by_index=(size - kept, size - 1),
    )
    directions = np.zeros((size, encoder.embedding_size))
    directions[:, :kept] = axes[:, ::-1]
    encoder.centre.copy_(torch.from_numpy(centre))
    encoder.scale.copy_(torch.from_numpy(scale))
    encoder.directions.data = torch.from_numpy(directions).float()
    with torch.no_grad():
        directed = [
            encoder.project(torch.from_numpy(np.array(s.means)).float()).mean(dim=0)
            for s in scatters.values()
        ]
    # people lie on all sides of the middle, and strangers' cosines around 0
    encoder.middle.copy_(torch.from_numpy(weights).float() @ torch.stack(directed))


def _by_person(recordings: Sequence[Recording]) -> dict[Person, list[Recording]]:
    people: dict[Person, list[Recording]] = {}
    for recording in recordings:
        if recording.segments:
            people.setdefault(person_of(recording), []).append(recording)
    return people


def _windows(
    walks: Sequence[Recording], normaliser: Normaliser, settings: TrainSettings, hop: int
) -> Iterator[torch.Tensor]:
    """Yield the normalised windows of a person, and those of the mirrored person.

    With the recipe's `augment.estimator_error` copies as the estimator would see them are among
    them, the same ones whenever the person is asked for.
    """
    points = np.concatenate(
        [
            np.lib.stride_tricks.sliding_window_view(segment, WINDOW_FRAMES, axis=0)[::hop]
            for walk in walks
            for segment in walk.segments
        ]
    )
    points = np.moveaxis(points, -1, 1).astype(np.float64)
    for shown in (points, mirror(points)) if settings.augment.mirror else (points,):
        if settings.augment.estimator_error:
            shown = _with_errors(shown, walks[0], settings)
        yield torch.from_numpy(normaliser(*features_of(shown)))


def _with_errors(points: Float64, walk: Recording, settings: TrainSettings) -> Float64:
    """Return windows (B, 60, 12, 3) and their copies with the estimator's errors."""
    name = zlib.crc32("/".join(person_of(walk)).encode())
    rng = random_source(settings.seed, name, stream=Stream.WINDOWS)
    seen = [shipped_error().show(points, rng) for _ in range(settings.discriminant.copies)]
    return np.concatenate([points, *seen])


def _principal_components(
    people: dict[Person, list[Recording]],
    normaliser: Normaliser,
    settings: TrainSettings,
    encoder: DiscriminantEncoder,
) -> torch.Tensor:
    """Return the directions in which the features vary most within windows, shape (66, P)."""
    total = torch.zeros(len(MOMENT_FEATURES), len(MOMENT_FEATURES), dtype=torch.float64)
    for walks in people.values():
        for windows in _windows(walks, normaliser, settings, WINDOW_FRAMES):
            known = windows[:, :, encoder.used]
            moved = (known - known.mean(dim=1, keepdim=True)).flatten(0, 1).double()
            total += moved.T @ moved / len(moved)
    _, axes = torch.linalg.eigh(total)
    kept: torch.Tensor = axes.flip(1)[:, : encoder.components.shape[1]]
    return kept.float().contiguous()


def _measure(
    people: dict[Person, list[Recording]],
    normaliser: Normaliser,
    settings: TrainSettings,
    encoder: Discriminants,
) -> dict[str, _Scatter]:
    scatters: dict[str, _Scatter] = {}
    for (source, _), walks in people.items():
        for windows in _windows(walks, normaliser, settings, settings.discriminant.hop):
            with torch.inference_mode():
                parts = [encoder.moments(part) for part in torch.split(windows, _BATCH)]
            rows = torch.cat(parts).double().numpy()
            mean = rows.mean(axis=0)
            apart = rows - mean
            scatter = scatters.setdefault(source, _Scatter(np.zeros((len(mean), len(mean))), 0, []))
            scatter.within += apart.T @ apart
            scatter.windows += len(rows)
            scatter.means.append(mean)
    return scatters


def _mix(weights: Float64, parts: Sequence[Float64]) -> Float64:
    mixed: Float64 = np.einsum("s,sij->ij", weights, np.array(parts))
    return mixed

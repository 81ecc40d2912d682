"""Directions in closed form: discriminants of energy images, whitening of strips' vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from gaitproof.nets.silhouette import EnergyDiscriminant, SilhouetteNetwork
from gaitproof.train.silhouettes.sampler import MaskStream
from gaitproof.types.silhouette_windows import PairedWindows, SilhouetteWindows

_COMPONENTS: Final = 300
_SHRINKAGE: Final = 0.01
_WHITENING_SHRINKAGE: Final = 0.1
"""Shares of the spread within people that are taken as equal in all directions."""

_BATCH: Final = 64


def fit_discriminant(encoder: EnergyDiscriminant, stream: MaskStream, windows: int) -> None:
    """Set the directions of an encoder: Fisher's, on the principal components.

    Parameters
    ----------
    encoder
        Changed in place. With fewer people than directions the last directions stay 0.
    stream
        Augmented windows of the training people.
    windows
        How many of them to measure.
    """
    rows, labels = [], []
    for step in count():
        batch = stream[step]
        with torch.inference_mode():
            rows.append(encoder.described(*batch.inputs).numpy())
        labels.append(batch.labels.numpy())
        if sum(map(len, rows)) >= windows:
            break
    values, people = np.concatenate(rows).astype(np.float64), np.concatenate(labels)
    spread = _Spread.of(values, people, _COMPONENTS, _SHRINKAGE)
    size = len(spread.within)
    kept = min(encoder.embedding_size, spread.people - 1, size)
    _, best = eigh(spread.between, spread.within, subset_by_index=(size - kept, size - 1))
    set_directions(encoder, spread.axes @ best[:, ::-1], spread.middle)


def fit_whitening(network: SilhouetteNetwork, walks: Iterable[tuple[str, MaskWindows]]) -> None:
    """Set the directions of a trained network: its people's own variation is even in all of them.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006) of the
    strips' vectors on as many principal components as the embedding is long. What clothes and
    views change most counts least; the middle of all people becomes 0.

    Parameters
    ----------
    network
        In evaluation mode; changed in place.
    walks
        Training people and windows of theirs.
    """
    rows, people = [], []
    for person, windows in walks:
        if len(windows):
            rows.append(apply(network.described, windows))
            people += [person] * len(windows)
    values = np.concatenate(rows).astype(np.float64)
    within = _Spread.of(values, np.array(people), network.embedding_size, _WHITENING_SHRINKAGE)
    spread, turn = np.linalg.eigh(within.within)
    set_directions(network, within.axes @ (turn / np.sqrt(spread))[:, ::-1], within.middle)


@dataclass(frozen=True)
class _Spread:
    """Spread within and between people on principal components."""

    axes: NDArray[np.float64]
    within: NDArray[np.float64]
    between: NDArray[np.float64]
    middle: NDArray[np.float64]
    people: int

    @classmethod
    def of(
        cls, values: NDArray[np.float64], people: NDArray[Any], most: int, shrinkage: float
    ) -> Self:
        """Measure vectors (N, F) of people (N,); `values` are centred in place."""
        mean = values.mean(axis=0)
        values -= mean
        size = min(most, len(values) - 1, values.shape[1])
        if len(values) < values.shape[1]:
            # the same axes, without a matrix of all features by all features
            axes = np.linalg.svd(values, full_matrices=False)[2][:size][::-1].T
        else:
            bounds = (values.shape[1] - size, values.shape[1] - 1)
            _, axes = eigh(values.T @ values / len(values), subset_by_index=bounds)
        on_axes = values @ axes
        names, owner = np.unique(people, return_inverse=True)
        own = np.array([on_axes[owner == i].mean(axis=0) for i in range(len(names))])
        apart = on_axes - own[owner]
        within = apart.T @ apart / len(apart)
        within += shrinkage * np.trace(within) / size * np.eye(size)
        centre = own.mean(axis=0)
        between = (own - centre).T @ (own - centre) / len(own)
        return cls(axes, within, between, mean + axes @ centre, len(names))


def set_directions(
    encoder: EnergyDiscriminant | SilhouetteNetwork,
    directions: NDArray[np.float64],
    middle: NDArray[np.float64],
) -> None:
    """Give an encoder its directions, (F, K), and the point (F,) that is to become 0."""
    weight = np.zeros((encoder.embedding_size, len(directions)))
    weight[: directions.shape[1]] = directions.T
    encoder.directions.weight.data = torch.from_numpy(weight).float()
    encoder.directions.bias.data = -torch.from_numpy(weight @ middle).float()


MaskWindows = SilhouetteWindows | PairedWindows


def inputs_of(windows: MaskWindows) -> tuple[Tensor, ...]:
    """Return what a network reads of windows: masks, and features if they are paired."""
    if isinstance(windows, PairedWindows):
        masks, features = windows.silhouettes.masks, windows.joints.features
        return torch.from_numpy(masks), torch.tensor(features)
    return (torch.from_numpy(windows.masks),)


def apply(function: Callable[..., Tensor], windows: MaskWindows) -> NDArray[np.float32]:
    """Return one row per window of a function of what a network reads."""
    parts = zip(*(torch.split(taken, _BATCH) for taken in inputs_of(windows)), strict=True)
    with torch.inference_mode():
        joined: NDArray[np.float32] = torch.cat([function(*part) for part in parts]).numpy()
    return joined

"""Discriminants of energy images in closed form."""

from __future__ import annotations

from itertools import count
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from gaitproof.nets.silhouette import EnergyDiscriminant
from gaitproof.train.silhouettes.sampler import MaskStream

_COMPONENTS: Final = 300
_SHRINKAGE: Final = 0.01
"""Share of the spread within people that is taken as equal in all directions."""


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
            rows.append(encoder.described(batch.masks).numpy())
        labels.append(batch.labels.numpy())
        if sum(map(len, rows)) >= windows:
            break
    values, people = np.concatenate(rows).astype(np.float64), np.concatenate(labels)
    mean = values.mean(axis=0)
    values -= mean
    size = min(_COMPONENTS, len(values) - 1, values.shape[1])
    bounds = (values.shape[1] - size, values.shape[1] - 1)
    _, axes = eigh(values.T @ values / len(values), subset_by_index=bounds)
    values = values @ axes
    own = np.array([values[people == person].mean(axis=0) for person in np.unique(people)])
    apart = values - own[np.searchsorted(np.unique(people), people)]
    within = apart.T @ apart / len(apart)
    within += _SHRINKAGE * np.trace(within) / size * np.eye(size)
    centre = own.mean(axis=0)
    between = (own - centre).T @ (own - centre) / len(own)
    kept = min(encoder.embedding_size, len(own) - 1, size)
    _, found = eigh(between, within, subset_by_index=(size - kept, size - 1))
    set_directions(encoder, axes @ found[:, ::-1], mean + axes @ centre)


def set_directions(
    encoder: EnergyDiscriminant, directions: NDArray[np.float64], middle: NDArray[np.float64]
) -> None:
    """Give an encoder its directions, (F, K), and the point (F,) that is to become 0."""
    weight = np.zeros((encoder.embedding_size, len(directions)))
    weight[: directions.shape[1]] = directions.T
    encoder.directions.weight.data = torch.from_numpy(weight).float()
    encoder.directions.bias.data = -torch.from_numpy(weight @ middle).float()

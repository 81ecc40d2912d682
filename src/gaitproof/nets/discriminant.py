"""Linear discriminants of a window's second moments, alone and beside a network (torch).

Level, spread and covariance of the gait features over a window say how far, and how much together,
the joints move, whatever moment of the stride the window begins at. `DiscriminantEncoder` compares
windows in the directions of these moments that tell people apart best while one person's walks,
views and estimator errors differ least; they are found in closed form
(`gaitproof.train.discriminant`). `BlendedEncoder` puts such an embedding beside a trained
network's: the two err on different windows. `SpreadEncoder` sees the logarithms of the spreads of
those features alone that every sensor has: less of a walk, but what is left of it in another
sensor's joints. `SpreadBlend` is both closed forms side by side.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from gaitproof.nets.hybrid import HybridEncoder
from gaitproof.nets.layers import level_and_spread
from gaitproof.types import GAIT_LANDMARKS
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES

_HEELS: Final = frozenset(
    i for i, landmark in enumerate(GAIT_LANDMARKS) if landmark.name.endswith("_HEEL")
)
_N_COORDINATES: Final = 3 * len(GAIT_LANDMARKS)

MOMENT_FEATURES: Final = tuple(
    i
    for i in range(N_FEATURES)
    if not (
        (i < _N_COORDINATES and i // 3 in _HEELS)
        or (i >= N_FEATURES - _N_COORDINATES and (i - N_FEATURES + _N_COORDINATES) // 3 in _HEELS)
    )
)
"""The features used: all but the heels', which depth sensors do not have."""

NETWORK_WEIGHT: Final = 0.6
"""Length of the network's embedding beside the discriminants' in a blend; between 0.5 and 0.7 the
error on people aside was least (docs/results/benchmarks.md)."""


_SEEN_BY_ALL: Final = ("SHOULDER", "HIP", "KNEE", "ANKLE")

SPREAD_FEATURES: Final = tuple(
    i
    for i in range(N_FEATURES)
    for joint in [i // 3 if i < _N_COORDINATES else (i - N_FEATURES + _N_COORDINATES) // 3]
    if (
        _N_COORDINATES <= i < _N_COORDINATES + 4  # knees and hips; ankles' angles need feet
        or (
            not _N_COORDINATES <= i < N_FEATURES - _N_COORDINATES
            and GAIT_LANDMARKS[joint].name.endswith(_SEEN_BY_ALL)
        )
    )
)
"""Coordinates and velocities of shoulders, hips, knees and ankles, angles of knees and hips: what
every sensor and estimator has."""


class Discriminants(nn.Module):
    """Numbers of a window projected on discriminant directions; a subclass says which numbers.

    Parameters
    ----------
    embedding
        Number of directions.
    moments
        Numbers M per window.
    """

    centre: Tensor
    scale: Tensor
    middle: Tensor

    def __init__(self, embedding: int, moments: int) -> None:
        super().__init__()
        self.embedding_size = embedding
        self.register_buffer("centre", torch.zeros(moments))
        self.register_buffer("scale", torch.ones(moments))
        self.register_buffer("middle", torch.zeros(embedding))
        self.directions = nn.Parameter(torch.empty(moments, embedding))
        nn.init.xavier_uniform_(self.directions)

    def moments(self, x: Tensor) -> Tensor:
        """Return the numbers of windows: (B, T, 78) to (B, M)."""
        raise NotImplementedError

    def project(self, moments: Tensor) -> Tensor:
        """Map moments (B, M) to unit vectors (B, E) that are not centred yet."""
        scaled = (moments - self.centre) / self.scale
        return nn.functional.normalize(scaled @ self.directions, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, T, 78) to unit embeddings (B, E)."""
        return nn.functional.normalize(self.project(self.moments(x)) - self.middle, dim=1)


class SpreadEncoder(Discriminants):
    """Projects the logarithms of the features' standard deviations on discriminant directions.

    Parameters
    ----------
    embedding
        Number of directions.
    frames
        Frames per window; any number works.
    """

    used: Tensor

    def __init__(self, *, embedding: int, frames: int = WINDOW_FRAMES) -> None:
        super().__init__(embedding, len(SPREAD_FEATURES))
        self.register_buffer("used", torch.tensor(SPREAD_FEATURES), persistent=False)

    def moments(self, x: Tensor) -> Tensor:
        """Return the log spreads of windows: (B, T, 78) to (B, M)."""
        return level_and_spread(x[:, :, self.used])[:, len(SPREAD_FEATURES) :].log()


class DiscriminantEncoder(Discriminants):
    """Projects level, spread and covariance of a window on discriminant directions.

    Parameters
    ----------
    embedding
        Number of directions.
    width
        Principal components P of the features whose covariance is taken.
    frames
        Frames per window; any number works.
    """

    used: Tensor
    upper: Tensor

    def __init__(self, *, embedding: int, width: int, frames: int = WINDOW_FRAMES) -> None:
        used = len(MOMENT_FEATURES)
        super().__init__(embedding, 2 * used + width * (width + 1) // 2)
        rows, columns = torch.triu_indices(width, width).unbind()
        self.register_buffer("used", torch.tensor(MOMENT_FEATURES), persistent=False)
        self.register_buffer("upper", rows * width + columns, persistent=False)
        self.components = nn.Parameter(torch.empty(used, width))
        nn.init.xavier_uniform_(self.components)

    def moments(self, x: Tensor) -> Tensor:
        """Return level, spread and covariance of windows: (B, T, 78) to (B, M)."""
        known = x[:, :, self.used]
        mixed = (known - known.mean(dim=1, keepdim=True)) @ self.components
        covariance = mixed.transpose(1, 2) @ mixed / x.shape[1]
        return torch.cat([level_and_spread(known), covariance.flatten(1)[:, self.upper]], dim=1)


class BlendedEncoder(nn.Module):
    """Discriminants and a hybrid network side by side, half of the embedding each.

    Parameters
    ----------
    embedding
        Length of the whole embedding.
    components
        Of the `DiscriminantEncoder`.
    frames
        Frames per window.
    **network
        Of the `HybridEncoder`.
    """

    def __init__(
        self, *, embedding: int, components: int, frames: int = WINDOW_FRAMES, **network: Any
    ) -> None:
        super().__init__()
        self.embedding_size = embedding
        half = embedding // 2
        self.discriminant = DiscriminantEncoder(
            embedding=embedding - half, width=components, frames=frames
        )
        self.network = HybridEncoder(embedding=half, frames=frames, **network)

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, T, 78) to unit embeddings (B, E)."""
        both = torch.cat([self.discriminant(x), NETWORK_WEIGHT * self.network(x)], dim=1)
        return nn.functional.normalize(both, dim=1)


class SpreadBlend(nn.Module):
    """Discriminants of spreads and of second moments side by side, equally long.

    Parameters
    ----------
    embedding
        Length of the whole embedding.
    width
        Of the `DiscriminantEncoder`.
    spreads
        Directions of the `SpreadEncoder`, part of the embedding and at most half of it.
    frames
        Frames per window.
    """

    def __init__(
        self, *, embedding: int, width: int, spreads: int, frames: int = WINDOW_FRAMES
    ) -> None:
        super().__init__()
        self.embedding_size = embedding
        spreads = min(spreads, embedding // 2)
        self.spreads = SpreadEncoder(embedding=spreads, frames=frames)
        self.moments = DiscriminantEncoder(
            embedding=embedding - spreads, width=width, frames=frames
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map z-scored features (B, T, 78) to unit embeddings (B, E)."""
        both = torch.cat([self.spreads(x), self.moments(x)], dim=1)
        return nn.functional.normalize(both, dim=1)

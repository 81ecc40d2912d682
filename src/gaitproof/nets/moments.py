"""Gait by its statistics: a fast encoder that does not care where in the stride a window starts.

A window of walking is a nearly periodic signal, and where in the stride it begins says nothing
about the walker. What is left when that is taken away is known from signal processing: the level
of each channel, its spectrum, and the covariances between channels at several lags, which hold
amplitudes and relative phases of all pairs (the lagged covariance is the Fourier transform of the
cross spectrum; Wiener-Khinchin). `GaitMoments` computes these with fixed and learned matrix
products and leaves the rest to a residual MLP; a light CNN beside it may see what second moments
miss.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gaitproof.nets.layers import (
    FeatureEncoder,
    ResidualBlock,
    initialise,
    level_and_spread,
    mean_and_peak,
)
from gaitproof.types.windows import N_FEATURES, WINDOW_RATE

_FREQUENCIES = tuple(0.5 * k for k in range(1, 13))
"""Hz: to 6 Hz, beyond which gait has next to no power (Winter)."""

_LAGS = (0, 3, 6, 10, 15)
"""Frames: 0 to 0.5 s, half a stride at common cadence."""

_MIXTURES = 24
"""Learned mixtures of the features whose lagged covariances are taken."""

_CNN_WIDTH = 64


class GaitMoments(FeatureEncoder):
    """Level, spread, spectrum and lagged covariances of a window through a residual MLP.

    Parameters
    ----------
    layers
        Residual blocks of the MLP.
    width
        Units of the MLP.
    """

    waves: Tensor

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        self.register_buffer("waves", _waves(frames), persistent=False)
        self.lags = [lag for lag in _LAGS if lag < frames]
        self.mix = nn.Linear(N_FEATURES, _MIXTURES, bias=False)
        self.cnn = nn.Sequential(
            nn.Conv1d(N_FEATURES, _CNN_WIDTH, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm1d(_CNN_WIDTH),
            nn.ReLU(),
            ResidualBlock(_CNN_WIDTH, _CNN_WIDTH, 2, dropout),
        )
        spectrum = len(_FREQUENCIES) * N_FEATURES
        covariances = len(self.lags) * _MIXTURES**2
        joined = 2 * N_FEATURES + spectrum + covariances + 2 * _CNN_WIDTH
        self.scale = nn.BatchNorm1d(joined, affine=False)
        self.enter = nn.Sequential(nn.Dropout(dropout), nn.Linear(joined, width))
        self.mlp = nn.Sequential(*(ResidualUnit(width, dropout) for _ in range(layers)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, embedding))
        self.apply(initialise)

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        described = torch.cat(
            [
                level_and_spread(x),
                self._spectrum(x),
                self._covariances(x),
                mean_and_peak(self.cnn(x.transpose(1, 2)).transpose(1, 2)),
            ],
            dim=1,
        )
        hidden = self.mlp(self.enter(self.scale(described)))
        return self.head(hidden)

    def _spectrum(self, x: Tensor) -> Tensor:
        """Return the log magnitudes at `_FREQUENCIES`, (B, T, 78) to (B, 12 * 78)."""
        centred = x - x.mean(dim=1, keepdim=True)
        cosine, sine = (self.waves @ centred).chunk(2, dim=1)
        return (cosine.square() + sine.square() + 1e-4).log().flatten(1)

    def _covariances(self, x: Tensor) -> Tensor:
        """Return the lagged covariances of the mixtures, (B, T, 78) to (B, lags * 24 * 24).

        Their roots, signs kept: covariances of walks have heavy tails.
        """
        mixed = self.mix(x)
        mixed = mixed - mixed.mean(dim=1, keepdim=True)
        time = mixed.shape[1]
        covariances = [
            mixed[:, : time - lag].transpose(1, 2) @ mixed[:, lag:] / (time - lag)
            for lag in self.lags
        ]
        stacked = torch.stack(covariances, dim=1).flatten(1)
        # sign(c) * sqrt(|c|), smoothed so that the gradient at 0 is finite
        return stacked * (stacked.square() + 1e-3).pow(-0.25)


class ResidualUnit(nn.Module):
    """A pre-norm GELU layer with a shortcut."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        return x + self.body(x)


def _waves(frames: int) -> Tensor:
    """Return the Hann-weighted cosines and sines at `_FREQUENCIES`, shape (24, frames)."""
    time = torch.arange(frames, dtype=torch.float64)
    weights = torch.hann_window(frames + 1, periodic=False, dtype=torch.float64)[:-1]
    turns = 2 * math.pi / WINDOW_RATE * torch.tensor(_FREQUENCIES, dtype=torch.float64)
    phases = turns[:, None] * time
    waves = torch.cat([phases.cos(), phases.sin()]) * weights * (2 / weights.sum())
    return waves.float()

"""The statistics that `gait-moments` rests on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gaitproof.nets.moments import _FREQUENCIES, GaitMoments
from gaitproof.nets.registry import create_network


def walk(start: float, rate: float = 1.0, frames: int = 60) -> torch.Tensor:
    """Return a periodic window that begins `start` seconds into the stride."""
    time = start + torch.arange(frames) / 30
    phase = torch.linspace(0, 6, 78)
    once = torch.sin(2 * torch.pi * rate * time[:, None] + phase)
    return (once + 0.4 * torch.sin(4 * torch.pi * rate * time[:, None] + 2 * phase))[None]


@pytest.fixture
def network() -> GaitMoments:
    torch.manual_seed(0)
    made = create_network("gait-moments")
    assert isinstance(made, GaitMoments)
    return made.eval()


def test_spectrum_peaks_at_the_stride_frequency(network: GaitMoments) -> None:
    time = torch.arange(60) / 30
    x = (3 * torch.sin(2 * torch.pi * 1.5 * time))[None, :, None].expand(1, 60, 78)
    spectrum = network._spectrum(x).reshape(len(_FREQUENCIES), 78).exp().sqrt()
    assert _FREQUENCIES[int(spectrum[:, 0].argmax())] == 1.5
    assert float(spectrum.max()) == pytest.approx(3, rel=0.02)


def test_covariances_agree_with_numpy(network: GaitMoments) -> None:
    x = torch.randn(1, 60, 78)
    mixed = network.mix(x)[0].detach().numpy()
    mixed = mixed - mixed.mean(axis=0)
    covariances = network._covariances(x).detach().numpy().reshape(len(network.lags), 24, 24)
    expected = np.stack([mixed[: 60 - lag].T @ mixed[lag:] / (60 - lag) for lag in network.lags])
    rooted = expected / (expected**2 + 1e-3) ** 0.25
    np.testing.assert_allclose(covariances, rooted, atol=1e-4)


def test_where_in_the_stride_a_window_begins_hardly_matters(network: GaitMoments) -> None:
    statistics = [
        torch.cat([network._spectrum(w), network._covariances(w)], dim=1)
        for w in (walk(0.0), walk(0.37), walk(0.0, rate=1.25))
    ]
    shifted = torch.linalg.norm(statistics[1] - statistics[0])
    faster = torch.linalg.norm(statistics[2] - statistics[0])
    assert shifted < 0.2 * faster

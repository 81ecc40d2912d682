"""Wavelet channels beside RGB, for any network of single images (FSBI)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import ImageNetwork, Looked, Studied

_ROOT: Final = math.sqrt(3)
_LOW: Final = tuple(
    value / (4 * math.sqrt(2)) for value in (1 + _ROOT, 3 + _ROOT, 3 - _ROOT, 1 - _ROOT)
)
"""Scaling filter of Daubechies' wavelet with two vanishing moments (CPAM 1988), which is also the
Symlet ``sym2`` that FSBI uses."""

_BANDS: Final = 4


class WaveletMix(nn.Module):
    """RGB (N, 3, S, S) with its wavelet bands, mixed back to three channels.

    One level of the discrete wavelet transform (``sym2``, reflected at the edges) gives every
    channel four bands of half the size: a coarse image, and differences across, down and along the
    diagonals, in which the traces of blending and of generators stand out (Hasanaath et al., FSBI,
    2024). They are enlarged to the size of the image; a learnt 1 × 1 convolution, which begins as
    RGB alone, mixes all 15 channels, so that a published backbone still begins as it was.
    """

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        low = torch.tensor(_LOW)
        high = low.flip(0) * torch.tensor((1.0, -1.0, 1.0, -1.0))
        bands = torch.stack([torch.outer(a, b) for a, b in product((low, high), repeat=2)])
        self.register_buffer("filters", bands[:, None].repeat(3, 1, 1, 1), persistent=False)
        self.mix = nn.Conv2d(3 * (1 + _BANDS), 3, 1)
        with torch.no_grad():
            self.mix.weight.zero_()
            self.mix.bias.zero_() if self.mix.bias is not None else None
            self.mix.weight[:, :3, 0, 0] = torch.eye(3)

    def bands(self, crops: Tensor) -> Tensor:
        """Return bands (N, 12, S / 2, S / 2), four per channel, of crops (N, 3, S, S)."""
        padded = nn.functional.pad(crops, (1, 1, 1, 1), mode="reflect")
        return nn.functional.conv2d(padded, self.filters, stride=2, groups=3)

    def forward(self, crops: Tensor) -> Tensor:
        """Return what the network sees, shape (N, 3, S, S)."""
        bands = self.bands(crops)
        fine = nn.functional.interpolate(bands, size=crops.shape[2:], mode="nearest")
        return self.mix(torch.cat((crops, fine), dim=1))


class WithWavelets(ImageNetwork):
    """A network of single images that sees wavelet channels beside RGB.

    Parameters
    ----------
    network
        What sees them.
    """

    def __init__(self, network: ImageNetwork) -> None:
        super().__init__()
        self.wavelets = WaveletMix()
        self.inner = network
        self.take_values(network.mean, network.std)

    @property
    def fresh(self) -> tuple[str, ...]:  # type: ignore[override]
        """What learns from nothing: the mixing, and what does so in the network."""
        return ("wavelets", *(f"inner.{part}" for part in self.inner.fresh))

    @property
    def head(self) -> nn.Module:  # type: ignore[override]
        """The network's own."""
        return self.inner.head

    def resting(self, step: int) -> Sequence[Tensor]:
        """Return what the network leaves as it is in a step."""
        return self.inner.resting(step)

    def features(self, crops: Tensor) -> Tensor:
        """Return the network's last feature maps of crops (N, 3, S, S) and their bands."""
        return self.inner.features(self.wavelets(crops))

    def locate(self, features: Tensor) -> Tensor | None:
        """Return where the network finds the blended part."""
        return self.inner.locate(features)

    def look(self, crops: Tensor) -> Looked:
        """Return everything the network says of crops (N, 3, S, S) and their bands."""
        return self.inner.look(self.wavelets(crops))

    def study(self, crops: Tensor, labels: Tensor) -> Studied:
        """Let the network study crops (N, 3, S, S) and their bands."""
        return self.inner.study(self.wavelets(crops), labels)

    def forward(self, crops: Tensor) -> Tensor:
        """Return logits (N, 2) of crops (N, 3, S, S)."""
        return self.inner(self.wavelets(crops))

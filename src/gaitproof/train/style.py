"""Mixing of styles, so that a network learns less of the sensor."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_CONCENTRATION: Final = 0.1
"""Of the beta distribution that shares come from (the paper's): mostly near 0 or 1."""
_LEAST: Final = 1e-6


def mix_styles(windows: Tensor, share: float) -> Tensor:
    """Mix level and spread of windows with those of others in the batch.

    Zhou, Yang, Qiao and Xiang, "Domain Generalization with MixStyle", ICLR 2021; here of the
    features themselves, whose level and spread over the window are what sensors differ in most.

    Parameters
    ----------
    windows
        Shape (B, frames, F), z-scored. A feature that a sensor lacks is 0 throughout, and stays so.
    share
        Probability of every window to be mixed, 0 to 1.

    Returns
    -------
    Tensor
        Same shape.
    """
    count = len(windows)
    level = windows.mean(dim=1, keepdim=True)
    spread = windows.std(dim=1, keepdim=True, unbiased=False)
    partner = torch.randperm(count, device=windows.device)
    concentration = torch.full((count, 1, 1), _CONCENTRATION, device=windows.device)
    own = torch.distributions.Beta(concentration, concentration).sample()
    own = torch.where(torch.rand_like(own) < share, own, torch.ones_like(own))
    known = (spread > _LEAST) & (spread[partner] > _LEAST)
    mixed = (windows - level) / spread.clamp_min(_LEAST)
    mixed = mixed * (own * spread + (1 - own) * spread[partner])
    mixed = mixed + own * level + (1 - own) * level[partner]
    return torch.where(known, mixed, windows)

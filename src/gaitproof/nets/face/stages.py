"""Maps of one image at three depths, for networks that look at more than the last one."""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor, nn

from gaitproof.nets.face.compact import Block, Residuals

Size = Literal["small", "published"]
"""What two processor cores can train, or the size in the network's paper."""

SMALL: Final = 16
"""Channels of the first stage of `SmallStages`."""


class SmallStages(nn.Module):
    """Residual blocks on colours and high-pass residuals, as those of `Compact`.

    Parameters
    ----------
    width
        Channels of the first stage.

    Attributes
    ----------
    widths
        Channels of the three maps.
    """

    def __init__(self, width: int = SMALL) -> None:
        super().__init__()
        self.widths = (2 * width, 4 * width, 6 * width)
        self.residuals = Residuals()
        self.shallow = nn.Sequential(
            nn.Conv2d(6, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Block(width, 2 * width, 2),
        )
        self.middle = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 2))
        self.deep = Block(4 * width, 6 * width, 2)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return maps of a 4th, a 16th and a 32nd of the side of crops (N, 3, S, S)."""
        shallow = self.shallow(torch.cat((crops, self.residuals(crops)), dim=1))
        middle = self.middle(shallow)
        return shallow, middle, self.deep(middle)

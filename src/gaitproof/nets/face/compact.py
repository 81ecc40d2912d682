"""A small network for training from nothing on few faces.

A forgery's traces are faint and local (noise, sharpness, colour that do not fit together), so the
first layer sees high-pass residuals beside the colours, the image is made small late, and every
block may weigh its channels by what the whole image shows, which is what a part that does not fit
must be compared with.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import ImageNetwork

_GREY = (0.299, 0.587, 0.114)
"""Luma of ITU-R BT.601."""

_RESIDUALS = (
    (
        (0, 0, 0, 0, 0),
        (0, -1 / 4, 2 / 4, -1 / 4, 0),
        (0, 2 / 4, -4 / 4, 2 / 4, 0),
        (0, -1 / 4, 2 / 4, -1 / 4, 0),
        (0, 0, 0, 0, 0),
    ),
    (
        (-1 / 12, 2 / 12, -2 / 12, 2 / 12, -1 / 12),
        (2 / 12, -6 / 12, 8 / 12, -6 / 12, 2 / 12),
        (-2 / 12, 8 / 12, -12 / 12, 8 / 12, -2 / 12),
        (2 / 12, -6 / 12, 8 / 12, -6 / 12, 2 / 12),
        (-1 / 12, 2 / 12, -2 / 12, 2 / 12, -1 / 12),
    ),
    (
        (0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (0, 1 / 2, -2 / 2, 1 / 2, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0),
    ),
)
"""Second-order residuals of the spatial rich model (Fridrich & Kodovský, IEEE TIFS 2012)."""

_GAIN = 8.0
"""Residuals of photographs are about so much weaker than the colours."""


class Residuals(nn.Module):
    """Three high-pass residuals of an image's brightness; nothing in it is learnt."""

    grey: Tensor
    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grey", torch.tensor(_GREY).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("kernels", torch.tensor(_RESIDUALS)[:, None], persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Return residuals (N, 3, S, S) of normalised crops (N, 3, S, S)."""
        grey = (crops * self.grey).sum(dim=1, keepdim=True)
        residuals = nn.functional.conv2d(grey, self.kernels, padding=2) * _GAIN
        return residuals.clamp(-3, 3)


class Block(nn.Module):
    """Two convolutions around a shortcut, their channels weighed by the whole image.

    Residual blocks after He et al. (CVPR 2016) with squeeze and excitation (Hu et al., CVPR 2018).
    """

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        squeezed = max(out // 8, 8)
        self.weigh = nn.Sequential(
            nn.Linear(out, squeezed), nn.ReLU(), nn.Linear(squeezed, out), nn.Sigmoid()
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and width == out
            else nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(width, out, 1, bias=False),
                nn.BatchNorm2d(out),
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, out, h / stride, w / stride)."""
        changed = self.body(maps)
        weights = self.weigh(changed.mean(dim=(2, 3)))[:, :, None, None]
        return torch.relu(self.shortcut(maps) + changed * weights)


class Compact(ImageNetwork):
    """Residual network on colours and residuals, one sixteenth of the image's side at its end.

    Parameters
    ----------
    width
        Channels of the first stage; the others have twice, four times and five times as many.
    dropout
        Before the last layer.
    """

    def __init__(self, width: int = 24, dropout: float = 0.2) -> None:
        super().__init__()
        self.residuals = Residuals()
        self.stem = nn.Sequential(
            nn.Conv2d(6, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        widths = (width, 2 * width, 4 * width, 5 * width)
        self.stages = nn.Sequential(
            Block(width, widths[1], 2),
            Block(widths[1], widths[1], 1),
            Block(widths[1], widths[2], 2),
            Block(widths[2], widths[2], 1),
            Block(widths[2], widths[3], 2),
            Block(widths[3], widths[3], 1),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[3], 2))
        self.place = nn.Conv2d(widths[3], 1, 1)

    def features(self, crops: Tensor) -> Tensor:
        """Return maps (N, 5 * width, S / 16, S / 16)."""
        both = torch.cat((crops, self.residuals(crops)), dim=1)
        return self.stages(self.stem(both))

    def locate(self, features: Tensor) -> Tensor:
        """Return logits of a blended place, shape (N, S / 16, S / 16)."""
        place: Tensor = self.place(features)
        return place[:, 0]


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

"""A network that can only learn from time.

Its convolutions over time have a spatial size of 1, so that no pattern within a picture can be
learnt; after "Exploring Temporal Coherence for More General Video Face Forgery Detection" (FTCN),
Zheng et al., ICCV 2021, from which the idea comes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.train.face.networks.base import ClipNetwork
from gaitproof.train.face.networks.pooling import AttentionPooling


class TemporalBlock(nn.Module):
    """Two convolutions over time alone around a shortcut; what is absent stays 0.

    Parameters
    ----------
    width
        Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))
        self.second = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, maps: Tensor, there: Tensor) -> Tensor:
        """Return maps (N, width, T, h, w); `there` is (N, 1, T, 1, 1), 1 where a picture is."""
        changed = torch.relu(self.first(maps)) * there
        return torch.relu(maps + self.second(changed)) * there


class TemporalOnly(ClipNetwork):
    """Differences between neighbouring pictures, read by convolutions over time alone.

    Parameters
    ----------
    width
        Channels.
    dropout
        Before the last layer.
    """

    def __init__(self, width: int = 48, dropout: float = 0.2) -> None:
        super().__init__()
        self.shrink = nn.AvgPool2d(4)
        self.lift = nn.Conv3d(6, width, 1)
        self.blocks = nn.ModuleList(TemporalBlock(width) for _ in range(3))
        self.pooling = AttentionPooling(2 * width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, 2))

    def attend(self, crops: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T); see `ClipNetwork.attend`."""
        clips, times = present.shape
        there = present.to(crops.dtype)[:, None, :, None, None]
        small = self.shrink(crops.flatten(0, 1)).unflatten(0, (clips, times)).transpose(1, 2)
        small = small * there
        # what changes from the picture before, and how that changes again
        both = there * torch.cat((there[:, :, :1] * 0, there[:, :, :-1]), dim=2)
        change = both * (small - torch.roll(small, 1, dims=2))
        again = both * (change - torch.roll(change, 1, dims=2))
        maps = torch.relu(self.lift(torch.cat((change, again), dim=1))) * there
        for block in self.blocks:
            maps = block(maps, there)
        flat = maps.flatten(3)
        features = torch.cat((flat.mean(dim=3), flat.amax(dim=3)), dim=1).transpose(1, 2)
        pooled, weights = self.pooling(features, present)
        return self.head(pooled), weights

"""Fully temporal convolutions and a temporal transformer."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from gaitproof.nets.face.base import ClipNetwork
from gaitproof.nets.face.encoded import gather, spread
from gaitproof.nets.face.pooling import AttentionPooling
from gaitproof.nets.face.stages import Size
from gaitproof.nets.face.temporal_only import find_links
from gaitproof.nets.face.transformer import TemporalTransformer
from gaitproof.nets.face.video_residual import VideoResidual

SIZES: Final[dict[Size, tuple[int, tuple[int, ...]]]] = {
    "small": (12, (1, 1, 1, 1)),
    "published": (64, (3, 4, 6, 3)),
}
"""Channels of the first layer, and blocks of each stage: those of ResNet-50 in the papers."""


class Ftcn(ClipNetwork):
    """A video ResNet with spatial kernels of 1, and a transformer over time.

    After Zheng et al., FTCN (ICCV 2021): without spatial kernels only what does not go together
    over time can be learnt. Beside `TemporalOnly` it sees the colours, not only their changes.

    Not the paper's: temporal kernels of 3 in the first layer, too; the sides are halved by
    averaging 2 by 2 places; attention over time in place of a class token, to say what an image
    counted.

    Parameters
    ----------
    size
        ``published`` for ResNet-50's channels and depth.
    width
        Channels of the first layer; all others follow.
    dropout
        In the transformer, and before the last layer.
    """

    def __init__(
        self, size: Size = "small", width: int | None = None, dropout: float = 0.1
    ) -> None:
        super().__init__()
        own, depths = SIZES[size]
        self.body = VideoResidual(width or own, depths, spatial=1)
        codes = self.body.width
        self.sequence = TemporalTransformer(codes, 1, dropout)
        self.pool = AttentionPooling(codes)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(codes, 2))

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        maps = self.body(gather(crops, present), find_links(crops, present))
        states = self.sequence(spread(maps.mean(dim=(2, 3)), present, len(crops)), present)
        pooled, weights = self.pool(states, present)
        return self.head(pooled), weights

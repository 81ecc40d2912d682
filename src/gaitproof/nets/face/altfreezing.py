"""A network over space and time of which one of the two rests while the other learns."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from gaitproof.nets.face.base import ClipNetwork
from gaitproof.nets.face.encoded import gather, spread
from gaitproof.nets.face.ftcn import SIZES
from gaitproof.nets.face.pooling import AttentionPooling
from gaitproof.nets.face.stages import Size
from gaitproof.nets.face.temporal_only import TemporalConvolution, find_links
from gaitproof.nets.face.video_residual import VideoResidual

TURNS: Final = (20, 1)
"""Steps in which spatial weights rest, then steps in which temporal ones do: what lies in single
images is learnt sooner (the paper's numbers)."""


class AltFreezing(ClipNetwork):
    """A video ResNet whose spatial and temporal weights learn by turns.

    After Wang et al., AltFreezing (CVPR 2023): otherwise such a network learns whichever of the two
    kinds of traces is easier. Normalisations, convolutions of 1 by 1 by 1 and the head always
    learn. The paper's forged clips of repeated and left out images are the recipe's `retimed`,
    and its clips blended alike throughout are what self-blended ones are anyway.

    Not the paper's: kernels of the first layer are 3 over time and 5 over places (5 and 7); the
    sides are halved by averaging; attention over time in place of the mean.

    Parameters
    ----------
    size
        ``published`` for ResNet-50's channels and depth.
    width
        Channels of the first layer; all others follow.
    dropout
        Before the last layer.
    """

    def __init__(
        self, size: Size = "small", width: int | None = None, dropout: float = 0.5
    ) -> None:
        super().__init__()
        own, depths = SIZES[size]
        self.body = VideoResidual(width or own, depths, spatial=3)
        self.pool = AttentionPooling(self.body.width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.body.width, 2))

    def resting(self, step: int) -> list[Tensor]:
        """Return what does not learn in a step: the spatial weights, or the temporal ones."""
        spatial_rests = step % sum(TURNS) < TURNS[0]
        kinds = self.kinds()
        return kinds["spatial" if spatial_rests else "temporal"]

    def kinds(self) -> dict[str, list[Tensor]]:
        """Return the weights of kernels over places, and of those over time."""
        parts = list(self.body.modules())
        over_time = [part.mix.weight for part in parts if isinstance(part, TemporalConvolution)]
        over_places = [
            part.weight
            for part in parts
            if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)
        ]
        return {"spatial": over_places, "temporal": over_time}

    def attend(self, crops: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T)."""
        maps = self.body(gather(crops, present), find_links(crops, present))
        codes = spread(maps.mean(dim=(2, 3)), present, len(crops))
        pooled, weights = self.pool(codes, present)
        return self.head(pooled), weights

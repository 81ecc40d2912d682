"""Several attention maps over enhanced textures, each to look at another part of the face."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.nets.face.backbones import FRESH, load_backbone
from gaitproof.nets.face.base import ImageNetwork, Looked, Studied
from gaitproof.nets.face.compact import SMALL, Size, SmallStages

MAPS: Final = 4
"""Attention maps (the paper's best number)."""

_INSIDE: Final = (0.1, 0.05)
"""How far a part's texture may lie from its centre without a loss, forged and genuine: forgeries
differ more (squared, unit vectors)."""
_OUTSIDE: Final = 0.2
"""How far apart the centres of two parts shall be at least."""
_FOLLOW: Final = 0.05
"""How far the centres go to the mean of a batch."""
_BLUR: Final = 7
"""Standard deviation of the blur that degrades a place, per 224 pixels of the crop's side."""
_TINY: Final = 1e-6


class EffNetB4Stages(nn.Module):
    """EfficientNet-B4 (Tan & Le, ICML 2019), the paper's backbone.

    Parameters
    ----------
    pretrained
        See `gaitproof.nets.face.backbones.load_backbone`.
    """

    widths = (32, 160, 1792)
    _shallow, _middle = 6, 22
    """Blocks after which its second and its fifth stage end."""

    def __init__(self, pretrained: str) -> None:
        super().__init__()
        from transformers import EfficientNetConfig, EfficientNetModel

        own = EfficientNetConfig(
            image_size=380,
            width_coefficient=1.4,
            depth_coefficient=1.8,
            hidden_dim=self.widths[-1],
            dropout_rate=0.4,
        )
        self.body = load_backbone(EfficientNetModel, own, pretrained)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return maps of a 4th, a 16th and a 32nd of the side of crops (N, 3, S, S)."""
        seen = self.body(crops, output_hidden_states=True)
        states = seen.hidden_states
        return states[self._shallow], states[self._middle], seen.last_hidden_state


class Texture(nn.Module):
    """What stands out from its surroundings, through densely connected convolutions.

    The surroundings are means over 2 by 2 places; dense connections after Huang et al. (CVPR 2017).

    Parameters
    ----------
    width
        Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(count * width),
                nn.ReLU(),
                nn.Conv2d(count * width, width, 3, padding=1, bias=False),
            )
            for count in (1, 2, 3)
        )
        self.norm = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, C, h, w) of maps (N, C, h, w)."""
        around = nn.functional.interpolate(nn.functional.avg_pool2d(maps, 2), maps.shape[2:])
        parts = [maps - around]
        for layer in self.layers:
            parts.append(layer(torch.cat(parts, dim=1)))
        return torch.relu(self.norm(parts[-1]))


class MultiAttentional(ImageNetwork):
    """Several attention maps that pool textures and deep features, after Zhao et al. (CVPR 2021).

    Attention maps are computed from features of a 16th of the image's side; each pools the textures
    of a 4th of it, and their sum the last features (bilinear attention pooling). While it learns,
    the parts' textures are kept apart (regional independence loss), and every crop is seen a second
    time, blurred where one of its attention maps lies, so that the others must find something, too.

    Two things are not the paper's. A map is divided by its mean, where the paper divides what was
    pooled by its length: the head then works on means over places, so that Grad-CAM has a closed
    form. Centres follow at a constant rate.

    Parameters
    ----------
    size
        ``published`` for EfficientNet-B4 instead of a small residual network.
    pretrained
        Of EfficientNet-B4, see `gaitproof.nets.face.backbones.load_backbone`.
    width
        Channels of the first stage of the small one.
    dropout
        Before the last layer.
    """

    aims = ("regions", "degraded")
    fresh = ("texture", "attention", "head")
    centres: Tensor

    def __init__(
        self,
        size: Size = "small",
        pretrained: str = FRESH,
        width: int = SMALL,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        stages = EffNetB4Stages(pretrained) if size == "published" else SmallStages(width)
        self.stages = stages
        shallow, middle, deep = stages.widths
        self.texture = Texture(shallow)
        self.attention = nn.Sequential(
            nn.Conv2d(middle, MAPS, 1, bias=False), nn.BatchNorm2d(MAPS), nn.ReLU()
        )
        self.register_buffer("centres", torch.zeros(MAPS, shallow))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(MAPS * shallow + deep, 2))

    def features(self, crops: Tensor) -> Tensor:
        """Return maps (N, C, S / 32, S / 32) of which the means are what was pooled."""
        return self._see(crops)[0]

    def study(self, crops: Tensor, labels: Tensor) -> Studied:
        """Look, and return the losses of the parts and what is seen of degraded crops."""
        features, attention = self._see(crops)
        pooled = features.mean(dim=(2, 3))
        codes = pooled[:, : self.centres.numel()].reshape(-1, *self.centres.shape)
        degraded = self.forward(degrade(crops, attention))
        looked = Looked(self.head(pooled))
        return Studied(looked, {"regions": self._keep_apart(codes, labels)}, degraded)

    def _see(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the head takes the mean of, and attention maps (N, MAPS, h, w)."""
        shallow, middle, deep = self.stages(crops)
        attention = self.attention(middle)
        textures = self.texture(shallow)
        fine = nn.functional.interpolate(
            _level(attention), textures.shape[2:], mode="bilinear", align_corners=False
        )
        parts = nn.functional.adaptive_avg_pool2d(
            (fine[:, :, None] * textures[:, None]).flatten(1, 2), deep.shape[2:]
        )
        whole = nn.functional.adaptive_avg_pool2d(
            attention.sum(dim=1, keepdim=True), deep.shape[2:]
        )
        return torch.cat((parts, deep * _level(whole)), dim=1), attention

    def _keep_apart(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return the regional independence loss of codes (N, MAPS, C); moves the centres."""
        codes = nn.functional.normalize(codes.float(), dim=2)
        centres = self.centres + _FOLLOW * (codes.mean(dim=0) - self.centres)
        self.centres.copy_(centres.detach())
        allowed = codes.new_tensor(_INSIDE)[labels][:, None]
        spread = (codes - self.centres).square().sum(dim=2)
        inside = (spread - allowed).relu().sum(dim=1).mean()
        pairs = list(combinations(range(MAPS), 2))
        apart = torch.stack([(centres[i] - centres[j]).square().sum() for i, j in pairs])
        return inside + (_OUTSIDE - apart).relu().sum()


def _level(attention: Tensor) -> Tensor:
    """Return attention maps whose mean over the places is 1."""
    return attention / (attention.mean(dim=(2, 3), keepdim=True) + _TINY)


def degrade(crops: Tensor, attention: Tensor) -> Tensor:
    """Return crops blurred where one of their attention maps, drawn at random, lies.

    Parameters
    ----------
    crops
        Shape (N, 3, S, S).
    attention
        Shape (N, M, h, w), 0 or more; no gradient comes through it.
    """
    rows = torch.arange(len(crops), device=crops.device)
    drawn = torch.randint(attention.shape[1], (len(crops),), device=crops.device)
    chosen = attention.detach()[rows, drawn][:, None]
    chosen = chosen / (chosen.amax(dim=(2, 3), keepdim=True) + _TINY)
    share = nn.functional.interpolate(
        chosen, crops.shape[2:], mode="bilinear", align_corners=False
    ).to(crops)
    return crops + share * (blur(crops, _BLUR * crops.shape[3] / 224) - crops)


def blur(crops: Tensor, deviation: float) -> Tensor:
    """Return crops (N, 3, S, S) behind a Gaussian of a standard deviation in pixels."""
    reach = max(1, round(2 * deviation))
    places = torch.arange(-reach, reach + 1, device=crops.device, dtype=crops.dtype)
    kernel = (-(places**2) / (2 * deviation**2)).exp()
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    flat = nn.functional.pad(crops.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    once = nn.functional.conv2d(flat, kernel)
    return nn.functional.conv2d(once, kernel.transpose(2, 3)).view_as(crops)

"""A vision transformer for each picture and a transformer over time."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from gaitproof.train.face.networks.backbones import FRESH, load_backbone
from gaitproof.train.face.networks.base import ClipNetwork
from gaitproof.train.face.networks.pooling import AttentionPooling, each_picture

MOST_PICTURES: Final = 64
"""Of a clip, as `gaitproof.train.face.config.FaceTrainSettings.frames` allows."""


class VitTemporal(ClipNetwork):
    """DINOv2 (Oquab et al., TMLR 2024), its normalisations tuned, and a transformer over time.

    Of a published backbone only the layer normalisations learn, which keeps what it knows; one of
    random weights (``none``: four small layers, for tests and for training from nothing) learns
    altogether.

    Parameters
    ----------
    pretrained
        Of the backbone, for example ``facebook/dinov2-small``.
    width
        Of the transformer over time.
    dropout
        In it.
    """

    def __init__(self, pretrained: str = FRESH, width: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        from transformers import Dinov2Config, Dinov2Model

        own = Dinov2Config(
            hidden_size=96, num_hidden_layers=4, num_attention_heads=4, image_size=56, patch_size=14
        )
        self.backbone: Any = load_backbone(Dinov2Model, own, pretrained)
        # only needed where patches are left out while the backbone itself is trained
        self.backbone.embeddings.mask_token.requires_grad_(False)
        if pretrained != FRESH:
            self.backbone.requires_grad_(False)
            for module in self.backbone.modules():
                if isinstance(module, nn.LayerNorm):
                    module.requires_grad_(True)
        self.lift = nn.Linear(self.backbone.config.hidden_size, width)
        self.time = nn.Parameter(torch.randn(MOST_PICTURES, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pooling = AttentionPooling(width)
        self.head = nn.Linear(width, 2)

    def attend(self, crops: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T); see `ClipNetwork.attend`."""
        features = self.lift(each_picture(self._look, crops, present))
        placed = features + self.time[: features.shape[1]]
        read = self.layers(placed, src_key_padding_mask=~present)
        pooled, weights = self.pooling(read.masked_fill(~present[..., None], 0.0), present)
        return self.head(pooled), weights

    def _look(self, crops: Tensor) -> Tensor:
        features: Tensor = self.backbone(crops).pooler_output
        return features

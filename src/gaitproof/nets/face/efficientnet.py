"""EfficientNet-B1 with the head of face seed 1."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from gaitproof.nets.face.backbones import load_backbone
from gaitproof.nets.face.base import ImageNetwork

WIDTH: Final = 1280
"""Channels of EfficientNet-B1's last maps (Tan & Le, ICML 2019)."""


class EffNetB1(ImageNetwork):
    """EfficientNet-B1, 1280 to 512, ReLU, dropout, 2 classes.

    Parameters
    ----------
    pretrained
        See `gaitproof.nets.face.backbones.load_backbone`.
    hidden
        Width of the head.
    dropout
        Before the last layer.
    """

    def __init__(self, pretrained: str = "none", hidden: int = 512, dropout: float = 0.3) -> None:
        super().__init__()
        from transformers import EfficientNetConfig, EfficientNetModel

        # the numbers of B1: width 1.0, depth 1.1, 240 pixels
        own = EfficientNetConfig(
            image_size=240,
            width_coefficient=1.0,
            depth_coefficient=1.1,
            hidden_dim=WIDTH,
            dropout_rate=0.2,
        )
        self.backbone = load_backbone(EfficientNetModel, own, pretrained)
        self.head = nn.Sequential(
            nn.Linear(WIDTH, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 2)
        )

    def features(self, crops: Tensor) -> Tensor:
        """Return maps (N, 1280, S / 32, S / 32)."""
        return self.backbone(crops).last_hidden_state

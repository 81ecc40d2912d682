"""Grad-CAM without gradients: in closed form, so that it can be part of an exported network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.face.base import FORGED, GENUINE, ImageNetwork


class WithMap(nn.Module):
    """A network whose second output is the Grad-CAM of "forged".

    The head works on the mean of the feature maps and is made of linear layers, ReLU and dropout,
    so that its gradient is a product of matrices and the same at every place. Grad-CAM (Selvaraju
    et al., ICCV 2017) is the positive part of the sum of the maps, weighted by that gradient.

    Parameters
    ----------
    network
        In evaluation mode; its head is ``nn.Linear``, or ``nn.Sequential`` of ``nn.Linear``,
        ``nn.ReLU`` and ``nn.Dropout``.

    Raises
    ------
    TypeError
        If the head has another layer.
    """

    def __init__(self, network: ImageNetwork) -> None:
        super().__init__()
        self.network = network
        head = network.head
        layers = list(head) if isinstance(head, nn.Sequential) else [head]
        for layer in layers:
            if not isinstance(layer, nn.Linear | nn.ReLU | nn.Dropout):
                raise TypeError(f"no closed form for a head with {type(layer).__name__}")
        self.layers = nn.ModuleList(layers)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and maps (N, h, w), at least 0, of crops (N, 3, S, S)."""
        features = self.network.features(crops)
        hidden = features.mean(dim=(2, 3))
        switches: list[Tensor | None] = []
        for layer in self.layers:
            switches.append((hidden > 0).to(hidden.dtype) if isinstance(layer, nn.ReLU) else None)
            hidden = layer(hidden)
        slope = torch.zeros_like(hidden)
        slope[:, FORGED], slope[:, GENUINE] = 1, -1
        for layer, open_ in zip(reversed(list(self.layers)), reversed(switches), strict=True):
            if isinstance(layer, nn.Linear):
                slope = slope @ layer.weight
            elif open_ is not None:
                slope = slope * open_
        height, width = features.shape[2:]
        weighted = torch.einsum("nchw,nc->nhw", features, slope) / (height * width)
        return hidden, weighted.relu()

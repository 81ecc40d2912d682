"""Networks that judge two windows together, without embeddings (torch; training only)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.layers import ResidualBlock, initialise, mean_and_peak
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES


class PairNetwork(nn.Module):
    """Base of networks whose `forward` takes two batches of windows.

    Parameters
    ----------
    frames
        Frames per window. A window stands for itself in a gallery, so `embedding_size` is the
        length of the flattened window.
    """

    def __init__(self, frames: int = WINDOW_FRAMES) -> None:
        super().__init__()
        self.embedding_size = frames * N_FEATURES

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two batches of z-scored features (B, frames, 78) to logits (B, 2).

        The columns are [different, same].
        """
        raise NotImplementedError

    def same_minus_different(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the logit difference (B,): higher = more genuine."""
        logits: Tensor = self(a, b)
        return logits[:, 1] - logits[:, 0]


class DiffCNN(PairNetwork):
    """1-D CNN on the frame-by-frame difference of two windows.

    What the gait seed's code decided with, beside the hybrid that its paper describes: difference,
    absolute difference and product of the two windows, frame by frame, then convolutions and two
    logits. It compares frame t with frame t, so two windows of one walk at different phases of the
    stride look different to it: a baseline.

    Parameters
    ----------
    dropout
        Dropout rate.
    layers
        Residual blocks; the first halves the frame rate.
    width
        Channels.
    frames
        Frames per window.
    """

    def __init__(
        self, *, dropout: float, layers: int, width: int, frames: int = WINDOW_FRAMES
    ) -> None:
        super().__init__(frames)
        inputs = (3 * N_FEATURES, *([width] * (layers - 1)))
        self.cnn = nn.Sequential(
            *(ResidualBlock(n, width, 2 if i == 0 else 1, dropout) for i, n in enumerate(inputs))
        )
        self.decide = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2)
        )
        self.apply(initialise)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two batches of z-scored features (B, frames, 78) to logits (B, 2)."""
        difference = a - b
        compared = torch.cat([difference, difference.abs(), a * b], dim=2)
        frames = self.cnn(compared.transpose(1, 2)).transpose(1, 2)
        return self.decide(mean_and_peak(frames))

"""The plain pose LSTM of the literature (torch; training only)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gaitproof.nets.layers import FeatureEncoder, initialise


class PoseLSTM(FeatureEncoder):
    """Landmarks, velocities and accelerations through a stacked LSTM; its last state embeds.

    The gait seed's literature reference [17] for motion-based detection of generated video, as far
    as it is described there. Accelerations are differences of the velocities from frame to frame.
    Every two frames are projected to one step, which halves the cost of the recurrence.

    Parameters
    ----------
    dropout
        Dropout rate between LSTM layers and before the embedding.
    layers
        LSTM layers.
    width
        Hidden state of each.
    """

    def _build(self, embedding: int, dropout: float, layers: int, width: int, frames: int) -> None:
        self.enter = nn.Conv1d(3 * 36, width, 3, stride=2, padding=1)
        self.lstm = nn.LSTM(
            width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding))
        self.apply(initialise)

    def _describe(self, x: Tensor) -> Tensor:
        velocity = x[..., 42:]
        steps = velocity[:, 1:] - velocity[:, :-1]
        acceleration = torch.cat([steps[:, :1], steps], dim=1)
        motion = torch.cat([x[..., :36], velocity, acceleration], dim=2)
        states, _ = self.lstm(self.enter(motion.transpose(1, 2)).transpose(1, 2))
        out: Tensor = self.head(states[:, -1])
        return out

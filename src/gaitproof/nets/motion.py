"""LSTMs: of gait, and the judge of motion, generated or captured (torch; training only)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from gaitproof.gait.plausibility import BODY, MEASURES
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

    def _describe(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        velocity = x[..., 42:]
        steps = velocity[:, 1:] - velocity[:, :-1]
        acceleration = torch.cat([steps[:, :1], steps], dim=1)
        motion = torch.cat([x[..., :36], velocity, acceleration], dim=2)
        states, _ = self.lstm(self.enter(motion.transpose(1, 2)).transpose(1, 2))
        return self.head(states[:, -1])


_LARGEST: Final = 6.0
"""Spreads of captured motion beyond which a measure says no more."""


class MotionLSTM(nn.Module):
    """Velocities and accelerations through an LSTM, beside measures of the body, to one logit.

    After the gait seed's literature reference [17], an LSTM on poses that tells generated video by
    its motion. Velocities are divided by their own size over the window, since sensors differ in
    it. Measures (`gaitproof.gait.plausibility`) come relative to those of captured motion of
    other people filmed in the same way, and are divided by `spread`.

    Parameters
    ----------
    dropout
        Dropout rate before every linear layer but the first.
    layers
        LSTM layers.
    width
        Hidden state of each; the measures get as many channels twice.
    """

    embedding_size = 1
    spread: Tensor

    def __init__(self, *, dropout: float, layers: int, width: int) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(len(MEASURES)))
        self.enter = nn.Conv1d(6 * BODY, width, 3, stride=2, padding=1)
        self.lstm = nn.LSTM(
            width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )
        self.measured = nn.Sequential(nn.Linear(len(MEASURES), 2 * width), nn.GELU())
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(3 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, 1),
        )
        self.apply(initialise)

    def forward(self, body: Tensor, measures: Tensor) -> Tensor:
        """Judge windows.

        Parameters
        ----------
        body
            Shape (B, 60, 8, 3), see `gaitproof.gait.plausibility.body_coordinates`.
        measures
            Shape (B, K), relative to captured motion.

        Returns
        -------
        Tensor
            Shape (B,), logits; positive speaks for generated motion.
        """
        velocity = (body[:, 1:] - body[:, :-1]).flatten(2)
        size = velocity.pow(2).mean(dim=(1, 2), keepdim=True).sqrt() + 1e-6
        velocity = velocity / size
        steps = velocity[:, 1:] - velocity[:, :-1]
        motion = torch.cat([velocity[:, 1:], steps], dim=2)
        states, _ = self.lstm(self.enter(motion.transpose(1, 2)).transpose(1, 2))
        seen = self.measured((measures / self.spread).clamp(-_LARGEST, _LARGEST))
        return self.head(torch.cat([states[:, -1], seen], dim=1))[:, 0]

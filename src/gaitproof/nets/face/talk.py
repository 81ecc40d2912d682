"""Networks of talking faces: lips, face and sound over time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from gaitproof.face.speech.sequences import FACE_SIDE, HEARD, LIPS_SIDE, SHAPES


class TalkNetwork(nn.Module, ABC):
    """Sequences of one length in, logits [forged, genuine] out, of the whole and of every moment.

    Attributes
    ----------
    modalities
        Names of what it takes.
    """

    modalities: ClassVar[tuple[str, ...]] = ("faces", "lips", "shapes", "sound")

    @abstractmethod
    def forward(
        self, faces: Tensor, lips: Tensor, shapes: Tensor, sound: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits of clips and of their moments.

        Parameters
        ----------
        faces, lips, shapes, sound
            Shape (N, T, 32, 32), (N, T, 24, 24), (N, T, 3), (N, T, 200), as
            `gaitproof.face.speech.sequences.Talk.inputs` returns them.

        Returns
        -------
        tuple of Tensor
            Shape (N, 2) and (N, T, 2).
        """


class AvAttention(TalkNetwork):
    """Recurrent layers for face, lips and sound, each pair of which attends to the other.

    MMMS-BA (multi-modal multi-sequence bi-modal attention; "Contextual Cross-Modal Attention for
    Audio-Visual Deepfake Detection and Localization", IJCB 2024): of two sequences V and A,
    softmax(V Aᵀ) A ⊙ V and softmax(A Vᵀ) V ⊙ A, beside the sequences themselves. Its features of
    published encoders are here learnt by small convolutions. Beside both stands V ⊙ A of the same
    moment, which is not in the publication: attention alone hardly sees whether the two are in
    step, and had learnt nothing after 120 steps on a small task.

    Parameters
    ----------
    width
        Of the recurrent layers, in each direction, and of the dense ones after them. The published
        size is 300 and 100.
    hidden
        Width of the heads.
    dropout
        Share of inputs of the heads that are dropped in training.
    """

    PAIRS: ClassVar[tuple[tuple[int, int], ...]] = ((0, 1), (0, 2), (1, 2))

    def __init__(self, width: int = 32, hidden: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.see_face = _images(width, FACE_SIDE)
        self.see_lips = _images(width, LIPS_SIDE)
        self.see_shape = nn.Linear(SHAPES, width)
        self.hear = nn.Sequential(nn.Linear(HEARD, 2 * width), nn.ReLU(), nn.Dropout(dropout))
        self.recurrent = nn.ModuleList(
            nn.GRU(size, width, batch_first=True, bidirectional=True)
            for size in (width, 2 * width, 2 * width)
        )
        self.dense = nn.ModuleList(nn.Linear(2 * width, 2 * width) for _ in range(3))
        joined = 2 * width * (3 + 3 * len(self.PAIRS))
        self.moments = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(joined, hidden), nn.ReLU(), nn.Linear(hidden, 2)
        )
        self.whole = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(2 * joined, hidden), nn.ReLU(), nn.Linear(hidden, 2)
        )

    def forward(
        self, faces: Tensor, lips: Tensor, shapes: Tensor, sound: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits; see `TalkNetwork`."""
        seen = (
            _each(self.see_face, faces),
            torch.cat((_each(self.see_lips, lips), self.see_shape(shapes)), dim=2),
            self.hear(sound),
        )
        sequences = [
            torch.tanh(dense(recurrent(sequence)[0]))
            for recurrent, dense, sequence in zip(self.recurrent, self.dense, seen, strict=True)
        ]
        parts = list(sequences)
        for one, other in self.PAIRS:
            first, second = sequences[one], sequences[other]
            parts += [*attend_each_other(first, second), first * second]
        joined = torch.cat(parts, dim=2)
        pooled = torch.cat((joined.mean(dim=1), joined.amax(dim=1)), dim=1)
        return self.whole(pooled), self.moments(joined)


def attend_each_other(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return each of two sequences (N, T, D) times what it attends to in the other."""
    match = one @ other.transpose(1, 2) / one.shape[2] ** 0.5
    first = match.softmax(dim=2) @ other
    second = match.transpose(1, 2).softmax(dim=2) @ one
    return first * one, second * other


def _images(width: int, side: int) -> nn.Sequential:
    """Return small convolutions with a vector (N, `width`) of grey images (N, 1, S, S)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * (side // 8) ** 2, width),
    )


def _each(images: nn.Module, sequence: Tensor) -> Tensor:
    """Return vectors (N, T, D) of images (N, T, S, S)."""
    count, length = sequence.shape[:2]
    vectors: Tensor = images(sequence.flatten(0, 1)[:, None])
    return vectors.reshape(count, length, -1)

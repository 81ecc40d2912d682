"""A small network that finds what covers an aligned face, learnt from portraits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from experiments.face_occlusion.occluders import cover
from experiments.shared import Progress, no_progress
from gaitproof.data.face.store import FaceStore
from gaitproof.face.align import align
from gaitproof.face.occlusion import ALIGNMENT, CELLS
from gaitproof.modelling.compression import store_constants
from gaitproof.modelling.export import export_onnx
from gaitproof.train.stream import torch_seed

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_DRAWN: Final = 96
"""Pixels at which faces are covered, before they are made as small as the network sees them."""

BATCH: Final = 48
RATE: Final = 4e-3
COVERED: Final = 0.6
"""Share of the faces that something is put before."""


class OcclusionNetwork(nn.Module):
    """Six convolutions, what they see in the whole face beside it, and one answer per cell.

    Parameters
    ----------
    width
        Channels of the first.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        channels = (3, width, width, 2 * width, 2 * width, 3 * width, 3 * width)
        layers: list[nn.Module] = []
        for place in range(6):
            stride = 2 - place % 2
            layers += [
                nn.Conv2d(channels[place], channels[place + 1], 3, stride, 1, bias=False),
                nn.BatchNorm2d(channels[place + 1]),
                nn.ReLU(),
            ]
        last = channels[-1]
        self.body = nn.Sequential(*layers)
        self.whole = nn.Sequential(nn.Conv2d(last, last, 1), nn.ReLU())
        self.place = nn.Parameter(torch.zeros(1, last, CELLS, CELLS))
        self.head = nn.Sequential(
            nn.Conv2d(2 * last, last, 3, 1, 1), nn.ReLU(), nn.Conv2d(last, 1, 1)
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Return logits (N, 8, 8) of faces (N, 3, 64, 64), 0 to 1."""
        mean = faces.mean(dim=(2, 3), keepdim=True)
        spread = (faces - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 0.05
        maps = self.body((faces - mean) / spread) + self.place
        whole = self.whole(maps.mean(dim=(2, 3), keepdim=True)).expand_as(maps)
        cells: Tensor = self.head(torch.cat((maps, whole), dim=1))[:, 0]
        return cells


def read_faces(stores: Sequence[FaceStore], split: str) -> list[Image]:
    """Return the faces of a split's clips, each somewhat larger than the network's."""
    wide = ALIGNMENT.model_copy(update={"size": 2 * _DRAWN})
    crops = []
    for store in stores:
        for stored in store.of_split(split):
            faces = store.read(stored)
            for image, points in zip(faces.images, faces.points, strict=True):
                crops.append(align(image, points.astype(np.float64), wide))
    return crops


def train(
    faces: Sequence[Image], *, steps: int, seed: int = 0, progress: Progress = no_progress
) -> OcclusionNetwork:
    """Learn from faces, each covered anew every time it is seen.

    Parameters
    ----------
    faces
        See `read_faces`.
    steps
        Of `BATCH` faces.
    seed
        Of everything.
    progress
        Told the share done.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(torch_seed(seed))
    network = OcclusionNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(steps):
        seen, covered = zip(*(draw(faces, rng) for _ in range(BATCH)), strict=True)
        inputs = torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2)
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(inputs), torch.from_numpy(np.stack(covered))
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress((step + 1) / steps)
    return network.eval()


def draw(faces: Sequence[Image], rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Draw a face, covered or not, as a camera might show it.

    Returns
    -------
    tuple
        The face (64, 64, 3), 0 to 1, and how much of each cell is covered, (8, 8).
    """
    face = faces[rng.integers(len(faces))]
    scale = _DRAWN / len(face) * rng.uniform(0.88, 1.14)
    turned = cv2.getRotationMatrix2D((len(face) / 2,) * 2, rng.normal(0, 6), scale)
    matrix = np.asarray(turned, np.float64)
    matrix[:, 2] += (_DRAWN - len(face)) / 2 + rng.normal(0, 0.03 * _DRAWN, 2)
    moved = cv2.warpAffine(
        face, matrix, (_DRAWN, _DRAWN), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )
    shown = np.asarray(moved[:, :: rng.choice([1, -1])], np.float32)
    mask = np.zeros((_DRAWN, _DRAWN), np.float32)
    if rng.random() < COVERED:
        shown, mask = cover(shown, faces, rng)
    small = cv2.resize(_filmed(shown, rng), (ALIGNMENT.size,) * 2, interpolation=cv2.INTER_AREA)
    cells = cv2.resize(mask, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(small.clip(0, 1), np.float32), np.asarray(cells, np.float32)


def _filmed(shown: Float32, rng: np.random.Generator) -> Float32:
    """Change light, colour, focus and noise; returns values of about 0 to 1."""
    values = (shown.clip(0, 255) / 255) ** np.exp(rng.normal(0, 0.35))
    values = (values - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.06)
    values = values * np.exp(rng.normal(0, 0.08, 3))
    if rng.random() < 0.5:
        across = np.linspace(-0.5, 0.5, len(values))[None, :, None]
        values = values * (1 + rng.normal(0, 0.5) * across)
    if rng.random() < 0.5:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 1.6))
    return np.asarray(values + rng.normal(0, rng.uniform(0, 0.03), values.shape), np.float32)


def export(network: OcclusionNetwork) -> bytes:
    """Return an ONNX file of the network, its larger constants in 16 bits."""
    example = torch.rand(2, 3, ALIGNMENT.size, ALIGNMENT.size)
    return store_constants(export_onnx(network, (example,), ("faces",), ("cells",)), "fp16")

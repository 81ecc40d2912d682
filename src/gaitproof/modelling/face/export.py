"""From a trained face network to a model folder: ONNX weights that explain themselves, and card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gaitproof.face.model import (
    ATTENTION,
    MAPS,
    FaceClipSettings,
    FaceDetectorCard,
    FaceForgeryModel,
)
from gaitproof.face.segments import MIN_FRAMES
from gaitproof.modelling.export import check_scores, export_onnx, write_model
from gaitproof.nets.face.base import FORGED, GENUINE, ClipNetwork, ImageNetwork
from gaitproof.train.face.loop import TrainedFaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gaitproof.data.face.store import FaceStore
    from gaitproof.train.face.config import FaceTrainSettings


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


class WithAttention(nn.Module):
    """A network of clips that also says what each image of a segment counted.

    Parameters
    ----------
    network
        In evaluation mode.
    """

    def __init__(self, network: ClipNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (1, 2) and weights (1, T) of crops (1, T, 3, S, S)."""
        return self.network.attend(crops)


def to_onnx(trained: TrainedFaces) -> bytes:
    """Export a network of single images with its Grad-CAM, or one of clips with its attention."""
    side = trained.settings.alignment.size
    network = trained.network.eval()
    if isinstance(network, ImageNetwork):
        example = torch.zeros(2, 3, side, side)
        return export_onnx(WithMap(network), (example,), ("crops",), ("logits", MAPS))
    assert isinstance(network, ClipNetwork)
    example = torch.zeros(1, trained.settings.frames + MIN_FRAMES, 3, side, side)
    gives = ("logits", ATTENTION)
    return export_onnx(
        WithAttention(network), (example,), ("crops",), gives, axis=1, least=MIN_FRAMES
    )


def describe_clips(
    settings: FaceTrainSettings, stores: Sequence[FaceStore]
) -> FaceClipSettings | None:
    """Return what the card says of the segments; None for a network of single images."""
    if settings.frames == 1:
        return None
    images = max(store.settings.frames for store in stores)
    frames = min(settings.frames, images)
    return FaceClipSettings(frames=frames, rate=stores[0].settings.rate, pictures=images)


def save_face_model(trained: TrainedFaces, folder: Path, **card: Any) -> FaceDetectorCard:
    """Write ``model.onnx`` and ``card.json``; the first is checked against the torch network.

    Parameters
    ----------
    trained
        What to export.
    folder
        Made if missing.
    **card
        The card's fields but for identifiers, architecture, alignment, normalisation, limits,
        licence and SHA-256, which the recipe and the weights know.

    Raises
    ------
    ModelError
        If the exported network does not compute what the trained one does.
    """
    weights = to_onnx(trained)
    digest = hashlib.sha256(weights).hexdigest()
    settings = trained.settings
    complete = FaceDetectorCard(
        limits=settings.limits,
        model_id=f"{settings.name}-{settings.version}-{digest[:12]}",
        architecture=settings.architecture,
        weights_sha256=digest,
        alignment=settings.alignment,
        mean=trained.network.mean,
        std=trained.network.std,
        licence=settings.licence,
        **card,
    )
    check_parity(trained, FaceForgeryModel(weights, complete))
    write_model(folder, weights, complete)
    return complete


def check_parity(trained: TrainedFaces, exported: FaceForgeryModel) -> None:
    """Raise a `ModelError` unless both say the same of random images, or segments of them."""
    side = trained.settings.alignment.size
    crops = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), np.uint8)
    if exported.card.clip is None:
        apart = float(np.abs(trained.score(crops) - exported.score(crops)).max())
    else:
        lengths = sorted({MIN_FRAMES, exported.card.clip.frames})
        apart = max(_apart(trained, exported, crops[np.arange(n) % len(crops)]) for n in lengths)
    check_scores(apart)


def _apart(trained: TrainedFaces, exported: FaceForgeryModel, crops: NDArray[np.uint8]) -> float:
    ours, theirs = (model.score_segment(crops) for model in (trained, exported))
    attention = float(np.abs(ours.attention - theirs.attention).max())
    return max(abs(ours.score - theirs.score), attention)

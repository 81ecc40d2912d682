"""From a trained face network to a model folder: ONNX weights with maps, and card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from gaitproof.errors import ModelError
from gaitproof.face.model import MAPS, FaceDetectorCard, FaceForgeryModel
from gaitproof.media.files import write_atomically
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.train.export import export_onnx
from gaitproof.train.face.learner import MEAN, STD
from gaitproof.train.face.loop import TrainedFaces
from gaitproof.train.face.networks.base import PictureNetwork
from gaitproof.train.face.networks.cam import WithMap

PARITY: Final = 1e-3
"""Largest difference of a score between torch and ONNX Runtime: other kernels round otherwise."""


def to_onnx(trained: TrainedFaces) -> bytes:
    """Export a network of single pictures together with its Grad-CAM.

    Raises
    ------
    ModelError
        If the network looks at several pictures together.
    """
    if not isinstance(trained.network, PictureNetwork):
        raise ModelError(
            f"The network {trained.settings.architecture!r} looks at several pictures together and "
            "is not exported.",
            expected="a network of single pictures",
        )
    side = trained.settings.alignment.size
    example = torch.zeros(2, 3, side, side)
    return export_onnx(WithMap(trained.network.eval()), example, "crops", ("logits", MAPS))


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
        If the exported network does not compute what the trained one does, or it is not exported.
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
        mean=MEAN,
        std=STD,
        licence=settings.licence,
        **card,
    )
    check_parity(trained, FaceForgeryModel(weights, complete))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / MODEL_FILE, weights)
    write_atomically(folder / CARD_FILE, complete.model_dump_json(indent=1).encode())
    return complete


def check_parity(trained: TrainedFaces, exported: FaceForgeryModel) -> None:
    """Raise a `ModelError` unless both give the same scores for random pictures."""
    side = trained.settings.alignment.size
    crops = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), np.uint8)
    apart = float(np.abs(trained.score(crops) - exported.score(crops)).max())
    if not apart <= PARITY:
        raise ModelError(
            "The exported network differs from the trained one.",
            expected=f"scores within {PARITY}",
            actual=f"{apart:.5f} apart",
        )

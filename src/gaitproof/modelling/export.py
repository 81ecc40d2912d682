"""From a trained network to a model folder: ONNX weights and card."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.media.files import make_folder, write_files
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.nets.card import CohortCard, ModelCard
from gaitproof.nets.cohort import COHORT_FILE
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.trainable import NETWORK_FILE, PARITY, pack_network
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.types import GaitWindows
from gaitproof.types.layouts import layout_of
from gaitproof.types.windows import WINDOW_FRAMES

SCORE_PARITY: Final = 1e-3
"""Largest difference of a score between torch and ONNX Runtime: other kernels round otherwise."""


def to_onnx(trained: TrainedEncoder) -> bytes:
    """Export the network of an encoder."""
    example = torch.zeros(2, trained.normaliser.frames, trained.normaliser.width)
    return export_onnx(trained.network, (example,), ("windows",), ("embeddings",))


def export_onnx(
    network: nn.Module,
    examples: Sequence[Tensor],
    takes: Sequence[str],
    gives: Sequence[str],
    *,
    axis: int = 0,
    least: int = 1,
) -> bytes:
    """Export a network whose inputs have one axis of free length by the dynamo exporter.

    The legacy exporter's graphs break under dynamic quantisation.

    Parameters
    ----------
    network
        Is left in evaluation mode.
    examples
        Its inputs, two or more rows of each.
    takes, gives
        Names of the inputs and of the outputs.
    axis, least
        Which axis of all inputs is free, by default the batch, and its least length.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    # while it exports, torch puts loops of free length in place of recurrent layers; but a layer
    # that was exported before keeps to the kernel it found afterwards, and fixes the length
    for layer in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        getattr(layer, "_dispatch_cache", {}).clear()
    count = torch.export.Dim("count", min=least, max=65536)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(),
            tuple(examples),
            input_names=list(takes),
            output_names=list(gives),
            dynamic_shapes=({axis: count},) * len(examples),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    # recurrent layers leave shapes of the example behind, and ONNX Runtime believes them
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


def save_model(
    trained: TrainedEncoder,
    folder: Path,
    *,
    cohort: tuple[bytes, CohortCard] | None = None,
    options: NetworkSettings | None = None,
    **card: Any,
) -> ModelCard:
    """Write ``model.onnx``, ``network.safetensors`` and ``card.json``.

    The first is checked against the torch network; the second is for explanations by gradients.

    Parameters
    ----------
    trained
        What to export.
    folder
        Made if missing.
    cohort
        What `gaitproof.nets.cohort.pack_cohort` returns, if the scores are normalised.
    options
        Sizes that the network was built with, where they are not its own.
    **card
        The card's fields but for identifiers, normaliser and SHA-256; `name` and `version` make
        the model identifier.

    Raises
    ------
    ModelError
        If the exported network does not compute what the trained one does.
    """
    weights = to_onnx(trained)
    digest = hashlib.sha256(weights).hexdigest()
    name, version = card.pop("name"), card.pop("version")
    normaliser = trained.normaliser
    complete = ModelCard(
        model_id=f"{name}-{version}-{digest[:12]}",
        weights_sha256=digest,
        alignment=normaliser.alignment,
        feature_groups=normaliser.features,
        frames=normaliser.frames,
        features=layout_of(len(normaliser.mean)).features,
        bones=normaliser.bones,
        mean=tuple(float(value) for value in normaliser.mean),
        std=tuple(float(value) for value in normaliser.std),
        cohort=None if cohort is None else cohort[1],
        **card,
    )
    _check_parity(trained, OnnxEncoder(weights, complete))
    files = {
        MODEL_FILE: weights,
        NETWORK_FILE: pack_network(trained.network, options),
        CARD_FILE: complete.model_dump_json(indent=1).encode(),
    }
    if cohort is not None:
        files[COHORT_FILE] = cohort[0]
    make_folder(folder)
    write_files({folder / name: data for name, data in files.items()})
    return complete


def _check_parity(trained: TrainedEncoder, exported: OnnxEncoder) -> None:
    rng = np.random.default_rng(0)
    normaliser = trained.normaliser
    count = len(normaliser.mean)
    features = rng.normal(normaliser.mean, normaliser.std, (16, WINDOW_FRAMES, count))
    lengths = rng.integers(10 if normaliser.padded else WINDOW_FRAMES, WINDOW_FRAMES + 1, 16)
    windows = GaitWindows(
        features.astype(np.float32), np.ones((16, count), bool), np.zeros(16), lengths
    )
    cosine = float((trained.embed(windows) * exported.embed(windows)).sum(axis=1).min())
    check_embeddings(cosine)


def check_embeddings(cosine: float) -> None:
    """Raise a `ModelError` unless the least cosine of exported and trained is nearly 1."""
    if not cosine >= PARITY:
        raise _differs(f"cosine of at least {PARITY}", f"{cosine:.5f}")


def check_scores(apart: float) -> None:
    """Raise a `ModelError` unless no score of exported and trained is further apart."""
    if not apart <= SCORE_PARITY:
        raise _differs(f"scores within {SCORE_PARITY}", f"{apart:.5f} apart")


def _differs(expected: str, actual: str) -> ModelError:
    return ModelError(
        "The exported network differs from the trained one.", expected=expected, actual=actual
    )


def write_model(folder: Path, weights: bytes, card: Settings) -> None:
    """Write ``model.onnx`` and ``card.json`` into a folder, which is made if missing."""
    make_folder(folder)
    text = card.model_dump_json(indent=1)
    write_files({folder / MODEL_FILE: weights, folder / CARD_FILE: text.encode()})

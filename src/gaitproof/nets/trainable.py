"""The torch network behind an exported model, for those who need its gradients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save

from gaitproof.errors import ModelError
from gaitproof.models import WEIGHTS
from gaitproof.nets.card import ModelCard
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network
from gaitproof.reading import FileKind, guarded, parse_json, read_tensors
from gaitproof.types import GaitWindows

if TYPE_CHECKING:
    from torch import nn

Float32 = NDArray[np.float32]

NETWORK_FILE: Final = "network.safetensors"
"""Beside ``model.onnx``: the same weights by their names in the torch network."""

PARITY: Final = 0.9999
"""Least cosine between torch and ONNX Runtime embeddings of the same windows."""

_OPTIONS: Final = "options"
_WINDOWS: Final = 8


class TorchEncoder:
    """An encoder whose network runs in torch, with gradients.

    Parameters
    ----------
    network
        Maps normalised windows to unit embeddings.
    model
        Its card, cohort and normaliser are used.
    """

    def __init__(self, network: nn.Module, model: OnnxEncoder) -> None:
        self.network = network.eval()
        self._model = model

    @property
    def card(self) -> ModelCard:
        """The card of the model."""
        return self._model.card

    @property
    def cohort(self) -> Float32 | None:
        """Directions of strangers, if the card names a cohort."""
        return self._model.cohort

    def normalise(self, windows: GaitWindows) -> Float32:
        """Return what the network sees of windows."""
        return self._model.normalise(windows)

    def embed_inputs(self, inputs: Float32) -> Float32:
        """Return the unit embeddings of what `normalise` returned."""
        import torch

        with torch.inference_mode():
            embeddings: Float32 = self.network(torch.from_numpy(inputs)).numpy()
        return embeddings

    def embed(self, windows: GaitWindows) -> Float32:
        """Return one unit embedding per window, shape (N, D), N >= 1."""
        return self.embed_inputs(self.normalise(windows))


def pack_network(network: nn.Module, options: NetworkSettings | None = None) -> bytes:
    """Return the weights of a network as a safetensors file.

    Parameters
    ----------
    network
        Built by `create_network`.
    options
        With which it was built.
    """
    state = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    return save(state, {_OPTIONS: json.dumps((options or NetworkSettings()).model_dump())})


def read_network(encoder: OnnxEncoder) -> nn.Module:
    """Rebuild the torch network of a loaded model, and check that it computes the same.

    Parameters
    ----------
    encoder
        Loaded from a folder that holds `NETWORK_FILE`.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Raises
    ------
    ModelError
        If the model has no such file, or it is malformed or of other weights.
    """
    import torch

    path = None if encoder.folder is None else encoder.folder / NETWORK_FILE
    if path is None or not path.is_file():
        raise ModelError(
            f"The model {encoder.card.model_id} has no {NETWORK_FILE}, so there are no gradients.",
            hint="choose a method without gradients, or train the model again",
        )
    card = encoder.card
    kind = FileKind(f"network of {card.architecture!r}", ModelError, WEIGHTS.max_bytes)
    tensors, metadata = read_tensors(path, kind, "torch")
    with guarded(path, kind):
        options = NetworkSettings(**parse_json(metadata[_OPTIONS], path, kind))
        network = create_network(
            card.architecture, options, card.frames, layout=card.layout, padded=card.padded
        )
        network.load_state_dict(tensors)
    network.eval()
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((_WINDOWS, card.frames, len(card.mean) + card.padded))
    if card.padded:
        inputs[..., -1] = 1
    inputs = inputs.astype(np.float32)
    with torch.inference_mode():
        embeddings = network(torch.from_numpy(inputs)).numpy()
    cosine = float((embeddings * encoder.embed_inputs(inputs)).sum(axis=1).min())
    if cosine < PARITY:
        raise ModelError(
            f"{str(path)!r} does not compute what the model beside it does.",
            expected=f"embeddings with a cosine of at least {PARITY}",
            actual=f"{cosine:.4f}",
            hint="the two files are of different trainings: export the model again",
        )
    return network

"""The same network with its weights shuffled: what an explanation is held against."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from gaitproof.errors import DependencyError
from gaitproof.nets.onnx import OnnxEncoder

if TYPE_CHECKING:
    from gaitproof.nets.trainable import TorchEncoder


def shuffle_weights(encoder: OnnxEncoder, seed: int = 0) -> OnnxEncoder:
    """Shuffle every array of weights within itself, and keep the rest of a model.

    Parameters
    ----------
    encoder
        Its card goes with the result, but for the SHA-256, and so does its cohort: scores stay on
        the same scale, though the cohort means nothing any more.
    seed
        Draws another order.

    Raises
    ------
    DependencyError
        If the package ``onnx`` is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise DependencyError(
            "Shuffling the weights of a model needs the package onnx.",
            hint="pip install 'gaitproof[train]'",
        ) from error
    model = onnx.load_from_string(encoder.weights)
    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        # single numbers and integers are constants of the graph, such as shapes
        if values.size > 1 and values.dtype.kind == "f":
            mixed = rng.permuted(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    changed = model.SerializeToString()
    digest = hashlib.sha256(changed).hexdigest()
    card = encoder.card.model_copy(update={"weights_sha256": digest})
    return OnnxEncoder(changed, card, encoder.cohort)


def shuffle_network(encoder: OnnxEncoder, seed: int = 0) -> TorchEncoder:
    """Do the same to the torch network beside a model, for explanations by gradients.

    Parameters
    ----------
    encoder, seed
        As in `shuffle_weights`.

    Raises
    ------
    ModelError
        If the model has no torch network beside it.
    """
    import torch

    from gaitproof.nets.trainable import TorchEncoder, read_network

    network = read_network(encoder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in network.state_dict().values():
            if values.is_floating_point() and values.numel() > 1:
                order = torch.randperm(values.numel(), generator=generator)
                values.copy_(values.flatten()[order].reshape(values.shape))
    return TorchEncoder(network, encoder)

"""The same network with its weights shuffled: what an explanation is held against."""

from __future__ import annotations

import hashlib

import numpy as np

from gaitproof.errors import DependencyError
from gaitproof.nets.onnx import OnnxEncoder


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

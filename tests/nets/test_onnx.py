"""Models whose card fits the digest, but whose weights are no encoder's."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from onnx import TensorProto, helper
from scripted import make_card, walk

from gaitproof.errors import ModelError
from gaitproof.gait.features import compute_windows
from gaitproof.nets.onnx import OnnxEncoder


def encoder(shape: list[int | str], axes: list[int], size: int = 78) -> OnnxEncoder:
    """Return the mean of the windows over some axes, with a card that belongs to it."""
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    weights = model.SerializeToString()
    digest = hashlib.sha256(weights).hexdigest()
    return OnnxEncoder(weights, make_card(embedding_size=size, weights_sha256=digest))


def test_an_encoder_of_means_answers() -> None:
    windows = compute_windows(walk(1))
    assert encoder(["n", 60, 78], [1]).embed(windows).shape == (len(windows), 78)


@pytest.mark.parametrize(
    ("shape", "axes", "size"),
    [
        (["n", 78], [1], 78),
        (["n", 61, 78], [1], 78),
        (["n", 60, 78], [1], 77),
        (["n", 60, 78], [0], 78),
        (["n", 60, 78], [0, 1], 78),
        (["n", 60, 78], [0, 1, 2], 78),
    ],
)
def test_weights_that_are_no_encoder_are_refused(
    shape: list[int | str], axes: list[int], size: int
) -> None:
    model = encoder(shape, axes, size)
    with pytest.raises(ModelError):
        model.embed_inputs(np.zeros((3, 60, 78), np.float32))

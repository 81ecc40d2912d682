"""An ONNX file done over in torch answers what ONNX Runtime does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from gaitproof.errors import ModelError
from gaitproof.modelling.compression import draw_inputs, load_parts, run_file
from gaitproof.modelling.replay import ReplayedNetwork


def replay(weights, feed):
    with torch.inference_mode():
        made = ReplayedNetwork(weights).eval()(*map(torch.from_numpy, feed.values()))
    return [one.numpy() for one in made]


@pytest.mark.parametrize("model", ["spread-blend", "hybrid-small", "silhouettes", "sbi-lite0"])
def test_shipped_models(model):
    _, weights, _ = load_parts(model)
    feed = {name: rows[:1] for name, rows in draw_inputs(weights).items()}
    for own, theirs in zip(replay(weights, feed), run_file(weights, feed), strict=True):
        np.testing.assert_allclose(own, theirs, atol=1e-4)


def pack(nodes, shape, **constants):
    """Return an ONNX file from x of a shape to y."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, of)
        for name, of in (("x", shape), ("y", None))
    ]
    kept = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    graph = helper.make_graph(nodes, "one", ends[:1], ends[1:], kept)
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


GENTLE = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)
CASES = {
    "padded at one side": ("Conv", {"pads": [0, 0, 1, 1], "strides": [2, 2]}, {"w": GENTLE}),
    "pooled with its padding": (
        "AveragePool",
        {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        {},
    ),
    "enlarged": ("Resize", {"mode": "linear", "axes": [2, 3]}, {"sizes": np.array([9, 4])}),
    "shrunk smoothly": (
        "Resize",
        {"mode": "linear", "axes": [2, 3], "antialias": 1},
        {"sizes": np.array([3, 5])},
    ),
    "split": ("Split", {"num_outputs": 2, "axis": 3}, {}),
    "one chosen": ("Gather", {"axis": 1}, {"place": np.array(2)}),
    "every other": (
        "Slice",
        {},
        {"a": np.array([-5]), "b": np.array([2**40]), "c": np.array([2]), "d": np.array([2])},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_single_nodes(case):
    kind, attributes, constants = CASES[case]
    split = 2 if kind == "Split" else 1
    between = [""] * 2 if kind == "Resize" else []
    node = helper.make_node(kind, ["x", *between, *constants], ["y", "rest"][:split], **attributes)
    weights = pack([node], ("rows", 3, 6, 7), **constants)
    feed = {"x": np.random.default_rng(1).normal(size=(1, 3, 6, 7)).astype(np.float32)}
    (own,), (theirs,) = replay(weights, feed), run_file(weights, feed)
    np.testing.assert_allclose(own, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "shape", "says"),
    [
        ([("NonZero", {})], ("rows", 3), "cannot be converted"),
        ([("Relu", {})], ("rows", "frames", 3), "any length"),
        ([("Cast", {"to": TensorProto.DOUBLE})], ("rows", 3), "numbers that are not converted"),
    ],
)
def test_what_cannot_be_done_is_refused(nodes, shape, says):
    ((kind, attributes),) = nodes
    model = onnx.load_from_string(pack([helper.make_node(kind, ["x"], ["y"], **attributes)], shape))
    if kind != "Relu":
        model.graph.output[0].type.tensor_type.elem_type = (
            TensorProto.INT64 if kind == "NonZero" else TensorProto.DOUBLE
        )
    with pytest.raises(ModelError, match=says):
        replay(model.SerializeToString(), {"x": np.ones((1, 3), np.float32)})

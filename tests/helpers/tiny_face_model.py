"""A face model of one layer: the brighter a crop, the more genuine."""

import hashlib

import numpy as np

from gaitproof.models import CARD_FILE, MODEL_FILE


def make_weights(size=224, gain=20.0, centre=0.5, outputs=2, maps=False, grid=7):
    """Return an ONNX file: logits of the mean of RGB in [0, 1]; `size` None takes any.

    With `maps` it explains itself: dark places speak for a forgery, on a grid of `grid` x `grid`.
    """
    from onnx import TensorProto, helper, numpy_helper

    rows = {2: [[0.0, gain]], 1: [[gain]]}[outputs]
    bias = {2: [0.0, -gain * centre], 1: [-gain * centre]}[outputs]
    constants = [
        numpy_helper.from_array(np.array(rows, np.float32), "w"),
        numpy_helper.from_array(np.array(bias, np.float32), "b"),
        numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.array([-1, 1], np.int64), "flat"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=0),
        helper.make_node("Reshape", ["m", "flat"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["y"]),
    ]
    answers = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", outputs])]
    if maps:
        side = [size // grid] * 2
        constants += [
            numpy_helper.from_array(np.array(centre, np.float32), "c"),
            numpy_helper.from_array(np.array([1], np.int64), "channels"),
        ]
        nodes += [
            helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=side, strides=side),
            helper.make_node("ReduceMean", ["p", "channels"], ["q"], keepdims=0),
            helper.make_node("Sub", ["c", "q"], ["d"]),
            helper.make_node("Relu", ["d"], ["maps"]),
        ]
        answers.append(helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", grid, grid]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, size, size])],
        answers,
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def make_card(weights, **changes):
    """Return the fields of a card for `weights`, JSON-like."""
    rate = {"value": 0.1, "low": 0.05, "high": 0.2}
    fields = {
        "limits": "For tests only.",
        "model_id": "tiny-1",
        "architecture": "tiny",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "detector": "test",
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "operating_point": {
            "threshold": 0.5,
            "low": 0.4,
            "high": 0.6,
            "chosen_by": "hand",
            "false_real": rate,
            "false_fake": rate,
        },
        "frame_calibration": {
            "slope": 0.4,
            "intercept": 0.0,
            "log10_lr_bound": 1.5,
            "people": 20,
        },
        "data": (),
        "protocol": "none",
        "figures": {},
        "licence": "Apache-2.0",
        "trained_on": "2026-11-21",
    }
    return fields | changes


def write_model(folder, weights=None, **changes):
    """Write weights and card to a folder and return it."""
    from gaitproof.face.model import FaceDetectorCard

    weights = make_weights() if weights is None else weights
    folder.mkdir(parents=True, exist_ok=True)
    card = FaceDetectorCard.model_validate(make_card(weights, **changes))
    (folder / MODEL_FILE).write_bytes(weights)
    (folder / CARD_FILE).write_text(card.model_dump_json(), encoding="utf-8")
    return folder

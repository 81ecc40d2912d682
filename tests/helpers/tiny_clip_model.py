"""A face model that judges turns: the brighter they are on the mean, the more genuine."""

import numpy as np
from tiny_face_model import write_model

from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel

SIDE = 32


def make_clip_weights(gain=20.0, centre=0.5, members=()):
    """Return an ONNX file: logits of the mean brightness of a turn, and dark images count most.

    `members` are further centres; then it is an ensemble that reports its first and these.
    """
    from onnx import TensorProto, helper, numpy_helper

    constants, nodes = (
        [],
        [
            helper.make_node("ReduceMean", ["x", "places"], ["bright"], keepdims=0),
            helper.make_node("Mul", ["bright", "dark"], ["rates"]),
            helper.make_node("Softmax", ["rates"], ["attention"], axis=1),
            helper.make_node("ReduceMean", ["bright", "time"], ["mean"], keepdims=1),
            helper.make_node("Gemm", ["mean", "w", "b"], ["logits"]),
        ],
    )
    answers = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2]),
        helper.make_tensor_value_info("attention", TensorProto.FLOAT, [1, "t"]),
    ]
    for name, value in (
        ("places", np.array([2, 3, 4], np.int64)),
        ("time", np.array([1], np.int64)),
        ("dark", np.float32(-20)),
        ("w", np.array([[0, gain]], np.float32)),
        ("b", np.array([0, -gain * centre], np.float32)),
    ):
        constants.append(numpy_helper.from_array(np.asarray(value), name))
    if members:
        centres = np.array([centre, *members], np.float32)
        constants.append(numpy_helper.from_array(centres, "centres"))
        constants.append(numpy_helper.from_array(np.float32(gain), "gain"))
        nodes += [
            helper.make_node("Sub", ["mean", "centres"], ["over"]),
            helper.make_node("Mul", ["over", "gain"], ["odds"]),
            helper.make_node("Sigmoid", ["odds"], ["members"]),
        ]
        answers.append(
            helper.make_tensor_value_info("members", TensorProto.FLOAT, [1, len(centres)])
        )
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "t", 3, SIDE, SIDE])],
        answers,
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def clip_model(folder, *, frames=4, rate=None, pictures=8, weights=None, **changes):
    """Write and load such a model."""
    fields = {
        "alignment": AlignmentSettings(size=SIDE, margin=0),
        "clip": {"frames": frames, "rate": rate, "pictures": pictures},
    }
    weights = make_clip_weights() if weights is None else weights
    return FaceForgeryModel.load(write_model(folder, weights, **fields | changes))

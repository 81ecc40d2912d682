"""Several exported networks over time as one: their mean, and what each of them says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from gaitproof.errors import ModelError
from gaitproof.face.model import ATTENTION, MEMBERS
from gaitproof.train.face.networks.base import GENUINE

if TYPE_CHECKING:
    import onnx

_CROPS: Final = "crops"
_LOGITS: Final = "logits"
_LEAST: Final = 1e-9
"""Probability whose logarithm is taken at least."""


def merge_networks(members: Sequence[bytes]) -> bytes:
    """Join exported networks of clips into one that averages their probabilities.

    What several of them compute alike, such as the features of one frozen encoder, is computed and
    stored once.

    Parameters
    ----------
    members
        ONNX files with the outputs logits and `ATTENTION`, exported by one version of gaitproof.

    Returns
    -------
    bytes
        An ONNX file whose logits are the logarithms of the mean probabilities, `ATTENTION` the mean
        weights, and `MEMBERS` (1, M) each network's probability of a genuine face.

    Raises
    ------
    ModelError
        If they cannot be joined.
    """
    import onnx
    from onnx import helper, numpy_helper

    loaded = [onnx.load_from_string(content) for content in members]
    if len({_dialect(model) for model in loaded}) != 1:
        raise ModelError(
            "The members of the ensemble were exported by different versions of the exporter.",
            hint="export them again with one version of gaitproof",
        )
    joined = _Joined(loaded[0].graph.input[0])
    outputs = [joined.add(model.graph) for model in loaded]
    index = numpy_helper.from_array(np.array([GENUINE], np.int64), "genuine")
    one, least = (
        numpy_helper.from_array(np.array(value, np.float32), name)
        for value, name in ((1, "one"), (_LEAST, "least"))
    )
    shares = []
    for place, given in enumerate(outputs):
        names = [f"ensemble/{name}/{place}" for name in ("shares", "share")]
        joined.nodes += [
            helper.make_node("Softmax", [given[_LOGITS]], names[:1], axis=1),
            helper.make_node("Gather", [names[0], "genuine"], names[1:], axis=1),
        ]
        shares.append(names[1])
    joined.nodes += [
        helper.make_node("Concat", shares, [MEMBERS], axis=1),
        helper.make_node("Mean", shares, ["ensemble/genuine"]),
        helper.make_node("Sub", ["one", "ensemble/genuine"], ["ensemble/forged"]),
        helper.make_node("Concat", ["ensemble/forged", "ensemble/genuine"], ["both"], axis=1),
        helper.make_node("Max", ["both", "least"], ["bounded"]),
        helper.make_node("Log", ["bounded"], [_LOGITS]),
        helper.make_node("Mean", [given[ATTENTION] for given in outputs], [ATTENTION]),
    ]
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        joined.nodes,
        "ensemble",
        [joined.input],
        [
            helper.make_tensor_value_info(_LOGITS, float32, [1, 2]),
            helper.make_tensor_value_info(ATTENTION, float32, [1, "pictures"]),
            helper.make_tensor_value_info(MEMBERS, float32, [1, len(members)]),
        ],
        [*joined.initializers, index, one, least],
    )
    model = helper.make_model(
        graph, opset_imports=list(loaded[0].opset_import), ir_version=loaded[0].ir_version
    )
    return bytes(model.SerializeToString())


class _Joined:
    """Nodes and constants of several graphs, what is the same only once."""

    def __init__(self, crops: onnx.ValueInfoProto) -> None:
        self.input = crops
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._known: dict[bytes, list[str]] = {}

    def add(self, graph: onnx.GraphProto) -> dict[str, str]:
        """Take a graph in and return what its outputs are called now."""
        names = {graph.input[0].name: self.input.name, "": ""}
        for constant in graph.initializer:
            old, constant.name = constant.name, ""
            made, new = self._name(constant, 1)
            names[old] = made[0]
            if new:
                constant.name = made[0]
                self.initializers.append(constant)
        for node in graph.node:
            outputs = list(node.output)
            node.input[:] = [names[name] for name in node.input]
            node.output[:] = ["*" if name else "" for name in outputs]
            # where in the source it came from, which may differ
            node.name = node.doc_string = ""
            del node.metadata_props[:]
            made, new = self._name(node, len(outputs))
            names |= {name: made[place] for place, name in enumerate(outputs) if name}
            if new:
                node.output[:] = [names[name] for name in outputs]
                self.nodes.append(node)
        return {output.name: names[output.name] for output in graph.output}

    def _name(self, part: onnx.NodeProto | onnx.TensorProto, count: int) -> tuple[list[str], bool]:
        """Return names for what a part gives, and whether it was not there before."""
        content = part.SerializeToString(deterministic=True)
        digest = hashlib.sha256(type(part).__name__.encode() + content).digest()
        if digest in self._known:
            return self._known[digest], False
        made = [f"{digest.hex()[:24]}/{place}" for place in range(count)]
        self._known[digest] = made
        return made, True


def _dialect(model: onnx.ModelProto) -> tuple[object, ...]:
    """Return what models must agree in to be joined; None of ours has functions or branches."""
    opsets = tuple(sorted((one.domain, one.version) for one in model.opset_import))
    return model.ir_version, opsets, len(model.functions)

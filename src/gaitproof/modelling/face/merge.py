"""Several exported networks as one: their mean, and for those over time what each of them says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gaitproof.errors import ModelError
from gaitproof.face.model import ATTENTION, MAPS, MEMBERS, FaceDetectorCard
from gaitproof.nets.face.base import GENUINE

if TYPE_CHECKING:
    import onnx

Shapes = dict[str, list[str | int | None]]
"""Of a graph's outputs."""

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
    from onnx import TensorProto, helper

    loaded = _load(members)
    joined = _Joined(loaded[0].graph.input[0])
    outputs = [joined.add(model.graph) for model in loaded]
    shares = joined.average([given[_LOGITS] for given in outputs])
    joined.nodes += [
        helper.make_node("Concat", shares, [MEMBERS], axis=1),
        helper.make_node("Mean", [given[ATTENTION] for given in outputs], [ATTENTION]),
    ]
    shapes: Shapes = {_LOGITS: [1, 2], ATTENTION: [1, "pictures"], MEMBERS: [1, len(members)]}
    return joined.serialise(
        loaded[0],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
    )


def merge_image_networks(members: Sequence[bytes], cards: Sequence[FaceDetectorCard]) -> bytes:
    """Join exported networks of single images into one that averages their probabilities.

    Parameters
    ----------
    members
        ONNX files whose first output are logits and one `MAPS`, exported by one version of
        gaitproof.
    cards
        Theirs: how the crops are cut and normalised.

    Returns
    -------
    bytes
        An ONNX file that takes the crops of the first member; the others get the part that they
        see, at their size and in their normalisation. Its logits are the logarithms of the mean
        probabilities, `MAPS` the mean of the members', as finely as the first one's.

    Raises
    ------
    ModelError
        If they cannot be joined, or one sees more of a face than the first.
    """
    from onnx import TensorProto, helper

    loaded = _load(members)
    joined = _Joined(loaded[0].graph.input[0])
    outputs = [
        joined.add(model.graph, joined.see(cards[0], card))
        for model, card in zip(loaded, cards, strict=True)
    ]
    joined.average(
        [given[model.graph.output[0].name] for given, model in zip(outputs, loaded, strict=True)]
    )
    maps = [given[MAPS] for given in outputs]
    grids = [_grid(model.graph) for model in loaded]
    for place, grid in enumerate(grids):
        if grid != grids[0]:
            # as much in all: a place of a coarse map stands for several of a fine one
            share = grid[0] * grid[1] / (grids[0][0] * grids[0][1])
            maps[place] = joined.refine(maps[place], grids[0], share)
    joined.nodes.append(helper.make_node("Mean", maps, [MAPS]))
    shapes: Shapes = {_LOGITS: ["pictures", 2], MAPS: ["pictures", *grids[0]]}
    return joined.serialise(
        loaded[0],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
    )


def _load(members: Sequence[bytes]) -> list[onnx.ModelProto]:
    import onnx

    loaded = [onnx.load_from_string(content) for content in members]
    if len({_dialect(model) for model in loaded}) != 1:
        raise ModelError(
            "The members of the ensemble were exported by different versions of the exporter.",
            hint="export them again with one version of gaitproof",
        )
    return loaded


def _grid(graph: onnx.GraphProto) -> tuple[int, int]:
    """Return height and width of a network's maps."""
    (maps,) = (output for output in graph.output if output.name == MAPS)
    height, width = (axis.dim_value for axis in maps.type.tensor_type.shape.dim[1:])
    return height, width


class _Joined:
    """Nodes and constants of several graphs, what is the same only once."""

    def __init__(self, crops: onnx.ValueInfoProto) -> None:
        self.input = crops
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._known: dict[bytes, list[str]] = {}

    def add(self, graph: onnx.GraphProto, takes: str | None = None) -> dict[str, str]:
        """Take a graph in and return what its outputs are called now.

        It takes the crops, or what is called `takes`.
        """
        names = {graph.input[0].name: takes or self.input.name, "": ""}
        for constant in graph.initializer:
            old, constant.name = constant.name, ""
            named, new = self._name(constant, 1)
            names[old] = named[0]
            if new:
                constant.name = named[0]
                self.initializers.append(constant)
        for node in graph.node:
            outputs = list(node.output)
            node.input[:] = [names[name] for name in node.input]
            node.output[:] = ["*" if name else "" for name in outputs]
            # where in the source it came from, which may differ
            node.name = node.doc_string = ""
            del node.metadata_props[:]
            named, new = self._name(node, len(outputs))
            names |= {name: named[place] for place, name in enumerate(outputs) if name}
            if new:
                node.output[:] = [names[name] for name in outputs]
                self.nodes.append(node)
        return {output.name: names[output.name] for output in graph.output}

    def see(self, first: FaceDetectorCard, own: FaceDetectorCard) -> str:
        """Return the name of the crops that a member sees, made of those of the first one."""
        wide, tight = first.alignment, own.alignment
        part = wide.size * (1 + 2 * tight.margin) / (1 + 2 * wide.margin)
        edge = round((wide.size - part) / 2)
        if edge < 0 or tight.template != wide.template:
            raise ModelError(
                f"{own.model_id} sees more of a face than {first.model_id}.",
                hint="name the member with the widest margin first",
            )
        seen, ends = self.input.name, [wide.size - edge] * 2
        if edge:
            bounds = self._constants(seen, starts=[edge] * 2, ends=ends, axes=[2, 3])
            seen = self._node("Slice", [seen, *bounds])
        if wide.size - 2 * edge != tight.size:
            seen = self._resize(seen, (tight.size, tight.size), antialias=1)
        scale = np.array(first.std) / own.std
        shift = (np.array(first.mean) - own.mean) / own.std
        if not (np.allclose(scale, 1) and np.allclose(shift, 0)):
            planes = (
                np.asarray(one, np.float32).reshape(1, 3, 1, 1).tolist() for one in (scale, shift)
            )
            by, to = self._constants(seen, **dict(zip(("scale", "shift"), planes, strict=True)))
            seen = self._node("Add", [self._node("Mul", [seen, by]), to])
        return seen

    def refine(self, maps: str, grid: tuple[int, int], share: float) -> str:
        """Return maps (N, h, w) times a share, on a finer grid."""
        axis, factor = self._constants(maps, axis=[1], factor=share)
        fine = self._resize(self._node("Unsqueeze", [maps, axis]), grid)
        return self._node("Mul", [self._node("Squeeze", [fine, axis]), factor])

    def average(self, logits: Sequence[str]) -> list[str]:
        """Name the logarithms of the mean probabilities `_LOGITS`; return each one's of genuine."""
        index, one, least = self._constants("average", index=[GENUINE], one=1.0, least=_LEAST)
        shares = [
            self._node("Gather", [self._node("Softmax", [name], axis=1), index], axis=1)
            for name in logits
        ]
        genuine = self._node("Mean", shares)
        both = self._node("Concat", [self._node("Sub", [one, genuine]), genuine], axis=1)
        self._node("Log", [self._node("Max", [both, least])], name=_LOGITS)
        return shares

    def serialise(self, like: onnx.ModelProto, outputs: Sequence[onnx.ValueInfoProto]) -> bytes:
        """Return the ONNX file, in the dialect of a member."""
        from onnx import helper

        graph = helper.make_graph(
            self.nodes, "ensemble", [self.input], outputs, [*self.initializers]
        )
        model = helper.make_model(
            graph, opset_imports=list(like.opset_import), ir_version=like.ir_version
        )
        return bytes(model.SerializeToString())

    def _node(self, kind: str, takes: Sequence[str], *, name: str = "", **how: Any) -> str:
        from onnx import helper

        output = name or f"ensemble/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(takes), [output], **how))
        return output

    def _resize(self, name: str, size: tuple[int, int], **how: Any) -> str:
        (sizes,) = self._constants(name, sizes=list(size))
        return self._node("Resize", [name, "", "", sizes], mode="linear", axes=[2, 3], **how)

    def _constants(self, place: str, **values: Any) -> list[str]:
        from onnx import numpy_helper

        names = []
        for name, value in values.items():
            array = np.asarray(value)
            kept = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
            names.append(f"ensemble/{place}/{name}/{len(self.initializers)}")
            self.initializers.append(numpy_helper.from_array(kept, names[-1]))
        return names

    def _name(self, part: onnx.NodeProto | onnx.TensorProto, count: int) -> tuple[list[str], bool]:
        """Return names for what a part gives, and whether it was not there before."""
        content = part.SerializeToString(deterministic=True)
        digest = hashlib.sha256(type(part).__name__.encode() + content).digest()
        if digest in self._known:
            return self._known[digest], False
        names = [f"{digest.hex()[:24]}/{place}" for place in range(count)]
        self._known[digest] = names
        return names, True


def _dialect(model: onnx.ModelProto) -> tuple[object, ...]:
    """Return what models must agree in to be joined; None of ours has functions or branches."""
    opsets = tuple(sorted((one.domain, one.version) for one in model.opset_import))
    return model.ir_version, opsets, len(model.functions)

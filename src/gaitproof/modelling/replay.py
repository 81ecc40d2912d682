"""An ONNX file as a torch network that computes the same, for what converts torch only.

A folder of a model keeps the ONNX file alone, or a merged one that no recipe builds. So the file's
nodes are done over one by one in torch, one row at a time, after ONNX Runtime has computed all that
depends on no input.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gaitproof.errors import ModelError
from gaitproof.models import MODEL_FILE, WEIGHTS
from gaitproof.reading import read_bytes
from gaitproof.runtime import open_session

if TYPE_CHECKING:
    import onnx

Attributes = Mapping[str, Any]


class ReplayedNetwork(nn.Module):
    """The nodes of an ONNX file, done in torch.

    Parameters
    ----------
    weights
        The file. Its inputs may have a first axis of free length, which becomes 1.

    Raises
    ------
    ModelError
        If the file has nodes that torch is not told how to do, or another axis of free length.
    """

    def __init__(self, weights: bytes) -> None:
        import onnx
        from onnx import numpy_helper

        super().__init__()
        graph = onnx.load_from_string(_for_one_row(weights)).graph
        nodes = [node for node in graph.node if node.op_type != "Constant"]
        unknown = sorted({node.op_type for node in nodes} - set(_OPERATIONS))
        if unknown:
            raise ModelError(
                "The network does what cannot be converted.", actual=", ".join(unknown)
            )
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self._values: dict[str, Any] = {"": None}
        self._tensors: dict[str, str] = {}
        for name, array in constants.items():
            if array.ndim and array.dtype.kind == "f":
                self._tensors[name] = f"constant{len(self._tensors)}"
                self.register_buffer(self._tensors[name], torch.tensor(array))
            else:
                self._values[name] = array.tolist()
        self._takes = [taken.name for taken in graph.input if taken.name not in constants]
        self._gives = [given.name for given in graph.output]
        self._steps = [_Step(node) for node in nodes]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of the file for one row of each input."""
        values = dict(self._values)
        values |= {name: self.get_buffer(kept) for name, kept in self._tensors.items()}
        values |= zip(self._takes, inputs, strict=True)
        for step in self._steps:
            step.run(values)
        return tuple(values[name] for name in self._gives)


class _Step:
    def __init__(self, node: onnx.NodeProto) -> None:
        from onnx import helper

        self.operation = _OPERATIONS[node.op_type]
        self.takes, self.gives = list(node.input), list(node.output)
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def run(self, values: dict[str, Any]) -> None:
        made = self.operation(self.attributes, *(values[name] for name in self.takes))
        parts = made if isinstance(made, tuple) else (made,)
        values |= zip(self.gives, parts, strict=False)


def _for_one_row(weights: bytes) -> bytes:
    """Return the file for inputs of one row, with all done that then depends on no input."""
    import onnx

    model = onnx.load_from_string(weights)
    for taken in model.graph.input:
        first, *others = taken.type.tensor_type.shape.dim
        if not all(axis.dim_value for axis in others):
            raise ModelError(
                "The network takes clips of any length, and a converted one takes one length only.",
                actual=f"the input {taken.name!r}",
            )
        first.dim_value = 1
    with TemporaryDirectory(prefix="gaitproof-") as name:
        path = Path(name) / MODEL_FILE
        open_session(model.SerializeToString(), simplified=path)
        return read_bytes(path, WEIGHTS)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda attributes, *inputs: function(*inputs)


def _pad(attributes: Attributes, x: Tensor) -> Tensor:
    pads = attributes.get("pads", ())
    ends = zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True)
    both = [end for pair in reversed(list(ends)) for end in pair]
    return functional.pad(x, both) if any(both) else x


def _convolve(attributes: Attributes, x: Tensor, kernel: Tensor, bias: Any = None) -> Tensor:
    dimensions = kernel.ndim - 2
    function: Any = (functional.conv1d, functional.conv2d, functional.conv3d)[dimensions - 1]
    strides, steps = (attributes.get(name, [1] * dimensions) for name in ("strides", "dilations"))
    groups = attributes.get("group", 1)
    made: Tensor = function(_pad(attributes, x), kernel, bias, strides, 0, steps, groups)
    return made


def _pool(attributes: Attributes, x: Tensor) -> Tensor:
    size, pads = attributes["kernel_shape"], attributes.get("pads", [])
    if any(pads) and not attributes.get("count_include_pad"):
        raise ModelError("The network pools in a way that is not converted.")
    strides, rounding = attributes.get("strides"), bool(attributes.get("ceil_mode"))
    return functional.avg_pool2d(_pad(attributes, x), size, strides, ceil_mode=rounding)


def _normalise(attributes: Attributes, x: Tensor, *parts: Tensor) -> Tensor:
    scale, shift, mean, variance = parts
    epsilon = attributes.get("epsilon", 1e-5)
    return functional.batch_norm(x, mean, variance, scale, shift, eps=epsilon)


def _normalise_layer(attributes: Attributes, x: Tensor, scale: Tensor, shift: Any = None) -> Tensor:
    epsilon = attributes.get("epsilon", 1e-5)
    return functional.layer_norm(x, scale.shape, scale, shift, epsilon)


def _gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Any = None) -> Tensor:
    factors = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if attributes.get("transA") or factors != (1.0, 1.0):
        raise ModelError("The network multiplies in a way that is not converted.")
    return functional.linear(a, b if attributes.get("transB") else b.T, c)


def _reduce(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(attributes: Attributes, x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
        over = tuple(range(x.ndim)) if axes is None else tuple(axes)
        return function(x, dim=over, keepdim=bool(attributes.get("keepdims", 1)))

    return run


def _reshape(attributes: Attributes, x: Tensor, shape: Sequence[int]) -> Tensor:
    kept = not attributes.get("allowzero")
    return x.reshape([x.shape[i] if kept and not n else n for i, n in enumerate(shape)])


def _slice(
    attributes: Attributes,
    x: Tensor,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
) -> Tensor:
    parts = [slice(None)] * x.ndim
    over = range(len(starts)) if axes is None else axes
    for axis, *bounds in zip(over, starts, ends, steps or [1] * len(starts), strict=True):
        parts[axis] = slice(*bounds)
    return x[tuple(parts)]


def _split(attributes: Attributes, x: Tensor, sizes: list[int] | None = None) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    if sizes is None:
        whole, parts = x.shape[axis], attributes["num_outputs"]
        size = -(-whole // parts)
        sizes = [min(size, whole - size * i) for i in range(parts)]
    return tuple(x.narrow(axis, sum(sizes[:i]), size) for i, size in enumerate(sizes))


def _gather(attributes: Attributes, x: Tensor, places: Any) -> Tensor:
    axis = attributes.get("axis", 0)
    if isinstance(places, int):
        return x.select(axis, places)
    return x.index_select(axis, torch.tensor(places))


def _gather_rows(attributes: Attributes, x: Tensor, places: Sequence[Sequence[int]]) -> Tensor:
    return x.index_select(0, torch.tensor([place for (place,) in places]))


def _unsqueeze(attributes: Attributes, x: Tensor, axes: Sequence[int]) -> Tensor:
    for axis in sorted(axis % (x.ndim + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _resize(attributes: Attributes, x: Tensor, *others: Any) -> Tensor:
    """Interpolate linearly: along each axis, new pixels are weighted sums of old ones."""
    how = attributes.get("mode"), attributes.get("coordinate_transformation_mode", b"half_pixel")
    if how != (b"linear", b"half_pixel") or list(attributes.get("axes", ())) != [2, 3]:
        raise ModelError("The network scales images in a way that is not converted.")
    for axis, size in zip((2, 3), others[-1], strict=True):
        shares = torch.tensor(_shares(x.shape[axis], size, bool(attributes.get("antialias"))))
        x = shares @ x if axis == 2 else x @ shares.T
    return x


def _shares(old: int, new: int, smooth: bool) -> NDArray[np.float32]:
    """Return what every old pixel counts in every new one: (new, old)."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    reach = max(scale, 1.0) if smooth else 1.0
    beyond = math.ceil(reach)
    places = np.arange(-beyond, old + beyond)
    counts = np.maximum(1 - np.abs(places + 0.5 - centres) / reach, 0)
    # beyond an edge is what the edge is
    kept = places.clip(0, old - 1)[:, None] == np.arange(old)
    return np.asarray(counts @ kept / counts.sum(axis=1, keepdims=True), np.float32)


def _recur(attributes: Attributes, x: Tensor, *parts: Any) -> Tensor:
    weights, recurrent, biases, _, *start = parts
    size, ways = attributes["hidden_size"], len(weights)

    def gates(values: Any) -> Tensor:
        """Bring ONNX's order, in, out, forget, cell, into torch's: in, forget, cell, out."""
        blocks = values.split(size)
        return torch.cat([blocks[i] for i in (0, 2, 3, 1)])

    layers = [
        gates(part)
        for way in range(ways)
        for part in (weights[way], recurrent[way], *biases[way].chunk(2))
    ]
    zero = x.new_zeros(ways, x.shape[1], size)
    rest = (True, 1, 0.0, False, ways == 2, False)  # biases, one layer, no dropout, time first
    made: Any = torch.lstm(x, start[:2] or (zero, zero), layers, *rest)[0]
    by_way: Tensor = made.unflatten(-1, (ways, size)).transpose(1, 2)
    return by_way


def _cast(attributes: Attributes, x: Tensor) -> Tensor:
    if attributes["to"] != _FLOAT:
        raise ModelError("The network computes in numbers that are not converted.")
    return x.float()


_FLOAT: Final = 1
"""Of ``TensorProto``: 32 bits."""

_OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "Abs": _plain(torch.abs),
    "Add": _plain(operator.add),
    "AveragePool": _pool,
    "BatchNormalization": _normalise,
    "Cast": _cast,
    "Clip": _plain(torch.clamp),
    "Concat": lambda attributes, *x: torch.cat(x, attributes["axis"]),
    "Conv": _convolve,
    "Div": _plain(operator.truediv),
    "Einsum": lambda attributes, *x: torch.einsum(attributes["equation"].decode(), *x),
    "Expand": lambda attributes, x, shape: x.expand(np.broadcast_shapes(x.shape, tuple(shape))),
    "Gather": _gather,
    "GatherND": _gather_rows,
    "Gelu": _plain(functional.gelu),
    "Gemm": _gemm,
    "LayerNormalization": _normalise_layer,
    "LSTM": _recur,
    "Log": _plain(torch.log),
    "MatMul": _plain(operator.matmul),
    "Max": _plain(lambda *x: reduce(lambda a, b: torch.clamp(a, min=b), x)),
    "Mean": _plain(lambda *x: sum(x) / len(x)),
    "Mul": _plain(operator.mul),
    "Pow": _plain(operator.pow),
    "ReduceL2": _reduce(torch.linalg.vector_norm),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Relu": _plain(torch.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": _plain(torch.sigmoid),
    "Slice": _slice,
    "Softmax": lambda attributes, x: x.softmax(attributes.get("axis", -1)),
    "Split": _split,
    "Sqrt": _plain(torch.sqrt),
    "Squeeze": lambda attributes, x, axes: x.squeeze(axes),
    "Sub": _plain(operator.sub),
    "Transpose": lambda attributes, x: x.permute(attributes["perm"]),
    "Unsqueeze": _unsqueeze,
}

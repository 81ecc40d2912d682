"""Models whose weights are stored in fewer bits, and computed in 32 as before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.model import list_models as list_face_models
from gaitproof.face.model import load_card as load_face_card
from gaitproof.media.files import atomic_folder, write_atomically
from gaitproof.models import CARD_FILE, MODEL_FILE, WEIGHTS, model_folder, read_weights
from gaitproof.nets.card import ModelCard
from gaitproof.nets.cohort import COHORT_FILE
from gaitproof.nets.onnx import list_models, load_card
from gaitproof.reading import FileKind, read_bytes, read_json
from gaitproof.runtime import check_digest, open_session, run_session

if TYPE_CHECKING:
    import onnx


Precision = Literal["fp16", "int8"]
"""In how many bits weights are stored."""

_SMALL: Final = 1024
"""Constants of so few values stay as they are, as do those with one axis: biases, norms."""
_ROWS: Final = 8
"""Rows of the random input that both files are run on."""
_FREE: Final = 4
"""Length that stands for an axis of free length other than the first."""
_DIVERGED: Final = 0.98
"""Least cosine of the answers; below it the smaller file is another network."""


@dataclass(frozen=True)
class Compressed:
    """What became of a model in fewer bits.

    Parameters
    ----------
    model_id
        Of the new model.
    before, after
        Size of ``model.onnx``, bytes.
    cosine
        Least cosine of a row of both files' first outputs on random inputs.
    difference
        Largest difference of a number in them.
    """

    model_id: str
    before: int
    after: int
    cosine: float
    difference: float


def compress_model(model: str, folder: Path, precision: Precision) -> Compressed:
    """Write a model anew with its larger constants in fewer bits.

    Parameters
    ----------
    model
        Name of shipped weights, for gait or for faces, or a model folder.
    folder
        Gets the new ``model.onnx`` with a card. Threshold, calibration and error rates are the old
        ones; what its silhouettes or joints are worth on other footage is left out with ``int8``.
    precision
        As for `store_constants`.

    Raises
    ------
    ModelError
        If there is no such model, or in so few bits it computes something else.
    """
    card, old, strangers = load_parts(model)
    new = store_constants(old, precision)
    feed = draw_inputs(old)
    cosine, difference = measure_divergence(*(run_file(content, feed)[0] for content in (old, new)))
    refuse_divergence(cosine)
    digest = hashlib.sha256(new).hexdigest()
    smaller = card.model_copy(
        update={
            # similarities of int8 weights lie elsewhere (docs/results/benchmarks.md)
            **({"evidence": None} if precision == "int8" and isinstance(card, ModelCard) else {}),
            "model_id": f"{card.model_id.rpartition('-')[0]}-{digest[:12]}",
            "weights_sha256": digest,
            "limits": f"{card.limits} Weights stored as {precision}; figures are those of "
            f"{card.model_id}.",
        }
    )
    with atomic_folder(folder) as stage:
        write_atomically(stage / MODEL_FILE, new)
        write_atomically(stage / CARD_FILE, smaller.model_dump_json(indent=1).encode())
        if strangers is not None:
            write_atomically(stage / COHORT_FILE, strangers)
    return Compressed(smaller.model_id, len(old), len(new), cosine, difference)


def load_parts(model: str) -> tuple[ModelCard | FaceDetectorCard, bytes, bytes | None]:
    """Return card and ONNX file of a model for gait or for faces, and its cohort, if it has one.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    is_face = model not in list_models() and (model in list_face_models() or _holds_face(model))
    with model_folder("gaitproof.face" if is_face else "gaitproof.nets", model) as source:
        card: ModelCard | FaceDetectorCard = (load_face_card if is_face else load_card)(source)
        weights = read_weights(source)
        check_digest(weights, card.weights_sha256)
        cohort = source / COHORT_FILE
        return card, weights, read_bytes(cohort, WEIGHTS) if cohort.is_file() else None


def refuse_divergence(cosine: float) -> None:
    """Raise `ModelError` if answers are too far from the original's."""
    if not cosine >= _DIVERGED:
        raise ModelError(
            "In so few bits the network computes something else.",
            expected=f"answers with a cosine of at least {_DIVERGED} to those of the original",
            actual=f"{cosine:.3f}",
            hint="store it as fp16",
        )


def store_constants(weights: bytes, precision: Precision) -> bytes:
    """Return an ONNX file whose larger constants are stored in fewer bits, computed in 32.

    Parameters
    ----------
    weights
        The file.
    precision
        ``fp16``, or ``int8``: symmetric, with a scale for each index of the axis that the constant
        varies along most (Jacob et al., *Quantization and Training of Neural Networks for
        Efficient Integer-Arithmetic-Only Inference*, CVPR 2018).
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(weights)
    restored = []
    for constant in list(model.graph.initializer):
        values = numpy_helper.to_array(constant)
        wide = values.dtype == np.float32 or (values.dtype == np.float16 and precision == "int8")
        if wide and values.ndim > 1 and values.size > _SMALL:
            stored, node = (_halved if precision == "fp16" else _in_bytes)(constant.name, values)
            model.graph.initializer.remove(constant)
            model.graph.initializer.extend(stored)
            restored.append(node)
    nodes = [*restored, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())


Stored = tuple[Sequence["onnx.TensorProto"], "onnx.NodeProto"]
"""Constants, and the node that makes the original of them."""


def _halved(name: str, values: NDArray[np.float32]) -> Stored:
    from onnx import TensorProto, helper, numpy_helper

    half = numpy_helper.from_array(values.astype(np.float16), f"{name}/half")
    return [half], helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)


def _in_bytes(name: str, values: NDArray[Any]) -> Stored:
    from onnx import helper, numpy_helper

    values = values.astype(np.float32)  # what takes a half-stored constant casts it, and may again

    def largest(axis: int) -> NDArray[np.float32]:
        others = tuple(other for other in range(values.ndim) if other != axis)
        return np.asarray(np.abs(values).max(axis=others))

    axis = max(range(values.ndim), key=lambda axis: float(np.log(largest(axis) + 1e-12).std()))
    scale = np.maximum(largest(axis), np.finfo(np.float32).tiny * 127) / np.float32(127)
    spread = np.expand_dims(scale, [other for other in range(values.ndim) if other != axis])
    parts = [
        numpy_helper.from_array(np.rint(values / spread).astype(np.int8), f"{name}/bytes"),
        numpy_helper.from_array(scale, f"{name}/scale"),
    ]
    takes = [part.name for part in parts]
    return parts, helper.make_node("DequantizeLinear", takes, [name], axis=axis)


def _holds_face(folder: str) -> bool:
    """Whether a folder's card is a face model's: gait models have embeddings."""
    kind = FileKind("model card", ModelError, 2**22, missing="a model's name, or its folder")
    card: Any = read_json(Path(folder) / CARD_FILE, kind)
    return isinstance(card, dict) and "embedding_size" not in card


def draw_inputs(weights: bytes) -> dict[str, NDArray[Any]]:
    """Return random inputs of an ONNX file by name, eight rows of each."""
    rng = np.random.default_rng(0)
    feed: dict[str, NDArray[Any]] = {}
    for taken in open_session(weights).get_inputs():
        first, *rest = taken.shape
        shape = [_ROWS if isinstance(first, str) else first]
        shape += [_FREE if isinstance(axis, str) else axis for axis in rest]
        binary = "float" not in taken.type
        feed[taken.name] = (
            rng.integers(0, 2, shape, np.uint8)
            if binary
            else rng.standard_normal(shape).astype(np.float32)
        )
    return feed


def run_file(weights: bytes, feed: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
    """Return all outputs of an ONNX file."""
    return [np.asarray(made) for made in run_session(open_session(weights), None, feed)]


def measure_divergence(
    before: NDArray[np.float32], after: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the least cosine of a row of two files' answers, and the largest difference."""
    a, b = (np.asarray(rows, np.float64) for rows in (np.atleast_2d(before), np.atleast_2d(after)))
    a, b = (rows.reshape(len(rows), -1) for rows in (a, b))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min()), float(np.abs(a - b).max())

"""Models as TFLite files, for devices that run no ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError, need_packages
from gaitproof.media.files import atomic_folder, write_atomically
from gaitproof.modelling.compression import (
    Compressed,
    draw_inputs,
    load_parts,
    measure_divergence,
    refuse_divergence,
    run_file,
)
from gaitproof.models import CARD_FILE, WEIGHTS
from gaitproof.reading import read_bytes

if TYPE_CHECKING:
    from gaitproof.modelling.replay import ReplayedNetwork

TFLITE_FILE: Final = "model.tflite"

TflitePrecision = Literal["fp32", "fp16", "int8"]
"""In how many bits weights are stored; it is computed in 32."""

_PACKAGES: Final = ("torch", "onnx", "litert_torch", "ai_edge_litert", "ai_edge_quantizer")

_APART: Final = 1e-3
"""Largest difference of a number that both the ONNX file and its replay in torch answer."""


def convert_model(model: str, folder: Path, precision: TflitePrecision) -> Compressed:
    """Write a model as a TFLite file that takes one row: a normalised window, masks, or a crop.

    Parameters
    ----------
    model
        Name of shipped weights, for gait or for faces, or a model folder.
    folder
        Gets ``model.tflite``, and the card with what is done before and after: normaliser or
        alignment, and the threshold. gaitproof itself opens the ONNX file only.
    precision
        Of the weights: ``fp16`` and ``int8`` (a scale for each channel) by
        ``ai_edge_quantizer``, weights only.

    Raises
    ------
    DependencyError
        If the extra ``tflite`` is not installed.
    ModelError
        If there is no such model, it does something that cannot be converted, or the file computes
        something else.
    """
    message = "TFLite files need packages that are not installed."
    hint = "in an environment of its own: pip install 'gaitproof[tflite]'"
    need_packages(_PACKAGES, message, hint)
    card, weights, _ = load_parts(model)
    feed = draw_inputs(weights)
    rows, before = list(feed.values()), run_file(weights, feed)
    content = _convert(weights, rows, before, precision)
    after = run_tflite(content, *rows)
    divergences = [measure_divergence(a, b) for a, b in zip(before, after, strict=True)]
    cosine = min(one for one, _ in divergences)
    refuse_divergence(cosine)
    with atomic_folder(folder) as stage:
        write_atomically(stage / TFLITE_FILE, content)
        write_atomically(stage / CARD_FILE, card.model_dump_json(indent=1).encode())
    difference = divergences[0][1]
    return Compressed(card.model_id, len(weights), len(content), cosine, difference)


def run_tflite(content: bytes, *inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Return all outputs of a TFLite file, which is run on one row at a time.

    Parameters
    ----------
    content
        The file.
    *inputs
        As many rows of each as of the others, one row at least.
    """
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(model_content=content)
    network.allocate_tensors()
    taken, given = (
        sorted(details, key=lambda one: str(one["name"]))
        for details in (network.get_input_details(), network.get_output_details())
    )
    answers = []
    for row in zip(*inputs, strict=True):
        for place, values in zip(taken, row, strict=True):
            network.set_tensor(place["index"], values[None])
        network.invoke()
        answers.append([np.array(network.get_tensor(place["index"])) for place in given])
    return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


def replay(
    weights: bytes, rows: Sequence[NDArray[Any]], answers: Sequence[NDArray[np.float32]]
) -> ReplayedNetwork:
    """Do an ONNX file over in torch, and check the first row.

    Parameters
    ----------
    weights
        The file.
    rows
        Its inputs.
    answers
        What ONNX Runtime says of them.

    Raises
    ------
    ModelError
        If it cannot be done, or torch answers something else.
    """
    import torch

    from gaitproof.modelling.replay import ReplayedNetwork

    network = ReplayedNetwork(weights).eval()
    with torch.inference_mode():
        replayed = network(*(torch.from_numpy(values[:1]) for values in rows))
    pairs = zip(answers, replayed, strict=True)
    apart = max(float(np.abs(a[:1] - b.numpy()).max()) for a, b in pairs)
    if not apart <= _APART:
        raise ModelError(
            "Done over in torch, the network computes something else.",
            expected=f"answers within {_APART} of the ONNX file's",
            actual=f"{apart:.2g} apart",
        )
    return network


def _convert(
    weights: bytes,
    rows: Sequence[NDArray[Any]],
    answers: Sequence[NDArray[np.float32]],
    precision: TflitePrecision,
) -> bytes:
    import litert_torch
    import torch

    network = replay(weights, rows, answers)
    example = tuple(torch.from_numpy(values[:1]) for values in rows)
    with TemporaryDirectory(prefix="gaitproof-") as name:
        path = Path(name) / TFLITE_FILE
        # both say every step
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            try:
                litert_torch.convert(network, example).export(str(path))
            except Exception as error:  # LiteRT raises whatever its steps raise
                raise ModelError(
                    "LiteRT Torch cannot convert the network.",
                    actual=str(error).strip().partition("\n")[0],
                ) from error
            if precision != "fp32":
                _quantise(path, precision)
        return read_bytes(path, WEIGHTS)


def _quantise(path: Path, precision: TflitePrecision) -> None:
    from ai_edge_quantizer import qtyping, quantizer, recipe

    work = quantizer.Quantizer(str(path))
    if precision == "int8":
        work.load_quantization_recipe(recipe.weight_only_wi8_afp32())
    else:
        weights = qtyping.TensorQuantizationConfig(16, dtype=qtyping.TensorDataType.FLOAT)
        half = qtyping.OpQuantizationConfig(
            weight_tensor_config=weights,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        kinds: Sequence[Any] = (
            qtyping.TFLOperationName.FULLY_CONNECTED,
            qtyping.TFLOperationName.CONV_2D,
            qtyping.TFLOperationName.DEPTHWISE_CONV_2D,
        )
        for kind in kinds:
            work.update_quantization_recipe(".*", kind, half, "float_casting")
    work.quantize().export_model(str(path), overwrite=True)

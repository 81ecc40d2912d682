"""Encoders of joints as TFLite files, for devices that run no ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import need_packages
from gaitproof.media.files import atomic_folder, write_atomically
from gaitproof.modelling.compression import Compressed, refuse_divergence
from gaitproof.models import CARD_FILE, WEIGHTS
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.trainable import read_network
from gaitproof.reading import read_bytes

TFLITE_FILE: Final = "model.tflite"

TflitePrecision = Literal["fp32", "fp16", "int8"]
"""In how many bits weights are stored; it is computed in 32."""

_PACKAGES: Final = ("torch", "litert_torch", "ai_edge_litert", "ai_edge_quantizer")
_ROWS: Final = 8
"""Rows of the random input that both files are run on."""


def convert_model(model: str, folder: Path, precision: TflitePrecision) -> Compressed:
    """Write a model of joints as a TFLite file that takes one normalised window.

    Parameters
    ----------
    model
        Name of shipped weights, or a model folder, with the torch network beside the ONNX file.
    folder
        Gets ``model.tflite``, and the card with the normaliser and the threshold; gaitproof itself
        opens the ONNX file only.
    precision
        Of the weights: ``fp16`` and ``int8`` (a scale for each channel) by
        ``ai_edge_quantizer``, weights only.

    Raises
    ------
    DependencyError
        If the extra ``tflite`` is not installed.
    ModelError
        If there is no such model, it keeps no network, or the file computes something else.
    """
    message = "TFLite files need packages that are not installed."
    hint = "in an environment of its own: pip install 'gaitproof[tflite]'"
    need_packages(_PACKAGES, message, hint)
    encoder = OnnxEncoder.load(model)
    content = _convert(encoder, precision)
    rng = np.random.default_rng(0)
    shape = (_ROWS, encoder.card.frames, len(encoder.card.mean))
    windows = rng.standard_normal(shape).astype(np.float32)
    before, after = encoder.embed_inputs(windows), run_tflite(content, windows)
    cosine = float((before * after).sum(axis=1).min())
    refuse_divergence(cosine)
    with atomic_folder(folder) as stage:
        write_atomically(stage / TFLITE_FILE, content)
        write_atomically(stage / CARD_FILE, encoder.card.model_dump_json(indent=1).encode())
    return Compressed(
        encoder.card.model_id,
        len(encoder.weights),
        len(content),
        cosine,
        float(np.abs(before - after).max()),
    )


def run_tflite(content: bytes, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the embeddings of normalised windows by a TFLite file, one window at a time.

    Parameters
    ----------
    content
        The file.
    windows
        Shape (N, frames, F), N >= 1.

    Returns
    -------
    ndarray of float32
        Shape (N, D).
    """
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(model_content=content)
    network.allocate_tensors()
    (taken,), (given,) = network.get_input_details(), network.get_output_details()
    rows = []
    for window in windows:
        network.set_tensor(taken["index"], window[None])
        network.invoke()
        rows.append(np.array(network.get_tensor(given["index"])[0]))
    return np.stack(rows)


def _convert(encoder: OnnxEncoder, precision: TflitePrecision) -> bytes:
    import litert_torch
    import torch

    network = read_network(encoder)
    example = torch.zeros(1, encoder.card.frames, len(encoder.card.mean))
    with TemporaryDirectory(prefix="gaitproof-") as name:
        path = Path(name) / TFLITE_FILE
        # both say every step
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            litert_torch.convert(network, (example,)).export(str(path))
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
        )
        for kind in kinds:
            work.update_quantization_recipe(".*", kind, half, "float_casting")
    work.quantize().export_model(str(path), overwrite=True)

"""What an encoder costs in ONNX Runtime, in 32 bits and packed, beside torch as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from gaitproof.text import make_table

NETWORK: Final = "hybrid-small"
BATCH: Final = 64
"""Windows at a time."""

_EAGER: Final = "torch eager"


@dataclass(frozen=True)
class EncoderCost:
    """One network in one form.

    Parameters
    ----------
    network, form
        Which, and how it is computed.
    milliseconds
        Median for `BATCH` windows, one thread.
    ratio
        Median over the rounds of its time over that of torch in the same round.
    cosine_error
        Largest 1 - cosine of an embedding with torch's.
    megabytes
        Of the file.
    """

    network: str
    form: str
    milliseconds: float
    ratio: float
    cosine_error: float
    megabytes: float


def run(network: str = NETWORK, *, rounds: int = 15) -> list[EncoderCost]:
    """Embed the same windows by every form in turn, one thread each.

    The network has random weights, which changes no time; a trained one's cosine errors are
    smaller or larger.

    Parameters
    ----------
    network
        Of joints, by its registered name.
    rounds
        Times that every form has its turn; one more goes before, uncounted.

    Raises
    ------
    ImportError
        If torch is not installed (extra `train`).
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(network, rounds)
    finally:
        torch.set_num_threads(threads)


def _measure(name: str, rounds: int) -> list[EncoderCost]:
    import torch

    from gaitproof.modelling.compression import store_constants
    from gaitproof.modelling.export import export_onnx
    from gaitproof.nets.registry import create_network

    torch.manual_seed(0)
    network = create_network(name).eval()
    windows = torch.randn(BATCH, 60, 78)
    whole = export_onnx(network, (windows[:2],), ("windows",), ("embeddings",))
    files = {
        "ONNX fp32": whole,
        "ONNX fp16": store_constants(whole, "fp16"),
        "ONNX int8": store_constants(whole, "int8"),
    }
    ways = {form: _onnx(data, windows.numpy()) for form, data in files.items()}

    def eager() -> NDArray[np.float32]:
        with torch.no_grad():
            embeddings: NDArray[np.float32] = network(windows).numpy()
        return embeddings

    ways = {_EAGER: eager, **ways}
    truth = eager()
    errors = {form: _cosine_error(way(), truth) for form, way in ways.items()}
    times: dict[str, list[float]] = {form: [] for form in ways}
    for _ in range(rounds):
        for form, way in ways.items():
            began = time.perf_counter()
            way()
            times[form].append(1000 * (time.perf_counter() - began))
    reference = np.array(times[_EAGER])
    size = sum(p.numel() for p in network.parameters()) * 4
    return [
        EncoderCost(
            network=name,
            form=form,
            milliseconds=float(np.median(took)),
            ratio=float(np.median(np.array(took) / reference)),
            cosine_error=errors[form],
            megabytes=len(files[form]) / 1e6 if form in files else size / 1e6,
        )
        for form, took in times.items()
    ]


def _onnx(data: bytes, windows: NDArray[np.float32]) -> Callable[[], NDArray[np.float32]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def embed() -> NDArray[np.float32]:
        embeddings: NDArray[np.float32] = session.run(None, {"windows": windows})[0]
        return embeddings

    return embed


def _cosine_error(embeddings: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(truth, axis=1)
    return float((1 - (embeddings.astype(np.float64) * truth).sum(axis=1) / lengths).max())


def encoder_table(results: list[EncoderCost]) -> Table:
    """Lay out the figures, each beside torch's."""
    numbers = ("ms", "times torch", "1 - cosine", "MB")
    title = f"{BATCH} windows, one thread"
    table = make_table(("network", "form"), numbers, title=title)
    for one in results:
        table.add_row(
            one.network,
            one.form,
            f"{one.milliseconds:.1f}",
            f"{one.ratio:.2f}",
            f"{one.cosine_error:.1e}",
            f"{one.megabytes:.2f}",
        )
    return table

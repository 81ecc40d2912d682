"""ONNX Runtime, opened in one place: on the chosen device, quiet, without telemetry."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from gaitproof.device import check_provider, chosen_device
from gaitproof.errors import ModelError

# releases from 1.31 on report their use to their maker over the network, and keep a device number
# in the user's cache folder, unless this is set before the import
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


def check_digest(weights: bytes, expected: str) -> None:
    """Check that weights are those their card speaks of.

    Raises
    ------
    ModelError
        If their SHA-256 is not `expected`.
    """
    digest = hashlib.sha256(weights).hexdigest()
    if digest != expected:
        raise ModelError(
            "The model's weights do not match its card.",
            expected=f"SHA-256 {expected}",
            actual=digest,
            hint="install gaitproof again, or export the model again",
        )


def list_providers() -> list[str]:
    """Return the execution providers that ONNX Runtime was built with."""
    return list(onnxruntime.get_available_providers())


def open_session(weights: bytes, *, simplified: Path | None = None) -> Any:
    """Return an ONNX Runtime session for the content of an ONNX file, on the chosen device.

    Parameters
    ----------
    weights
        The file.
    simplified
        Where to write the same network with all computed that depends on no input, in ONNX's own
        operations.

    Raises
    ------
    ModelError
        If the weights cannot be run.
    DependencyError
        If ONNX Runtime falls back from the chosen device (`gaitproof.device.use_device`).
    """
    device = chosen_device()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if simplified is not None:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(simplified)
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=device.providers)
    except Exception as error:  # ONNX Runtime raises types of its own without a common base
        raise ModelError(
            "The model's weights cannot be run.", actual=" ".join(str(error).split())
        ) from error
    # a provider whose libraries do not load is left out without an error
    check_provider(device, session.get_providers())
    return session


def run_session(session: Any, outputs: list[str] | None, inputs: dict[str, Any]) -> list[Any]:
    """Return the outputs of a session, all of them if None.

    Raises
    ------
    ModelError
        If the weights do not take such inputs, or fail on them.
    """
    try:
        return list(session.run(outputs, inputs))
    except Exception as error:  # as above
        raise ModelError(
            "The model's weights cannot be run on this input.", actual=" ".join(str(error).split())
        ) from error

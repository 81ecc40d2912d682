"""Explain the score of a probe by the method of one's choice."""

from __future__ import annotations

from typing import Final

from gaitproof.errors import ConfigError, InputError
from gaitproof.explain.importance import Float32, Importance, ProbeScore
from gaitproof.explain.occlusion import explain_by_occlusion, explain_by_shapley
from gaitproof.nets.encoder import Encoder
from gaitproof.types import GaitWindows

WITHOUT_GRADIENTS: Final = ("occlusion", "shapley")
"""Methods for any encoder; they need no torch."""

WITH_GRADIENTS: Final = ("gradient", "integrated", "gradcam")
"""Methods that need torch, Captum and the torch network beside the model."""

METHODS: Final = WITHOUT_GRADIENTS + WITH_GRADIENTS


def explain_score(
    encoder: Encoder,
    windows: GaitWindows,
    template: Float32,
    method: str = "occlusion",
    *,
    references: Float32 | None = None,
    seed: int = 0,
) -> Importance:
    """Find what contributed to the similarity of a probe and a template.

    Parameters
    ----------
    encoder
        What scores them.
    windows
        The usable windows of the probe.
    template
        Shape (D,), unit length.
    method
        One of `METHODS`.
    references
        Shape (R, D): the other people that the verdict was relative to; None for nobody.
    seed
        Of methods that draw at random.

    Raises
    ------
    ConfigError
        If there is no such method.
    InputError
        If there is no window: without a score there is nothing to explain.
    DependencyError, ModelError
        If a method needs gradients, and torch, Captum or the torch network is missing.
    """
    if method not in METHODS:
        raise ConfigError(
            f"There is no method {method!r} to explain a score.", expected=", ".join(METHODS)
        )
    if not len(windows):
        raise InputError("No window of the walk can be used, so there is no score to explain.")
    score = ProbeScore(encoder, template, references)
    if method == "shapley":
        return explain_by_shapley(score, windows, seed=seed)
    if method == "occlusion":
        return explain_by_occlusion(score, windows)
    # imports torch, which the others do not need
    from gaitproof.explain import gradients

    explain = {
        "gradient": gradients.explain_by_gradients,
        "integrated": gradients.explain_by_integrated_gradients,
        "gradcam": gradients.explain_by_gradcam,
    }[method]
    return explain(score, windows)

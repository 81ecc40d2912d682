"""Explanations by gradients of the verification score; they need torch and Captum.

What is differentiated is the similarity of probe and template, normalised as in verification, and
not a class score: the question is why this walk is or is not like that template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numpy as np

from gaitproof.errors import DependencyError, ModelError
from gaitproof.explain.importance import (
    ANGLE_COLUMNS,
    GROUP_COLUMNS,
    JOINT_COLUMNS,
    Float64,
    Importance,
    ProbeScore,
    Timeline,
)
from gaitproof.explain.occlusion import BASELINE
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import GaitWindows
from gaitproof.verify.evidence import offset
from gaitproof.verify.normalisation import SQUASH, Normalisation

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

STEPS: Final = 32
"""Points of the path of integrated gradients (Gauss-Legendre)."""

Part = TypeVar("Part")
Attribute = Callable[["Tensor", Callable[["Tensor"], "Tensor"]], "Tensor"]


def explain_by_gradients(score: ProbeScore, windows: GaitWindows) -> Importance:
    """Multiply what the network sees by the gradient of the similarity (Shrikumar et al., 2016).

    Parameters
    ----------
    score
        What is explained; its encoder is an `OnnxEncoder` with a torch network beside it.
    windows
        The usable windows of the probe, at least one.

    Raises
    ------
    DependencyError
        If torch or Captum is not installed.
    ModelError
        If the model has no torch network beside it.
    """
    captum = _captum()
    return _explained(
        "gradient",
        "the first-order change from " + BASELINE,
        score,
        windows,
        lambda inputs, similarity: captum.InputXGradient(similarity).attribute(inputs),
    )


def explain_by_integrated_gradients(score: ProbeScore, windows: GaitWindows) -> Importance:
    """Integrate the gradient from the average walker to the probe (Sundararajan et al., ICML 2017).

    All contributions add up to the similarity minus that of the average walker, but for the error
    of the numerical integration.

    Parameters
    ----------
    score, windows
        As in `explain_by_gradients`.

    Raises
    ------
    DependencyError, ModelError
        As in `explain_by_gradients`.
    """
    captum = _captum()

    def integrate(inputs: Tensor, similarity: Callable[[Tensor], Tensor]) -> Tensor:
        attributions: Tensor = captum.IntegratedGradients(similarity).attribute(
            inputs, n_steps=STEPS
        )
        return attributions

    return _explained("integrated", BASELINE, score, windows, integrate)


def explain_by_gradcam(score: ProbeScore, windows: GaitWindows) -> Importance:
    """Weigh the moments by temporal Grad-CAM (Selvaraju et al., ICCV 2017), signed.

    The activations of the last convolution, times the mean gradient of the similarity per channel.
    Negative values are kept: they speak against the claim. A part of the network without
    convolutions, such as the discriminants of ``blend``, has no say in it. Joints, angles and
    groups have no place in a convolution's channels and are those of `explain_by_gradients`.

    Parameters
    ----------
    score, windows
        As in `explain_by_gradients`.

    Raises
    ------
    DependencyError
        As in `explain_by_gradients`.
    ModelError
        Also if the network has no convolution over time.
    """
    plain = explain_by_gradients(score, windows)
    import torch

    network = _network(score)
    layer = _last_convolutions(network)
    inputs = torch.from_numpy(score.encoder.normalise(windows))
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda module, args, output: seen.append(output))
    try:
        similarity = _similarity(score, network)(inputs[None])
    finally:
        hook.remove()
    (activations,) = seen
    (gradient,) = torch.autograd.grad(similarity.sum(), activations)
    # (N, C, T') or of every joint, coarser than the frames: shared out evenly among them
    weights = gradient.flatten(2).mean(dim=2)[..., None]
    moments = activations.unsqueeze(-1).flatten(3).sum(dim=3)
    coarse = (weights * moments).sum(dim=1).detach()
    fine = torch.nn.functional.interpolate(coarse[:, None], size=inputs.shape[1], mode="linear")
    values = fine[:, 0].double().numpy() * (coarse.shape[1] / inputs.shape[1])
    line = Timeline.of(windows, inputs.shape[1])
    return Importance(
        method="gradcam",
        baseline=f"moments: none (activations); joints: {plain.baseline}",
        score=plain.score,
        times=line.times,
        over_time=line.merge(values),
        joints=plain.joints,
        angles=plain.angles,
        groups=plain.groups,
    )


def _explained(
    method: str, baseline: str, score: ProbeScore, windows: GaitWindows, attribute: Attribute
) -> Importance:
    import torch

    inputs = score.encoder.normalise(windows)
    similarity = _similarity(score, _network(score))
    # one example: the similarity is that of all windows together
    tensor = torch.from_numpy(inputs)[None].requires_grad_()
    values = attribute(tensor, similarity)[0].detach().double().numpy()
    line = Timeline.of(windows, inputs.shape[1])
    per_feature = values.sum(axis=(0, 1))
    return Importance(
        method=method,
        baseline=baseline,
        score=score(inputs),
        times=line.times,
        over_time=line.merge(values.sum(axis=2)),
        joints=_sums(per_feature, JOINT_COLUMNS),
        angles=_sums(per_feature, ANGLE_COLUMNS),
        groups=_sums(per_feature, GROUP_COLUMNS),
    )


def _sums(values: Float64, parts: Mapping[Part, tuple[int, ...]]) -> dict[Part, float]:
    return {part: float(values[list(columns)].sum()) for part, columns in parts.items()}


def _captum() -> Any:
    try:
        from captum import attr
    except ImportError as error:
        raise DependencyError(
            "Explanations by gradients need torch and Captum.",
            actual=f"no module {error.name!r}",
            hint="pip install 'gaitproof[train]', or choose occlusion or shapley",
        ) from error
    return attr


def _network(score: ProbeScore) -> nn.Module:
    from gaitproof.nets.trainable import TorchEncoder, read_network

    if isinstance(score.encoder, TorchEncoder):
        return score.encoder.network
    if not isinstance(score.encoder, OnnxEncoder):
        raise ModelError("Only models read from a folder have gradients.")
    return read_network(score.encoder)


def _last_convolutions(network: nn.Module) -> nn.Module:
    """Return the module whose output (N, C, T) or (N, C, T, J) is that of the last convolution."""
    for module in network.modules():
        maps = getattr(module, "maps", None)
        if maps is not None:
            return cast("nn.Module", maps)
    raise ModelError(
        "The network has no convolution over time for Grad-CAM to look at.",
        expected="a hybrid network, cnn, blend, gaitgraph, gpgait, gaittr or sposgait",
        hint="choose another method: integrated, gradients, occlusion or shapley",
    )


def _similarity(score: ProbeScore, network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return the similarities (B,) of B probes of N windows each, (B, N, T, 78)."""
    import torch

    template = torch.from_numpy(np.asarray(score.template, np.float32))
    if score.encoder.card.evidence is not None:
        return _relative_similarity(score, network, template)
    measure = Normalisation.of(score.encoder)
    cohort = torch.from_numpy(np.asarray(measure.cohort, np.float32))
    own = _spread(cohort @ template, measure.top) if len(cohort) else None

    def similarity(inputs: torch.Tensor) -> torch.Tensor:
        embeddings = network(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
        probe = torch.nn.functional.normalize(embeddings.mean(dim=1), dim=1)
        cosine = probe @ template
        if measure.kind == "none" or own is None:
            return (cosine + 1) / 2
        mean, spread = _spread(probe @ cohort.T, measure.top)
        deviations = {
            "z": (cosine - own[0]) / own[1],
            "t": (cosine - mean) / spread,
        }
        both = (deviations["z"] + deviations["t"]) / 2
        return torch.sigmoid(SQUASH * deviations.get(measure.kind, both))

    return similarity


def _relative_similarity(
    score: ProbeScore, network: nn.Module, template: Tensor
) -> Callable[[Tensor], Tensor]:
    """Return similarities relative to the references, as `gaitproof.verify.evidence.score`."""
    import torch

    people = score.references
    centre = torch.zeros_like(template)
    if people is not None and len(people):
        centre = torch.from_numpy(offset(people).astype(np.float32))
    direction = torch.nn.functional.normalize(template - centre, dim=0)

    def similarity(inputs: torch.Tensor) -> torch.Tensor:
        embeddings = network(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
        probe = torch.nn.functional.normalize(embeddings.mean(dim=1), dim=1)
        return (torch.nn.functional.normalize(probe - centre, dim=1) @ direction + 1) / 2

    return similarity


def _spread(scores: Tensor, top: int | None) -> tuple[Tensor, Tensor]:
    """Return mean and spread over the cohort, or the `top` most alike of it."""
    if top is not None and top < scores.shape[-1]:
        scores = scores.topk(top, dim=-1).values
    return scores.mean(dim=-1), scores.std(dim=-1, correction=0)

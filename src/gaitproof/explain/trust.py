"""Can an explanation be believed? Two tests that a made-up one fails, also of one clip.

Deletion (Petsiuk et al., "RISE", BMVC 2018): without the parts that an explanation calls most
important for the claim the similarity must fall faster than without parts drawn at random. Sanity
(Adebayo et al., NeurIPS 2018): the same network with its weights shuffled knows nothing, so an
explanation of it must be another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.integrate import trapezoid
from scipy.stats import spearmanr

from gaitproof.errors import DependencyError
from gaitproof.explain.importance import (
    ANGLE_COLUMNS,
    JOINT_COLUMNS,
    Float64,
    Importance,
    ProbeScore,
    Timeline,
)
from gaitproof.explain.methods import WITH_GRADIENTS, explain_score
from gaitproof.explain.occlusion import SLOT_FRAMES
from gaitproof.nets.encoder import Encoder
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import GaitWindows

if TYPE_CHECKING:
    from gaitproof.nets.trainable import TorchEncoder


DRAWS: Final = 10
"""Random orders that the explanation's order is compared with."""

STEPS: Final = 10
"""Of moments, a tenth of them each; joints and angles are taken away one by one."""


@dataclass(frozen=True, eq=False)
class Deletion:
    """The similarity while parts of a walk are taken away.

    Parameters
    ----------
    guided
        Shape (K + 1,): the most important for the claim first; nothing is missing at index 0, and
        everything at K.
    at_random
        Shape (K + 1,): in random orders, their mean.
    """

    guided: Float64
    at_random: Float64

    @property
    def area(self) -> float:
        """Mean similarity on the way: the area under the curve; lower is more faithful."""
        return _area(self.guided)

    @property
    def random_area(self) -> float:
        """The same for random orders."""
        return _area(self.at_random)


@dataclass(frozen=True)
class Sanity:
    """Rank correlation (Spearman) with the explanation of the same network, weights shuffled.

    Near 1 says that the explanation does not depend on what the network has learnt. NaN if one of
    the two is the same for all parts.
    """

    parts: float
    moments: float


def delete_parts(
    score: ProbeScore,
    windows: GaitWindows,
    importance: Importance,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Deletion:
    """Take away joints and angles one by one.

    Parameters
    ----------
    score, windows
        What was explained.
    importance
        The explanation.
    rng
        Draws the random orders.
    draws
        Number of random orders.
    """
    inputs = score.encoder.normalise(windows)
    columns = [*JOINT_COLUMNS.values(), *ANGLE_COLUMNS.values()]

    def curve(order: Sequence[int]) -> Float64:
        left, scores = inputs.copy(), [score(inputs)]
        for part in order:
            left[..., list(columns[part])] = 0
            scores.append(score(left))
        return np.array(scores)

    return _compare(curve, part_values(importance), rng, draws)


def delete_moments(
    score: ProbeScore,
    windows: GaitWindows,
    importance: Importance,
    rng: np.random.Generator,
) -> Deletion:
    """Take away slots of 0.2 s, a tenth of them at a time.

    Parameters
    ----------
    score, windows, importance, rng
        As in `delete_parts`.
    """
    inputs = score.encoder.normalise(windows)
    line = Timeline.of(windows, inputs.shape[1])
    slots = list(line.slots(SLOT_FRAMES))
    slot_of_moment = np.repeat(np.arange(len(slots)), [len(slot) for slot in slots])
    slot_of_frame = slot_of_moment[line.places]
    values = np.array([importance.over_time[slot].mean() for slot in slots])

    def curve(order: Sequence[int]) -> Float64:
        hidden, scores = np.zeros(slot_of_frame.shape, bool), [score(inputs)]
        for gone in np.array_split(np.asarray(order), min(STEPS, len(slots))):
            hidden |= np.isin(slot_of_frame, gone)
            scores.append(score(np.where(hidden[..., None], np.float32(0), inputs)))
        return np.array(scores)

    return _compare(curve, values, rng, DRAWS)


def part_values(importance: Importance) -> Float64:
    """Return the contributions of the 12 joints, then of the 6 angles."""
    joints = [importance.joints[joint] for joint in JOINT_COLUMNS]
    return np.array([*joints, *(importance.angles[name] for name in ANGLE_COLUMNS)])


def compare_explanations(trained: Importance, shuffled: Importance) -> Sanity:
    """Tell how alike an explanation is to that of the network with shuffled weights.

    Parameters
    ----------
    trained, shuffled
        Of the same windows by the same method.
    """
    return Sanity(
        _rank_correlation(part_values(trained), part_values(shuffled)),
        _rank_correlation(trained.over_time, shuffled.over_time),
    )


def _compare(
    curve: Callable[[Sequence[int]], Float64],
    values: Float64,
    rng: np.random.Generator,
    draws: int,
) -> Deletion:
    guided = curve(np.argsort(-values, kind="stable").tolist())
    drawn = [curve(rng.permutation(len(values)).tolist()) for _ in range(draws)]
    return Deletion(guided, np.mean(drawn, axis=0))


def _area(curve: Float64) -> float:
    return float(trapezoid(curve, dx=1 / (len(curve) - 1)))


def _rank_correlation(a: Float64, b: Float64) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def shuffle_weights(encoder: OnnxEncoder, seed: int = 0) -> OnnxEncoder:
    """Shuffle every array of weights within itself, and keep the rest of a model.

    Parameters
    ----------
    encoder
        Its card goes with the result, but for the SHA-256, and so does its cohort: scores stay on
        the same scale, though the cohort means nothing any more.
    seed
        Draws another order.

    Raises
    ------
    DependencyError
        If the package ``onnx`` is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise DependencyError(
            "Shuffling the weights of a model needs the package onnx.",
            hint="pip install 'gaitproof[train]'",
        ) from error
    model = onnx.load_from_string(encoder.weights)
    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        # single numbers and integers are constants of the graph, such as shapes
        if values.size > 1 and values.dtype.kind == "f":
            mixed = rng.permuted(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    changed = model.SerializeToString()
    digest = hashlib.sha256(changed).hexdigest()
    card = encoder.card.model_copy(update={"weights_sha256": digest})
    return OnnxEncoder(changed, card, encoder.cohort)


def shuffle_network(encoder: OnnxEncoder, seed: int = 0) -> TorchEncoder:
    """Do the same to the torch network beside a model, for explanations by gradients.

    Parameters
    ----------
    encoder, seed
        As in `shuffle_weights`.

    Raises
    ------
    ModelError
        If the model has no torch network beside it.
    """
    import torch

    from gaitproof.nets.trainable import TorchEncoder, read_network

    network = read_network(encoder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in network.state_dict().values():
            if values.is_floating_point() and values.numel() > 1:
                order = torch.randperm(values.numel(), generator=generator)
                values.copy_(values.flatten()[order].reshape(values.shape))
    return TorchEncoder(network, encoder)


@dataclass(frozen=True, eq=False)
class Trust:
    """Two tests of an explanation.

    Parameters
    ----------
    parts, moments
        What taking away joints and angles, and moments, in the explanation's order does to the
        similarity, and in random orders.
    sanity
        Rank correlation with the explanation of the network with shuffled weights; None if the
        weights could not be shuffled here.
    """

    parts: Deletion
    moments: Deletion
    sanity: Sanity | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        fields: dict[str, Any] = {
            name: {"area": deletion.area, "random_area": deletion.random_area}
            for name, deletion in (("joints_angles", self.parts), ("moments", self.moments))
        }
        if self.sanity is not None:
            fields["joints_angles"]["shuffled_correlation"] = self.sanity.parts
            fields["moments"]["shuffled_correlation"] = self.sanity.moments
        return fields


_SEED: Final = 0
"""Draws random orders and shuffles."""


def check_explanation(score: ProbeScore, windows: GaitWindows, importance: Importance) -> Trust:
    """Test the explanation of a clip by deletion and by shuffled weights."""
    rng = np.random.default_rng(_SEED)
    shuffled = _shuffled(score.encoder, importance.method, _SEED)
    sanity = None
    if shuffled is not None:
        other = explain_score(
            shuffled,
            windows,
            score.template,
            importance.method,
            references=score.references,
            seed=_SEED,
        )
        sanity = compare_explanations(importance, other)
    return Trust(
        delete_parts(score, windows, importance, rng),
        delete_moments(score, windows, importance, rng),
        sanity,
    )


def _shuffled(encoder: Encoder, method: str, seed: int) -> Encoder | None:
    if not isinstance(encoder, OnnxEncoder):
        return None
    if method in WITH_GRADIENTS:
        return shuffle_network(encoder, seed)
    try:
        return shuffle_weights(encoder, seed)
    except DependencyError:
        # an installation without the training extra explains too
        return None

"""Whether the explanation of one clip can be believed, for the page beside its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gaitproof.errors import DependencyError
from gaitproof.explain.faithfulness import (
    Deletion,
    Sanity,
    compare_explanations,
    delete_moments,
    delete_parts,
)
from gaitproof.explain.importance import Importance
from gaitproof.explain.methods import WITH_GRADIENTS, explain_score
from gaitproof.explain.score import ProbeScore
from gaitproof.nets.encoder import Encoder
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.types import GaitWindows


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
    from gaitproof.explain.shuffled import shuffle_network, shuffle_weights

    if not isinstance(encoder, OnnxEncoder):
        return None
    if method in WITH_GRADIENTS:
        return shuffle_network(encoder, seed)
    try:
        return shuffle_weights(encoder, seed)
    except DependencyError:
        # an installation without the training extra explains too
        return None

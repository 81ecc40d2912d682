"""What happens to gait windows before a network sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import align_heading

Alignment = Literal["camera", "heading"]


def align(features: NDArray[np.floating[Any]], alignment: Alignment) -> NDArray[np.floating[Any]]:
    """Apply the named alignment: none (``camera``) or `align_heading` (``heading``)."""
    return align_heading(features) if alignment == "heading" else features


@dataclass(frozen=True, eq=False)
class Normaliser:
    """z-score of aligned features; a missing feature becomes 0, the mean.

    Parameters
    ----------
    mean, std
        Shape (78,), of the training subjects.
    alignment
        How windows are turned first.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    alignment: Alignment

    def __call__(
        self, features: NDArray[np.floating[Any]], mask: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Normalise features (N, 60, 78) whose known ones are True in `mask` (N, 78)."""
        aligned = align(features, self.alignment)
        scores = (aligned - self.mean) / self.std * mask[:, None, :]
        return scores.astype(np.float32)

    @classmethod
    def fit(
        cls,
        features: NDArray[np.floating[Any]],
        mask: NDArray[np.bool_],
        alignment: Alignment,
    ) -> Self:
        """Measure mean and deviation over known features (0 and 1 for one that is never known)."""
        aligned = align(features, alignment)
        weight = mask.astype(np.float64)[:, None, :] * np.ones((1, features.shape[1], 1))
        total = np.maximum(weight.sum(axis=(0, 1)), 1)
        mean = (aligned * weight).sum(axis=(0, 1)) / total
        variance = ((aligned - mean) ** 2 * weight).sum(axis=(0, 1)) / total
        std = np.where(mask.any(axis=0), np.sqrt(variance), 1.0)
        return cls(mean.astype(np.float32), np.maximum(std, 1e-3).astype(np.float32), alignment)

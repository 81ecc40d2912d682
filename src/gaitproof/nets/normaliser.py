"""What happens to gait windows before a network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import align_heading, compute_features
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES, WINDOW_RATE

Alignment = Literal["camera", "heading"]
Bones = Literal["own", "canonical"]
FeatureGroup = Literal["coordinates", "angles", "velocities"]
Features = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

FEATURE_GROUPS: Final[dict[FeatureGroup, slice]] = {
    "coordinates": slice(0, 36),
    "angles": slice(36, 42),
    "velocities": slice(42, 78),
}
"""Columns of each group, as `compute_features` lays them out."""

ALL_FEATURES: Final = tuple(FEATURE_GROUPS)


def align(features: Features, alignment: Alignment) -> Features:
    """Apply the named alignment: none (``camera``) or `align_heading` (``heading``)."""
    return align_heading(features) if alignment == "heading" else features


def with_canonical_bones(features: Features, mask: Mask) -> Features:
    """Compute the features that windows would have, were every bone of canonical length.

    Parameters
    ----------
    features
        Shape (N, T, 78), 0 where unknown.
    mask
        Shape (N, 78), False where unknown.

    Returns
    -------
    ndarray
        Shape (N, T, 78), same type, 0 where unknown.
    """
    from gaitproof.gait.canonical import canonical_bones

    if not len(features):
        return features
    group = FEATURE_GROUPS["coordinates"]
    known = np.where(mask[:, None, group], features[..., group].astype(np.float64), np.nan)
    points = canonical_bones(known.reshape(*features.shape[:-1], 12, 3))
    remade = compute_features(np.arange(features.shape[1]) / WINDOW_RATE, points)
    return np.nan_to_num(remade, nan=0.0).astype(features.dtype)


@dataclass(frozen=True, eq=False)
class Normaliser:
    """z-score of aligned features; a missing or unwanted feature becomes 0, the mean.

    Parameters
    ----------
    mean, std
        Shape (78,), of the training subjects.
    alignment
        How windows are turned first.
    features
        Groups of `FEATURE_GROUPS` that are kept.
    frames
        Length of what a network sees, from the window's start.
    bones
        ``canonical`` replaces every walker's bone lengths before anything else.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    alignment: Alignment
    features: tuple[FeatureGroup, ...] = ALL_FEATURES
    frames: int = WINDOW_FRAMES
    bones: Bones = "own"

    def __call__(self, features: Features, mask: Mask) -> NDArray[np.float32]:
        """Normalise features (N, 60, 78) whose known ones are True in `mask` (N, 78).

        Returns
        -------
        ndarray of float32
            Shape (N, frames, 78).
        """
        aligned = _prepare(features, mask, self.alignment, self.frames, self.bones)
        scores = (aligned - self.mean) / self.std * (mask & self._wanted)[:, None, :]
        return scores.astype(np.float32)

    @property
    def _wanted(self) -> Mask:
        wanted = np.zeros(N_FEATURES, bool)
        for group in self.features:
            wanted[FEATURE_GROUPS[group]] = True
        return wanted

    @classmethod
    def fit(
        cls,
        features: Features,
        mask: Mask,
        alignment: Alignment,
        *,
        groups: Sequence[FeatureGroup] = ALL_FEATURES,
        frames: int = WINDOW_FRAMES,
        bones: Bones = "own",
    ) -> Self:
        """Measure mean and deviation over known features (0 and 1 for one that is never known).

        Parameters
        ----------
        features, mask
            Shapes (N, 60, 78) and (N, 78).
        alignment, groups, frames, bones
            As for the class.
        """
        aligned = _prepare(features, mask, alignment, frames, bones)
        weight = mask.astype(np.float64)
        total = np.maximum(weight.sum(axis=0) * aligned.shape[1], 1)
        mean = np.einsum("ntf,nf->f", aligned, weight) / total
        away = aligned - mean
        variance = np.einsum("ntf,ntf,nf->f", away, away, weight) / total
        std = np.where(mask.any(axis=0), np.sqrt(variance), 1.0)
        return cls(
            mean.astype(np.float32),
            np.maximum(std, 1e-3).astype(np.float32),
            alignment,
            tuple(groups),
            frames,
            bones,
        )


def _prepare(
    features: Features, mask: Mask, alignment: Alignment, frames: int, bones: Bones
) -> Features:
    cropped = features[:, :frames]
    if bones == "canonical":
        cropped = with_canonical_bones(cropped, mask)
    return align(cropped, alignment)

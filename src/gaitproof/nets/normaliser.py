"""What happens to gait windows before a network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.gait.canonical import orient
from gaitproof.gait.features import align_heading, compute_features
from gaitproof.types.layouts import GAIT_LAYOUT, layout_of
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

Alignment = Literal["camera", "heading", "human-oriented"]
Bones = Literal["own", "canonical"]
FeatureGroup = Literal["coordinates", "angles", "velocities"]
Features = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Lengths = NDArray[np.integer[Any]] | None

FEATURE_GROUPS: Final[dict[FeatureGroup, slice]] = {
    "coordinates": GAIT_LAYOUT.coordinates,
    "angles": GAIT_LAYOUT.angles,
    "velocities": GAIT_LAYOUT.velocities,
}
"""Columns of each group among the 78, as `compute_features` lays them out."""

ALL_FEATURES: Final = tuple(FEATURE_GROUPS)


def align(features: Features, alignment: Alignment, lengths: Lengths = None) -> Features:
    """Apply the named alignment: none (``camera``), `align_heading`, or `orient`."""
    if alignment == "human-oriented":
        return orient(features, lengths)
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
        Shape (F,), of the training subjects; F is 78, or 108 of the 17 COCO joints.
    alignment
        How windows are turned first.
    features
        Groups of `FEATURE_GROUPS` that are kept.
    frames
        Length of what a network sees, from the window's start.
    bones
        ``canonical`` replaces every walker's bone lengths before anything else.
    padded
        Whether a last number per frame says if it is known (1) or padding (0, as all else in it).
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    alignment: Alignment
    features: tuple[FeatureGroup, ...] = ALL_FEATURES
    frames: int = WINDOW_FRAMES
    bones: Bones = "own"
    padded: bool = False

    def __call__(
        self, features: Features, mask: Mask, lengths: Lengths = None
    ) -> NDArray[np.float32]:
        """Normalise features (N, 60, F) whose known ones are True in `mask` (N, F).

        Parameters
        ----------
        features, mask
            As in `gaitproof.types.GaitWindows`.
        lengths
            Shape (N,): frames before the padding; by default all. Only if `padded` fewer.

        Returns
        -------
        ndarray of float32
            Shape (N, frames, F), or F + 1 if `padded`.

        Raises
        ------
        ModelError
            If the windows have other joints than the training subjects', or padding that the
            network does not know of.
        """
        if not len(features):
            return np.zeros((0, self.frames, self.width), np.float32)
        self._check(features, lengths)
        aligned = _prepare(features, mask, self.alignment, self.frames, self.bones, lengths)
        scores = (aligned - self.mean) / self.std * (mask & self._wanted)[:, None, :]
        if self.padded:
            known = _known(len(features), self.frames, lengths)[..., None]
            scores = np.concatenate([np.where(known, scores, 0.0), known], axis=-1)
        return scores.astype(np.float32)

    def _check(self, features: Features, lengths: Lengths) -> None:
        if features.shape[-1] != len(self.mean):
            raise ModelError(
                "The network reads other joints than these windows have.",
                expected=f"{len(self.mean)} features per frame",
                actual=str(features.shape[-1]),
                hint="models of joints other than the gait landmarks are for gaitproof evaluate",
            )
        if not self.padded and lengths is not None and (lengths < self.frames).any():
            raise ModelError(
                "The network reads no padded windows.",
                expected=f"{self.frames} known frames",
                actual=str(lengths.min()),
            )

    @property
    def width(self) -> int:
        """Numbers of a frame that the network sees."""
        return len(self.mean) + self.padded

    @property
    def _wanted(self) -> Mask:
        layout = layout_of(len(self.mean))
        wanted = np.zeros(len(self.mean), bool)
        for group in self.features:
            wanted[getattr(layout, group)] = True
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
        lengths: Lengths = None,
        padded: bool = False,
    ) -> Self:
        """Measure mean and deviation over known features (0 and 1 for one that is never known).

        Parameters
        ----------
        features, mask
            Shapes (N, 60, F) and (N, F).
        alignment, groups, frames, bones, padded
            As for the class.
        lengths
            As for `__call__`.
        """
        aligned = _prepare(features, mask, alignment, frames, bones, lengths)
        weight = mask.astype(np.float64)
        known = _known(len(features), frames, lengths).astype(np.float64)
        aligned = aligned * known[..., None]
        total = np.maximum(known.sum(axis=1) @ weight, 1)
        mean = np.einsum("ntf,nf->f", aligned, weight) / total
        away = (aligned - mean) * known[..., None]
        variance = np.einsum("ntf,ntf,nf->f", away, away, weight) / total
        std = np.where(mask.any(axis=0), np.sqrt(variance), 1.0)
        return cls(
            mean.astype(np.float32),
            np.maximum(std, 1e-3).astype(np.float32),
            alignment,
            tuple(groups),
            frames,
            bones,
            padded,
        )


def _known(count: int, frames: int, lengths: Lengths) -> Mask:
    """Return which frames are no padding, shape (count, frames)."""
    ends = np.full(count, frames) if lengths is None else lengths
    return np.asarray(np.arange(frames) < ends[:, None])


def _prepare(
    features: Features,
    mask: Mask,
    alignment: Alignment,
    frames: int,
    bones: Bones,
    lengths: Lengths,
) -> Features:
    cropped = features[:, :frames]
    if bones == "canonical":
        cropped = with_canonical_bones(cropped, mask)
    return align(cropped, alignment, lengths)

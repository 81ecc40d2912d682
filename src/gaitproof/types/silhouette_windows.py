"""Fixed-length windows of one person's silhouettes, alone or with the joints of the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.rows import Rows, freeze
from gaitproof.types.silhouette import MASK_BYTES, MASK_HEIGHT, MASK_WIDTH
from gaitproof.types.windows import GaitWindows

SILHOUETTE_RATE: Final = 25.0
"""Frames per second of every window; masks cannot be interpolated, and CASIA-B has this rate."""

SILHOUETTE_FRAMES: Final = 50
"""Frames per window: 2 s, as for the joints."""

SILHOUETTE_HOP: Final = 25
"""Frames between the starts of neighbouring windows."""


@dataclass(frozen=True, eq=False)
class SilhouetteWindows(Rows):
    """Windows of silhouettes at 25 Hz; immutable and validated.

    Parameters
    ----------
    bits
        Shape (N, 50, 352), uint8: `numpy.packbits` of the 64 × 44 masks.
    starts
        Shape (N,): start of each window, seconds in the source.

    Raises
    ------
    PoseError
        If shapes disagree or a start is not finite.
    """

    bits: NDArray[np.uint8]
    starts: NDArray[np.float64]

    def __post_init__(self) -> None:
        bits = np.array(self.bits, dtype=np.uint8)
        starts = np.array(self.starts, dtype=np.float64)
        n = len(bits)
        if bits.shape != (n, SILHOUETTE_FRAMES, MASK_BYTES) or starts.shape != (n,):
            raise PoseError(
                "Silhouette windows have the wrong shape.",
                expected=f"bits (N, {SILHOUETTE_FRAMES}, {MASK_BYTES}), starts (N,)",
                actual=f"{bits.shape}, {starts.shape}",
            )
        if not np.isfinite(starts).all():
            raise PoseError("Silhouette windows must start at finite seconds.")
        freeze(self, bits=bits, starts=starts)

    @property
    def masks(self) -> NDArray[np.uint8]:
        """Shape (N, 50, 64, 44): 1 is the person."""
        flat = np.unpackbits(self.bits, axis=2)
        return flat.reshape(len(self), SILHOUETTE_FRAMES, MASK_HEIGHT, MASK_WIDTH)

    def tobytes(self) -> bytes:
        """Return the masks' bytes, by which the leak audit knows a walk again."""
        return self.bits.tobytes()

    @classmethod
    def empty(cls) -> Self:
        """Return no windows at all (falsy)."""
        return cls(np.zeros((0, SILHOUETTE_FRAMES, MASK_BYTES), np.uint8), np.zeros(0))


MAX_APART: Final = 0.26
"""Seconds between the starts of two paired windows: windows of joints start every half second."""


@dataclass(frozen=True, eq=False)
class PairedWindows:
    """Windows of both signals, row by row of the same two seconds; immutable and validated.

    Parameters
    ----------
    silhouettes
        N windows at 25 Hz.
    joints
        N windows at 30 Hz; their features are seen as they are, 0 where unknown.

    Raises
    ------
    PoseError
        If numbers of windows differ, or starts by more than `MAX_APART`.
    """

    silhouettes: SilhouetteWindows
    joints: GaitWindows

    def __post_init__(self) -> None:
        if len(self.silhouettes) != len(self.joints):
            raise PoseError(
                "Every window of silhouettes needs one of joints.",
                actual=f"{len(self.silhouettes)} and {len(self.joints)}",
            )
        apart = np.abs(self.silhouettes.starts - self.joints.starts)
        if (apart > MAX_APART).any():
            raise PoseError(
                "Paired windows are not of the same time.",
                expected=f"starts within {MAX_APART:g} s",
                actual=f"{apart.max():.2f} s apart",
            )

    def __len__(self) -> int:
        return len(self.silhouettes)

    @classmethod
    def of(cls, silhouettes: SilhouetteWindows, joints: GaitWindows) -> Self:
        """Pair each window of silhouettes with that of joints nearest in time; others go."""
        if not len(silhouettes) or not len(joints):
            return cls(SilhouetteWindows.empty(), GaitWindows.empty())
        apart = np.abs(silhouettes.starts[:, None] - joints.starts)
        nearest = apart.argmin(axis=1)
        kept = np.flatnonzero(apart[np.arange(len(apart)), nearest] <= MAX_APART)
        return cls(silhouettes.select(kept), joints.select(nearest[kept]))

    def tobytes(self) -> bytes:
        """Return the bytes of both, by which the leak audit knows a walk again."""
        return self.silhouettes.tobytes() + self.joints.tobytes()

    def select(self, keep: NDArray[np.bool_] | NDArray[np.integer[Any]]) -> Self:
        """Return only the given windows."""
        return type(self)(self.silhouettes.select(keep), self.joints.select(keep))

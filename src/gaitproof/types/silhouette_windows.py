"""Fixed-length windows of one person's silhouettes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.rows import Rows, freeze
from gaitproof.types.silhouette import MASK_BYTES, MASK_HEIGHT, MASK_WIDTH

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

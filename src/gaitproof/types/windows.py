"""Fixed-length feature windows of one walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.rows import Rows, freeze

WINDOW_FRAMES: Final = 60
"""Frames per window: 2 s, one to two gait cycles (gait seed, paper, F.2)."""

WINDOW_RATE: Final = 30.0
"""Frames per second of every window."""

WINDOW_HOP: Final = 15
"""Frames between the starts of neighbouring windows."""

N_FEATURES: Final = 78
"""36 coordinates, 6 angles, 36 velocities."""


@dataclass(frozen=True, eq=False)
class GaitWindows(Rows):
    """Windows of gait features at 30 Hz; immutable and validated.

    Parameters
    ----------
    features
        Shape (N, 60, 78), float32. Units: coordinates in torso lengths, angles in radians,
        velocities in torso lengths per second. 0 wherever `mask` is False.
    mask
        Shape (N, 78): False for a feature that the source does not have (a sensor without heels).
    starts
        Shape (N,): start of each window, seconds in the source.

    Raises
    ------
    PoseError
        If shapes disagree or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import gaitproof as gp
    >>> windows = gp.GaitWindows(np.zeros((2, 60, 78)), np.ones((2, 78)), np.array([0.0, 0.5]))
    >>> len(windows)
    2
    """

    features: NDArray[np.float32]
    mask: NDArray[np.bool_]
    starts: NDArray[np.float64]

    def __post_init__(self) -> None:
        features = np.array(self.features, dtype=np.float32)
        mask = np.array(self.mask, dtype=bool)
        starts = np.array(self.starts, dtype=np.float64)
        n = len(features)
        if (
            features.shape != (n, WINDOW_FRAMES, N_FEATURES)
            or mask.shape != (n, N_FEATURES)
            or starts.shape != (n,)
        ):
            raise PoseError(
                "Gait windows have the wrong shape.",
                expected=f"features (N, {WINDOW_FRAMES}, {N_FEATURES}), mask (N, {N_FEATURES}), "
                "starts (N,)",
                actual=f"{features.shape}, {mask.shape}, {starts.shape}",
            )
        if not np.isfinite(features).all() or not np.isfinite(starts).all():
            raise PoseError("Gait windows must hold finite numbers only.")
        freeze(self, features=features * mask[:, None, :], mask=mask, starts=starts)

    def tobytes(self) -> bytes:
        """Return the features' bytes, by which the leak audit knows a walk again."""
        return self.features.tobytes()

    @classmethod
    def empty(cls) -> Self:
        """Return no windows at all (falsy)."""
        return cls(
            np.zeros((0, WINDOW_FRAMES, N_FEATURES), np.float32),
            np.zeros((0, N_FEATURES), bool),
            np.zeros(0),
        )

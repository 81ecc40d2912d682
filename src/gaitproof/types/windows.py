"""Fixed-length feature windows of one walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.layouts import GAIT_LAYOUT, Layout, layout_of
from gaitproof.types.rows import Rows, freeze

WINDOW_FRAMES: Final = 60
"""Frames per window: 2 s, one to two gait cycles (gait seed, paper, F.2)."""

WINDOW_RATE: Final = 30.0
"""Frames per second of every window."""

WINDOW_HOP: Final = 15
"""Frames between the starts of neighbouring windows."""

N_FEATURES: Final = GAIT_LAYOUT.n_features
"""78: 36 coordinates, 6 angles, 36 velocities."""


@dataclass(frozen=True, eq=False)
class GaitWindows(Rows):
    """Windows of gait features at 30 Hz; immutable and validated.

    Parameters
    ----------
    features
        Shape (N, 60, 78), or (N, 60, 108) of the 17 COCO joints; float32. Units: coordinates in
        torso lengths, angles in radians, velocities in torso lengths per second. 0 wherever
        `mask` is False, and beyond a window's length.
    mask
        Shape (N, 78): False for a feature that the source does not have (a sensor without heels).
    starts
        Shape (N,): start of each window, seconds in the source.
    lengths
        Shape (N,): frames of each window that are known, 2 to 60; the others are padding. None:
        all are.

    Raises
    ------
    PoseError
        If shapes disagree, a length is out of range or a value is not finite.

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
    lengths: NDArray[np.int64] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        features = np.array(self.features, dtype=np.float32)
        mask = np.array(self.mask, dtype=bool)
        starts = np.array(self.starts, dtype=np.float64)
        n = len(features)
        width = layout_of(features.shape[-1]).n_features
        lengths = np.full(n, WINDOW_FRAMES) if self.lengths is None else np.array(self.lengths)
        if (
            features.shape != (n, WINDOW_FRAMES, width)
            or mask.shape != (n, width)
            or starts.shape != (n,)
            or lengths.shape != (n,)
        ):
            raise PoseError(
                "Gait windows have the wrong shape.",
                expected=f"features (N, {WINDOW_FRAMES}, {width}), mask (N, {width}), "
                "starts (N,), lengths (N,)",
                actual=f"{features.shape}, {mask.shape}, {starts.shape}, {lengths.shape}",
            )
        if not np.isfinite(features).all() or not np.isfinite(starts).all():
            raise PoseError("Gait windows must hold finite numbers only.")
        if n and not 2 <= lengths.min() <= lengths.max() <= WINDOW_FRAMES:
            raise PoseError(
                "A gait window cannot have so many known frames.",
                expected=f"2 to {WINDOW_FRAMES}",
                actual=f"{lengths.min()} to {lengths.max()}",
            )
        shown = mask[:, None, :] & (np.arange(WINDOW_FRAMES) < lengths[:, None])[..., None]
        freeze(self, features=features * shown, mask=mask, starts=starts, lengths=lengths)

    @property
    def layout(self) -> Layout:
        """The joints that the features are of."""
        return layout_of(self.features.shape[-1])

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

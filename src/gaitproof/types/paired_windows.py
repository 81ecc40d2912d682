"""Windows of one person's silhouettes and joints at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.types.silhouette_windows import SilhouetteWindows
from gaitproof.types.windows import GaitWindows

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

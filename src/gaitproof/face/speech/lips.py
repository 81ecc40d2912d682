"""The mouth of a talking face over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.types import MESH_POINTS
from gaitproof.types.rows import freeze

Float64 = NDArray[np.float64]

INNER_LIPS: Final = ((13, 14), (82, 87), (312, 317))
"""Vertices above and below the gap of the mouth: in the middle, and half way to either corner."""

MOUTH_CORNERS: Final = (61, 291)
EYE_CORNERS: Final = (33, 263)
"""Outer corners of the eyes, whose distance is the face's scale."""

NOSE_AND_CHIN: Final = (1, 152)


@dataclass(frozen=True, eq=False)
class Lips:
    """Shape of one mouth at T moments, as shares of the distance of the eyes' outer corners.

    Parameters
    ----------
    times
        Shape (T,), seconds, increasing.
    opening
        Shape (T,), height of the gap between the lips.
    width
        Shape (T,), distance of the mouth's corners.
    jaw
        Shape (T,), distance of nose and chin.

    Raises
    ------
    ValueError
        If the lengths differ, a number is not finite, or time does not go on.
    """

    times: Float64
    opening: Float64
    width: Float64
    jaw: Float64

    def __post_init__(self) -> None:
        arrays = {name: np.array(getattr(self, name), np.float64) for name in _FIELDS}
        if len({array.shape for array in arrays.values()}) > 1 or arrays["times"].ndim != 1:
            raise ValueError("times and measures of lips must have one length")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("measures of lips must be finite")
        if (np.diff(arrays["times"]) <= 0).any():
            raise ValueError("the times of lips must increase")
        freeze(self, **arrays)

    def __len__(self) -> int:
        return len(self.times)

    def between(self, start: float, stop: float) -> Lips:
        """Return what was seen from `start` to before `stop` seconds."""
        kept = (self.times >= start) & (self.times < stop)
        return Lips(*(getattr(self, name)[kept] for name in _FIELDS))

    @classmethod
    def of_meshes(cls, times: Float64, meshes: NDArray[np.floating[Any]]) -> Lips:
        """Measure meshes of shape (T, 468, 2), in pixels, seen at `times`."""
        points = np.asarray(meshes, np.float64)
        if points.shape != (len(times), MESH_POINTS, 2):
            raise ValueError(f"meshes of shape {points.shape}, not ({len(times)}, 468, 2)")
        scale = np.maximum(_distance(points, *EYE_CORNERS), 1e-6)
        gaps = [_distance(points, above, below) for above, below in INNER_LIPS]
        return cls(
            np.asarray(times, np.float64),
            np.mean(gaps, axis=0) / scale,
            _distance(points, *MOUTH_CORNERS) / scale,
            _distance(points, *NOSE_AND_CHIN) / scale,
        )


_FIELDS: Final = ("times", "opening", "width", "jaw")


def _distance(points: Float64, one: int, other: int) -> Float64:
    distance: Float64 = np.linalg.norm(points[:, one] - points[:, other], axis=1)
    return distance

"""The faces of one clip, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.types import MESH_POINTS

Image = NDArray[np.uint8]

TENSORS: Final = ("points", "meshes", "times", "simple")
"""Names of what is stored beside the images; ``simple`` only where one is."""


@dataclass(frozen=True, eq=False)
class StoredFaces:
    """The faces of one clip.

    Parameters
    ----------
    images
        Shape (T, H, W, 3), uint8 RGB.
    points
        Shape (T, 5, 2), pixels of the images, as in `gaitproof.face.types.Face`.
    meshes
        Shape (T, 468, 2), likewise; NaN where there is none.
    times
        Shape (T,), seconds, not decreasing.
    simple
        Shape (T,), which of them are simple crops, placed by the detector's box for want of
        landmarks; None if none is.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """

    images: Image
    points: NDArray[np.float32]
    meshes: NDArray[np.float32]
    times: NDArray[np.float64]
    simple: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        count = len(self.images)
        if self.images.ndim != 4 or self.images.shape[3] != 3 or not count:
            raise ValueError(f"images of shape {self.images.shape}, not (T, H, W, 3)")
        shapes = {"points": (count, 5, 2), "meshes": (count, MESH_POINTS, 2), "times": (count,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"'{name}' has shape {getattr(self, name).shape}, not {shape}")

        if self.simple is not None and self.simple.shape != (count,):
            raise ValueError(f"'simple' has shape {self.simple.shape}, not {(count,)}")

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return everything but the images by name, as it is stored."""
        named: dict[str, NDArray[Any]] = {
            "points": self.points,
            "meshes": self.meshes,
            "times": self.times,
        }
        return named if self.simple is None else named | {"simple": self.simple}

    def landmarks(self, place: int) -> NDArray[np.float32]:
        """Return the mesh of an image, or its five points where it has none."""
        mesh: NDArray[np.float32] = self.meshes[place]
        points: NDArray[np.float32] = self.points[place]
        return points if np.isnan(mesh).any() else mesh

"""A static pinhole camera, and where a walker is put before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]

NEAR: Final = 0.3
FAR: Final = 120.0
"""Clipping planes, metres."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera at the origin of scene axes turned down by `tilt`.

    Scene axes: x right, y up, z towards the camera, floor at ``y = -height``; the camera looks
    along -z. Camera axes are the same turned by the tilt about x.

    Parameters
    ----------
    size
        (width, height) of the frame, pixels.
    focal
        Focal length in pixels.
    height
        Metres above the floor.
    tilt
        Degrees downwards.
    """

    size: tuple[int, int]
    focal: float
    height: float
    tilt: float

    @property
    def matrix(self) -> Float64:
        """Rotation (3, 3) from scene axes to camera axes."""
        return axis_rotations("x", self.tilt)

    def to_camera(self, points: NDArray[np.floating[Any]]) -> Float64:
        """Turn scene points (floor at y = 0) into camera axes: shape (..., 3)."""
        moved: Float64 = (points - np.array([0.0, self.height, 0.0])) @ self.matrix.T
        return moved

    def project(self, points: NDArray[np.floating[Any]]) -> Float64:
        """Project scene points (floor at y = 0) to pixels: shape (..., 2)."""
        camera = self.to_camera(points)
        depth = -camera[..., 2:]
        middle = np.array(self.size) / 2
        flat: Float64 = camera[..., :2] * np.array([1.0, -1.0]) * self.focal / depth + middle
        return flat

    def clip_matrix(self, box: tuple[float, float, float, float]) -> Float64:
        """Return the OpenGL projection that fills a frame with a pixel box.

        Parameters
        ----------
        box
            Left, top, right, bottom in pixels.
        """
        left, top, right, bottom = box
        cx, cy = np.array(self.size) / 2
        sx, sy = 2 / (right - left), 2 / (bottom - top)
        matrix = np.zeros((4, 4))
        # pixel u = f x / d + cx with d = -z, then u to -1..1 across the box; v runs downwards
        matrix[0, 0] = self.focal * sx
        matrix[0, 2] = -((cx - left) * sx - 1)
        matrix[1, 1] = self.focal * sy
        matrix[1, 2] = (cy - top) * sy - 1
        matrix[2, 2] = -(FAR + NEAR) / (FAR - NEAR)
        matrix[2, 3] = -2 * FAR * NEAR / (FAR - NEAR)
        matrix[3, 2] = -1
        return matrix

    def rays(self, pixels: Float64) -> Float64:
        """Return unit view directions in scene axes of pixels (..., 2): shape (..., 3)."""
        middle = np.array(self.size) / 2
        flat = (pixels - middle) / self.focal * np.array([1.0, -1.0])
        camera = np.concatenate([flat, -np.ones((*flat.shape[:-1], 1))], axis=-1)
        scene: Float64 = camera @ self.matrix
        scene /= np.linalg.norm(scene, axis=-1, keepdims=True)
        return scene

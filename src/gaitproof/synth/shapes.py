"""Signed distances of the shapes a body is made of, and the surface of their smooth union.

Distances are negative inside. Everything is float32: a millimetre on a body is plenty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.raster import array_support, require_renderer

Float32 = NDArray[np.float32]
Vector = tuple[float, float, float]

FAR: Final = 1.0
"""Distance given to places far from every shape, metres."""


@dataclass(frozen=True)
class Cone:
    """A rounded cone from `start` (radius `r0`) to `end` (radius `r1`), widened sideways.

    `flat` scales it along an axis through its own centre line, as a foot or hand is flat.
    """

    start: Vector
    end: Vector
    r0: float
    r1: float
    flat: Vector = (1.0, 1.0, 1.0)

    def distance(self, points: Float32) -> Float32:
        """Return approximate signed distances of (N, 3) points."""
        scale = np.asarray(self.flat, np.float32)
        a = np.asarray(self.start, np.float32)
        axis = (np.asarray(self.end, np.float32) - a) / scale
        from_start = (points - a) / scale
        share = np.clip(from_start @ axis / max(float(axis @ axis), 1e-12), 0, 1)
        rest = from_start - share[:, None] * axis
        length = np.sqrt(np.einsum("ij,ij->i", rest, rest))
        result: Float32 = (length - (self.r0 + (self.r1 - self.r0) * share)) * scale.min()
        return result

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the corners of an enclosing box."""
        ends = np.array([self.start, self.end])
        reach = max(self.r0, self.r1) * np.array(self.flat)
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its axes along the coordinate axes."""

    centre: Vector
    radii: Vector

    def distance(self, points: Float32) -> Float32:
        """Return approximate signed distances of (N, 3) points (first order, after Quilez)."""
        radii = np.asarray(self.radii, np.float32)
        scaled = (points - np.asarray(self.centre, np.float32)) / radii
        k0 = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        scaled = scaled / radii
        k1 = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        result: Float32 = k0 * (k0 - 1) / np.maximum(k1, 1e-6)
        return result

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the corners of an enclosing box."""
        return np.array(self.centre) - self.radii, np.array(self.centre) + self.radii


Shape = Cone | Ellipsoid


def smooth_min(a: Float32, b: Float32, width: float) -> Float32:
    """Blend two distances: the union of two shapes with a fillet of about `width` metres."""
    if width <= 0:
        return np.minimum(a, b)
    h = np.maximum(width - np.abs(a - b), 0) / width
    result: Float32 = np.minimum(a, b) - h * h * (0.25 * width)
    return result


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular grid of points."""

    origin: NDArray[np.float64]
    step: float
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, shapes: list[Shape], step: float, margin: float) -> Grid:
        """Return the grid that encloses all shapes."""
        corners = [shape.bounds() for shape in shapes]
        low = np.min([c[0] for c in corners], axis=0) - margin
        high = np.max([c[1] for c in corners], axis=0) + margin
        n = np.ceil((high - low) / step).astype(int) + 1
        return cls(low, step, (int(n[0]), int(n[1]), int(n[2])))

    def window(self, shape: Shape, margin: float) -> tuple[slice, slice, slice]:
        """Return the part of the grid within `margin` of a shape."""
        low, high = shape.bounds()
        a = np.clip(np.floor((low - margin - self.origin) / self.step), 0, None).astype(int)
        b = np.ceil((high + margin - self.origin) / self.step).astype(int) + 1
        return slice(a[0], b[0]), slice(a[1], b[1]), slice(a[2], b[2])

    def points(self, window: tuple[slice, slice, slice]) -> tuple[Float32, tuple[int, ...]]:
        """Return the (N, 3) points of a window and its three-dimensional shape."""
        axes = [
            (self.origin[i] + self.step * np.arange(self.shape[i])[window[i]]).astype(np.float32)
            for i in range(3)
        ]
        mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        return mesh.reshape(-1, 3), mesh.shape[:3]

    def fill(self, shapes: list[Shape], width: float, reach: float = 0.06) -> Float32:
        """Return the smooth union's distance on the grid; `FAR` away from every shape."""
        field = np.full(self.shape, FAR, np.float32)
        for shape in shapes:
            window = self.window(shape, reach)
            points, size = self.points(window)
            field[window] = smooth_min(field[window], shape.distance(points).reshape(size), width)
        return field


def surface(grid: Grid, field: Float32) -> tuple[Float32, Float32, NDArray[np.int64]]:
    """Return the zero surface of a field.

    Returns
    -------
    tuple of ndarray
        Vertices (V, 3), outward unit normals (V, 3), triangles (F, 3).

    Raises
    ------
    DependencyError
        If VTK is missing.
    """
    require_renderer()
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    support = array_support()
    image = vtkImageData()
    image.SetDimensions(*grid.shape)
    image.SetOrigin(*grid.origin)
    image.SetSpacing(grid.step, grid.step, grid.step)
    values = np.ascontiguousarray(field.transpose(2, 1, 0)).ravel()
    image.GetPointData().SetScalars(support.numpy_to_vtk(values, deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.ComputeNormalsOn()
    contour.ComputeScalarsOff()
    contour.Update()
    mesh = contour.GetOutput()
    vertices = support.vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float32)
    triangles = (
        support.vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    )
    normals = support.vtk_to_numpy(mesh.GetPointData().GetNormals()).astype(np.float32)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    # the distance grows outwards; the sign that the filter gives is checked against volume
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())
    faces = np.cross(b - a, c - a)
    agree = float(np.einsum("ij,ij->i", faces, normals[triangles[:, 0]]).sum())
    if volume < 0:
        triangles = triangles[:, ::-1]
        agree = -agree
    return vertices, normals if agree > 0 else -normals, triangles

"""Drawing one moving mesh off screen with VTK (EGL, software is enough; no X server)."""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.errors import DependencyError

UInt8 = NDArray[np.uint8]

INSTALL: Final = "apt-get install -y libegl1 libgl1 libgl1-mesa-dri"
"""Debian command for the system libraries that off-screen drawing needs."""


def require_renderer() -> None:
    """Check that VTK can be imported.

    Raises
    ------
    DependencyError
        If the package or a system library is missing, with the command that installs it.
    """
    try:
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
    except ImportError as error:
        missing = "vtk" in str(error.name or "")
        raise DependencyError(
            "Synthetic walkers need the renderer, which cannot be loaded.",
            actual=str(error),
            hint="pip install 'gaitproof[synth]'" if missing else INSTALL,
        ) from error


def require_context() -> None:
    """Check that EGL offers a device to draw with.

    VTK itself ends the process with a segmentation fault where there is none.

    Raises
    ------
    DependencyError
        If the EGL library or a driver (the software one is enough) is missing.
    """
    count = ctypes.c_int(0)
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetProcAddress.restype = ctypes.c_void_p
        address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
        if address:
            signature = ctypes.CFUNCTYPE(
                ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
            )
            signature(address)(0, None, ctypes.byref(count))
    except (OSError, AttributeError) as error:
        raise DependencyError(
            "Synthetic walkers need EGL to draw off screen, and it cannot be loaded.",
            actual=str(error),
            hint=INSTALL,
        ) from error
    if count.value < 1:
        raise DependencyError(
            "Synthetic walkers need an OpenGL driver to draw off screen, and EGL finds none.",
            hint=INSTALL,
        )


def array_support() -> Any:
    """Return VTK's module that shares arrays with NumPy (it has no types)."""
    from vtkmodules.util import numpy_support

    return numpy_support


class Rasteriser(Closing):
    """Draws a coloured mesh through a pinhole camera, with alpha; use as a context manager.

    Vertex colours are drawn as they are: the light is in them already.

    Parameters
    ----------
    triangles
        Shape (F, 3): vertex numbers, fixed.
    vertices
        Number of vertices.
    size
        Largest frame, (width, height) in pixels.

    Raises
    ------
    DependencyError
        If VTK, EGL or an OpenGL driver is missing.
    """

    def __init__(self, triangles: NDArray[np.int64], vertices: int, size: tuple[int, int]) -> None:
        require_renderer()
        require_context()
        from vtkmodules.vtkCommonCore import vtkPoints, vtkUnsignedCharArray
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkCommonMath import vtkMatrix4x4
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer
        from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow

        self._points = np.zeros((vertices, 3), np.float32)
        self._colours = np.zeros((vertices, 3), np.uint8)
        points, self._mesh = vtkPoints(), vtkPolyData()
        # both arrays are shared with VTK, not copied: `draw` writes into them
        support = array_support()
        self._vtk_points = support.numpy_to_vtk(self._points)
        self._vtk_colours = support.numpy_to_vtk(self._colours)
        points.SetData(self._vtk_points)
        cells = vtkCellArray()
        cells.SetData(
            3, support.numpy_to_vtkIdTypeArray(np.ascontiguousarray(triangles).ravel(), deep=True)
        )
        self._mesh.SetPoints(points)
        self._mesh.SetPolys(cells)
        self._mesh.GetPointData().SetScalars(self._vtk_colours)
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().LightingOff()
        # the mesh is closed: its far side is never seen
        actor.GetProperty().BackfaceCullingOn()
        self._renderer: Any = vtkRenderer()
        self._renderer.AddActor(actor)
        # culling would judge by the camera's own projection, which is not the one in use
        self._renderer.GetCullers().RemoveAllItems()
        self._renderer.SetBackground(0, 0, 0)
        self._renderer.SetBackgroundAlpha(0.0)
        self._matrix = vtkMatrix4x4()
        camera = self._camera = self._renderer.GetActiveCamera()
        camera.SetPosition(0, 0, 0)
        camera.SetFocalPoint(0, 0, -1)
        camera.SetViewUp(0, 1, 0)
        camera.SetUseExplicitProjectionTransformMatrix(True)
        camera.SetExplicitProjectionTransformMatrix(self._matrix)
        self._buffer = vtkUnsignedCharArray()
        self._size = size
        self._window: Any = vtkEGLRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetAlphaBitPlanes(1)
        self._window.SetSize(*size)
        self._window.AddRenderer(self._renderer)
        self._window.Render()

    def draw(
        self,
        points: NDArray[np.floating[Any]],
        colours: UInt8,
        projection: NDArray[np.float64],
    ) -> UInt8:
        """Draw one frame.

        Parameters
        ----------
        points
            Shape (V, 3), metres, camera axes with the camera at the origin looking along -z.
        colours
            Shape (V, 3), RGB.
        projection
            Shape (4, 4): OpenGL clip matrix that fills the whole frame.

        Returns
        -------
        ndarray of uint8
            Shape (height, width, 4): RGBA, top row first; alpha is 0 or 255.
        """
        np.copyto(self._points, points, casting="same_kind")
        np.copyto(self._colours, colours)
        self._mesh.GetPoints().Modified()
        self._vtk_points.Modified()
        self._vtk_colours.Modified()
        self._mesh.Modified()
        self._matrix.DeepCopy(tuple(projection.ravel()))
        # the camera keeps what it computed until it is told itself
        self._camera.Modified()
        self._window.Render()
        width, height = self._size
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._buffer)
        image: UInt8 = array_support().vtk_to_numpy(self._buffer).reshape(height, width, 4)
        return image[::-1]

    def close(self) -> None:
        """Free the OpenGL context."""
        self._window.Finalize()

"""How much of a face something covers: a hand, a microphone, a telephone.

A small network, learnt from portraits with random shapes before them (``experiments/
face_occlusion``), says of every cell of an aligned face whether it is covered.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.align import AlignmentSettings, align
from gaitproof.face.types import Face
from gaitproof.runtime import check_digest, open_session, run_session

Image = NDArray[np.uint8]

ALIGNMENT: Final = AlignmentSettings(size=64, margin=0.1)
"""How the network sees a face, however a forgery detector does."""

CELLS: Final = 8
"""Along each side of the face."""

FILE: Final = "occlusion.onnx"

SHA256: Final = "88acce421b79965edd5fb5c7ce414091d02d4ff48fe30170974e380ebf5ea97e"


class OcclusionModel:
    """The network.

    Parameters
    ----------
    weights
        An ONNX file: faces (N, 3, 64, 64), 0 to 1, in, logits (N, 8, 8) out.

    Raises
    ------
    ModelError
        If it cannot be run.
    """

    def __init__(self, weights: bytes) -> None:
        self._session: Any = open_session(weights)
        self._input = self._session.get_inputs()[0].name

    def covered(self, image: Image, points: NDArray[np.float64]) -> float:
        """Return which share of a face is covered, 0 to 1.

        Parameters
        ----------
        image
            Shape (H, W, 3), RGB.
        points
            The face's five points, shape (5, 2), pixels.
        """
        face = align(image, points, ALIGNMENT)
        return float(self.shares(face[None])[0])

    def shares(self, faces: Image) -> NDArray[np.float64]:
        """Return which shares of faces (N, 64, 64, 3), aligned by `ALIGNMENT`, are covered."""
        seen = faces.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        (cells,) = run_session(self._session, None, {self._input: np.ascontiguousarray(seen)})
        shares: NDArray[np.float64] = 0.5 * (1 + np.tanh(np.asarray(cells, np.float64) / 2))
        inside: NDArray[np.float64] = shares[:, _oval()]
        return np.asarray(inside.mean(axis=1), np.float64)


@cache
def load_occlusion() -> OcclusionModel:
    """Return the network inside the package."""
    weights = (files("gaitproof.face") / FILE).read_bytes()
    check_digest(weights, SHA256)
    return OcclusionModel(weights)


def measure_cover(image: Image, face: Face) -> float | None:
    """Return which share of a face is covered; None of one without a mesh: none was learnt from."""
    return load_occlusion().covered(image, face.points) if face.landmarks == "mesh" else None


def _oval() -> NDArray[np.bool_]:
    """Return which cells lie in the face: brows to chin, cheek to cheek."""
    y, x = (np.mgrid[:CELLS, :CELLS] + 0.5) / CELLS
    return np.asarray(((x - 0.5) / 0.36) ** 2 + ((y - 0.55) / 0.42) ** 2 < 1)

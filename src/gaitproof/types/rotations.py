"""Rotations about the axes of a right-handed frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def axis_rotations(axis: str, degrees: ArrayLike) -> NDArray[np.float64]:
    """Return rotations about a coordinate axis.

    Parameters
    ----------
    axis
        ``x``, ``y`` or ``z``.
    degrees
        One angle, or shape (T,).

    Returns
    -------
    ndarray of float64
        Shape (3, 3) or (T, 3, 3), right-handed, for column vectors.
    """
    from scipy.spatial.transform import Rotation

    vectors = np.asarray(degrees, np.float64)[..., None] * np.eye(3)["xyz".index(axis)]
    turned: Any = Rotation.from_rotvec(vectors, degrees=True)
    matrices: NDArray[np.float64] = turned.as_matrix()
    return matrices

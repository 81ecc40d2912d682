"""Which way is up, by the faces in an image."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.detect import MESH_SIZE, FaceDetector
from gaitproof.face.track import NEIGHBOURHOOD, SMALLEST_SHARE, cut
from gaitproof.face.types import Face

Image = NDArray[np.uint8]

TURN_MARGIN: Final = 0.1
"""How much surer the detector must be of a turned frame before the video counts as turned: it
finds faces at any angle, but upside down it puts the mouth where the eyes are."""

CERTAIN: Final = 0.8
"""Score of a face in a turned frame that alone makes the video count as turned."""


def find_turn(image: Image, faces: tuple[Face, ...], detector: FaceDetector) -> int | None:
    """Return by how many quarter turns counterclockwise the surest large face stands upright.

    Returns
    -------
    int or None
        0 to 3; None if no face is large and sure enough to tell.
    """
    large = [face for face in faces if _tells_up(face)]
    if large:
        face = max(large, key=lambda one: one.score)
        side = round(NEIGHBOURHOOD * face.size)
        x0, y0 = (round(float(c) - side / 2) for c in face.centre)
        seen, smallest = cut(image, x0, y0, side), face.size / 2
    elif not faces:
        seen, smallest = image, SMALLEST_SHARE * max(image.shape[:2])
    else:
        return None
    sureness = [
        _surest(np.ascontiguousarray(np.rot90(seen, k)), smallest, detector) for k in range(4)
    ]
    best = int(np.argmax(sureness))
    if sureness[best] <= sureness[0] + TURN_MARGIN:
        return 0 if large else None
    # where upright nothing at all was found, a guess would turn what is no face
    return best if large or sureness[best] >= CERTAIN else None


def _surest(image: Image, smallest: float, detector: FaceDetector) -> float:
    faces = (one for one in detector.detect(image, smallest) if _tells_up(one))
    return max((one.score for one in faces), default=0.0)


def _tells_up(face: Face) -> bool:
    """Whether a face is large enough, and more than a box, to tell which way is up."""
    return face.size >= MESH_SIZE and face.landmarks != "box"

"""What a network of lips and sound sees: lips, face and sound as sequences of one length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.align import compute_similarity
from gaitproof.face.speech.mel import BANDS, MEL_RATE, log_mel
from gaitproof.face.types import MESH_POINTS
from gaitproof.media.sound import Sound
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


Float32 = NDArray[np.float32]

LIPS_SIDE: Final = 24
FACE_SIDE: Final = 32
"""Of the grey images of lips and face, pixels."""

SHAPES: Final = 3
"""Measures of the mouth: opening, width, jaw."""

MEL_ROWS: Final = (-2, -1, 0, 1, 2)
"""Rows of mel features about a moment that stand for it, 10 ms apart."""

HEARD: Final = BANDS * len(MEL_ROWS)

_EYES_APART: Final = {LIPS_SIDE: 1.2, FACE_SIDE: 0.45}
"""Distance of the eyes' outer corners as a share of an image's side."""


@dataclass(frozen=True, eq=False)
class Talk:
    """A talking face at T moments of equal distance.

    Parameters
    ----------
    faces
        Shape (T, 32, 32), uint8, grey.
    lips
        Shape (T, 24, 24), uint8, grey, upright and of equal size.
    shapes
        Shape (T, 3), float32, see `gaitproof.face.speech.sequences.Lips`.
    sound
        Shape (T, 200), float32: five rows of log-mel features about each moment.

    Raises
    ------
    ValueError
        If the shapes do not belong together, or something is not finite.
    """

    faces: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    shapes: Float32
    sound: Float32

    def __post_init__(self) -> None:
        count = len(self.faces)
        for name, shape in (
            ("faces", (count, FACE_SIDE, FACE_SIDE)),
            ("lips", (count, LIPS_SIDE, LIPS_SIDE)),
            ("shapes", (count, SHAPES)),
            ("sound", (count, HEARD)),
        ):
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"'{name}' of a talk has shape {array.shape}, not {shape}")
        freeze(self, faces=self.faces, lips=self.lips, shapes=self.shapes, sound=self.sound)

    def __len__(self) -> int:
        return len(self.faces)

    def inputs(self) -> tuple[Float32, Float32, Float32, Float32]:
        """Return what a network takes: about 0, with a spread of about 1.

        The mean of the mouth's measures and of the sound's spectrum are taken away, so that neither
        the person nor the microphone is seen.
        """
        shapes = self.shapes - self.shapes.mean(axis=0)
        sound = self.sound - self.sound.mean(axis=0)
        return (
            (self.faces.astype(np.float32) - 128) / 64,
            (self.lips.astype(np.float32) - 128) / 64,
            shapes / (shapes.std(axis=0) + np.float32(0.02)),
            sound / 3,
        )


def cut_talk(
    times: NDArray[np.float64],
    images: NDArray[np.uint8],
    meshes: NDArray[np.floating[Any]],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Float32]:
    """Cut what is seen of a talk.

    Parameters
    ----------
    times
        Shape (T,), seconds.
    images
        Shape (T, H, W, 3), RGB.
    meshes
        Shape (T, 468, 2), in pixels of the frames, all there.

    Returns
    -------
    tuple
        Faces, lips and shapes, as in `Talk`.
    """
    lips = Lips.of_meshes(times, meshes)
    cut = [cut_face(image, mesh) for image, mesh in zip(images, meshes, strict=True)]
    faces, mouths = zip(*cut, strict=True)
    return np.stack(faces), np.stack(mouths), measure_shapes(lips)


def cut_face(
    image: NDArray[np.uint8], mesh: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut face and lips out of one image, grey, as in `Talk`."""
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mouth = mesh[list(MOUTH_CORNERS)].mean(axis=0)
    return _cut(grey, mesh, mesh.mean(axis=0), FACE_SIDE), _cut(grey, mesh, mouth, LIPS_SIDE)


def measure_shapes(lips: Lips) -> Float32:
    """Return the measures of a mouth as in `Talk`."""
    return np.stack((lips.opening, lips.width, lips.jaw), axis=1).astype(np.float32)


def hear(sound: Sound, times: NDArray[np.float64]) -> Float32:
    """Return the sound at some moments, as in `Talk`; moments before and after it are silent."""
    return pick_rows(log_mel(sound), times)


def pick_rows(rows: Float32, times: NDArray[np.float64]) -> Float32:
    """Return what `hear` does, of log-mel features (N, 40) of a whole sound."""
    if not len(rows):
        return np.zeros((len(times), HEARD), np.float32)
    places = np.rint(np.asarray(times)[:, None] * MEL_RATE).astype(int) + np.array(MEL_ROWS)
    chosen = rows[places.clip(0, len(rows) - 1)]
    return np.ascontiguousarray(chosen.reshape(len(times), HEARD))


def _cut(grey: Any, mesh: NDArray[np.floating[Any]], centre: Any, side: int) -> NDArray[np.uint8]:
    left, right = (np.asarray(mesh[corner], np.float64) for corner in EYE_CORNERS)
    half = (right - left) / 2
    apart = _EYES_APART[side] * side / 2
    source = np.stack((centre - half, centre + half))
    target = np.array([(-apart, 0), (apart, 0)]) + (side - 1) / 2
    matrix = compute_similarity(source, target)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 1:  # averaged first: skipped pixels would flicker
        grey = cv2.GaussianBlur(grey, (0, 0), 0.4 / scale)
    return np.asarray(cv2.warpAffine(grey, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)

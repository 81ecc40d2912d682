"""Faces, their tracks and how good they are to judge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

MESH_POINTS: Final = 468
"""Vertices of MediaPipe's face mesh without the irises."""

Landmarks = Literal["mesh", "detector", "box"]
"""What a face's five points come from: a mesh laid on it, the detector itself, or nothing but its
box, in which case its crop is simple: neither turned nor scaled by what is seen."""

MAX_SCORES: Final = 5000
"""Scores of one face: a bound on what a gallery holds."""


@dataclass(frozen=True, eq=False)
class FaceReference:
    """What a face model makes of a genuine video of a person: numbers, no image.

    Parameters
    ----------
    model_id
        Whose scores they are.
    scores
        Shape (N,), float32, at least one: of the scored frames, or of segments judged together, 0
        (manipulated) to 1 (genuine).

    Raises
    ------
    ValueError
        If there is none, or one is out of range.
    """

    model_id: str
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        scores = np.array(self.scores, np.float32)
        if scores.ndim != 1 or not 0 < scores.size <= MAX_SCORES:
            raise ValueError(f"the scores of a face have shape {scores.shape}")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("the scores of a face are not all 0 to 1")
        scores.flags.writeable = False
        object.__setattr__(self, "scores", scores)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    Parameters
    ----------
    box
        Shape (4,): x0, y0, x1, y1 in pixels; may reach beyond the frame.
    points
        Shape (5, 2), pixels: left eye, right eye, nose, left and right corner of the mouth, as seen
        in the frame.
    score
        How sure the detector is, 0 to 1.
    mesh
        Shape (468, 2), pixels, MediaPipe's vertices; None where the detector has none, or the face
        is too small for one.
    landmarks
        What the points come from.

    Raises
    ------
    ValueError
        If a shape is wrong, a number is not finite, or the box is empty.
    """

    box: Float64
    points: Float64
    score: float
    mesh: Float64 | None = None
    landmarks: Landmarks = "detector"

    def __post_init__(self) -> None:
        shapes: dict[str, tuple[int, ...]] = {"box": (4,), "points": (5, 2)}
        if self.mesh is not None:
            shapes["mesh"] = (MESH_POINTS, 2)
        for name, shape in shapes.items():
            array = np.array(getattr(self, name), np.float64)
            if array.shape != shape:
                raise ValueError(f"'{name}' of a face has shape {array.shape}, not {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"'{name}' of a face holds numbers that are not finite")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not (self.box[2] > self.box[0] and self.box[3] > self.box[1]):
            raise ValueError("the box of a face is empty")
        if not 0 <= self.score <= 1:
            raise ValueError(f"the score of a face is {self.score}, not within 0 to 1")

    @property
    def size(self) -> float:
        """Geometric mean of the box's sides, pixels."""
        return float(np.sqrt((self.box[2] - self.box[0]) * (self.box[3] - self.box[1])))

    @property
    def centre(self) -> Float64:
        """Middle of the box, shape (2,), pixels."""
        return (self.box[:2] + self.box[2:]) / 2

    def mapped(self, scale: float, offset: tuple[float, float]) -> Face:
        """Return the face in a frame that is `scale` times as large and begins at `offset`."""
        shift = np.asarray(offset, np.float64)
        return Face(
            self.box * scale + np.tile(shift, 2),
            self.points * scale + shift,
            self.score,
            None if self.mesh is None else self.mesh * scale + shift,
            self.landmarks,
        )


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face followed through a video.

    Parameters
    ----------
    times
        Seconds, strictly increasing.
    faces
        One per time.
    frames
        Numbers of the frames, counted from 0, strictly increasing.
    """

    times: tuple[float, ...]
    faces: tuple[Face, ...]
    frames: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.times) == len(self.faces) == len(self.frames):
            raise ValueError("a track needs one time, one face and one frame number each")
        for name, values in (("times", self.times), ("frames", self.frames)):
            if any(b <= a for a, b in pairwise(values)):
                raise ValueError(f"the {name} of a track must increase")

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True)
class FaceQuality:
    """Whether a face in one frame can be judged, and why not.

    Parameters
    ----------
    size_px
        Geometric mean of the box's sides, pixels.
    blur
        Sharpness of the aligned crop: variance of its Laplacian, 8-bit grey levels squared; small
        is blurred.
    yaw, pitch, roll
        Degrees, rough, from the five points: head turned to the frame's right, up, and tilted
        clockwise.
    partial
        Share of the box that lies outside the frame, 0 to 1.
    usable
        Whether the face can be scored.
    reasons
        Plain words, empty when usable.
    light
        Median grey level of the aligned face, of 255; None where it was not measured.
    landmarks
        What the face was aligned by.
    covered
        Share of the face behind a hand, a microphone or anything else, 0 to 1; None where it was
        not looked at.
    contrast
        Grey levels of 255 between the light and the dark parts of the aligned face; None where it
        was not measured.
    noise
        Of the smoothest places of the aligned face, grey levels of 255; None where it was not
        measured.
    detail
        How much of the finest structure there is in the aligned face and around it, grey levels of
        255; None where it was not measured.
    """

    size_px: float
    blur: float
    yaw: float
    pitch: float
    roll: float
    partial: float
    usable: bool
    reasons: tuple[str, ...] = ()
    light: float | None = None
    landmarks: Landmarks = "detector"
    covered: float | None = None
    contrast: float | None = None
    noise: float | None = None
    detail: float | None = None

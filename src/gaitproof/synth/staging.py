"""The camera, and where the walk happens before it: the walker is large and never cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ConfigError
from gaitproof.synth.motion import Motion
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


Stage = Literal["auto", "pass", "treadmill"]

SMALLEST: Final = 0.50
LARGEST: Final = 0.86
"""Body height as a part of the frame's height; below 0.45 pose estimators miss the start."""

SHORTEST: Final = 1.6
"""Metres: smaller people are filmed as if they were so tall."""


@dataclass(frozen=True, eq=False)
class Staging:
    """A camera and the placement of the walk: scene = turn @ body + shift.

    `heading` is the walking direction in degrees: 0 to the camera, 90 to the right.
    """

    camera: Camera
    heading: float
    shift: Float64
    farthest: float

    @property
    def turn(self) -> Float64:
        """Rotation (3, 3) from body axes to scene axes."""
        return axis_rotations("y", self.heading)

    def place(self, points: NDArray[np.floating[Any]]) -> Float64:
        """Turn body points (..., 3) into scene points."""
        return points @ self.turn.T + self.shift


def _focal(size: tuple[int, int], height: float, far: float, share: float) -> float:
    """Return the focal length, pixels, that shows a body `far` away as `share` of the frame."""
    return share * size[1] * far / max(height, SHORTEST)


def _fits(
    size: tuple[int, int], length: float, view: float, distance: float, height: float, share: float
) -> bool:
    """Whether a straight path stays inside the frame at this smallest relative body height."""
    reach, cross = 0.5 * length * abs(np.cos(view)), 0.5 * length * abs(np.sin(view))
    far, near = distance + reach, distance - reach
    if share * far / near > LARGEST:
        return False
    # the sideways room is what perspective leaves at both ends
    focal = _focal(size, height, far, share)
    room = 0.36 + 0.24 * abs(float(np.sin(view)))  # metres: an arm, or half a stride and a foot
    span = focal * (cross + room) * (1 / far + 1 / near)
    return bool(span < size[0])


def plan_stage(
    size: tuple[int, int], length: float, view: float, height: float, stage: Stage
) -> Literal["pass", "treadmill"]:
    """Choose between a straight pass of `length` metres and a treadmill.

    Raises
    ------
    ConfigError
        If a pass was asked for and is too long for the frame at this view.
    """
    if stage == "treadmill":
        return "treadmill"
    distance = max(4.5, 4.0 * 0.5 * length * abs(np.cos(np.radians(view))))
    if _fits(size, length, np.radians(view), distance, height, SMALLEST):
        return "pass"
    if stage == "pass":
        raise ConfigError(
            "The walk does not fit the frame in one pass.",
            actual=f"{length:.1f} m at a view of {view:g} degrees",
            hint="a shorter clip, a view nearer to 0, or a treadmill",
        )
    return "treadmill"


def make_staging(
    motion: Motion,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    view: float,
    height: float,
    treadmill: bool,
) -> Staging:
    """Put a camera before a walk.

    Parameters
    ----------
    motion
        The walk, along +z of its own axes.
    rng
        Draws distance, camera height, tilt, and whether the walker goes left or right.
    size
        (width, height), pixels.
    view
        Degrees between walking direction and camera: 0 frontal, 90 from the side.
    height
        Body height, metres.
    treadmill
        Whether the walker stays in place.
    """
    heading = float(view) * (1 if rng.random() < 0.5 else -1)
    track = motion.joints[:, (23, 24)].mean(axis=1)
    middle = 0.5 * (track[0] + track[-1])
    length = 0.0 if treadmill else float(track[-1, 2] - track[0, 2])
    angle = np.radians(heading)
    reach = 0.5 * length * abs(np.cos(angle))
    distance = max(float(rng.uniform(4.5, 7.5)), 4.0 * reach)
    smallest = SMALLEST
    wanted = rng.uniform(0.62, 0.80) if treadmill else rng.uniform(SMALLEST, 0.72)
    for candidate in np.arange(wanted, SMALLEST, -0.02):
        if _fits(size, length, angle, distance, height, float(candidate)):
            smallest = float(candidate)
            break
    far, near = distance + reach, distance - reach
    focal = _focal(size, height, far, smallest)
    # sideways: the two ends equally far from the edges of the frame
    start, end = (-0.5 * length * np.sin(angle), 0.5 * length * np.sin(angle))
    first, last = (far, near) if np.cos(angle) >= 0 else (near, far)
    offset = -(start / first + end / last) / (1 / first + 1 / last)
    camera_height = float(rng.uniform(1.0, 1.7))
    camera = Camera(size, focal, camera_height, 0.0)
    # tilt: feet at the near end and crown at the near end around the middle of the frame
    below = np.arctan2(camera_height, near)
    above = np.arctan2(height - camera_height, near)
    tilt = float(np.degrees(0.5 * (below - above))) + float(rng.normal(0, 0.25))
    camera = Camera(size, focal, camera_height, tilt)
    turn = axis_rotations("y", heading)
    shift = np.array([offset, 0.0, -distance]) - turn @ np.array([0.0, 0.0, middle[2]])
    return Staging(camera, heading, shift, far)

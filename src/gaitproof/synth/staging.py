"""Where the walk happens before the camera, so that the walker is large and never cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ConfigError
from gaitproof.synth.camera import Camera
from gaitproof.synth.motion import Motion
from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]
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
        placed: Float64 = points @ self.turn.T + self.shift
        return placed


def _focal(size: tuple[int, int], height: float, far: float, share: float) -> float:
    """Return the focal length, pixels, that shows a body `far` away as `share` of the frame."""
    return share * size[1] * far / max(height, SHORTEST)


def _side_room(view: float) -> float:
    """Return the metres kept free beside the pelvis: an arm, or half a stride and a foot."""
    return 0.36 + 0.24 * abs(float(np.sin(view)))


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
    span = focal * (cross + _side_room(view)) * (1 / far + 1 / near)
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

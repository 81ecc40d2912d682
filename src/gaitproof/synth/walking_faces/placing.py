"""Where a walker's head is in the frame and how it is lit; a drawn head put in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.body import head_unit
from gaitproof.synth.skeleton import Bone, transform
from gaitproof.synth.take import Take
from gaitproof.synth.talking.drawing import SIDE, UNIT, Head, Image
from gaitproof.types.rotations import axis_rotations

Float64 = NDArray[np.float64]

_HALF_WIDTH: Final = 0.356
"""Half a drawn face's width as a part of the head's height: so far apart are its eyes and mouth."""
_MIDDLE: Final = (0.247, 0.14)
"""Middle of the drawn face on the head bone, up and to the front, parts of the head's height."""
_WRAP: Final = 0.18
"""How much of the light gets around an edge, as the body's shading has it."""
_GAIN: Final = 1.1
"""Drawings are shaded towards their edges already, which darkens them by so much."""
_SLOPE: Final = 0.2
"""Most change of the light across a face."""
_EDGE: Final = 3.0
"""Standard deviation of the soft edge of a drawn head, pixels of its drawing."""


@dataclass(frozen=True, eq=False)
class HeadPlaces:
    """The head of a walker in T frames.

    Parameters
    ----------
    centre
        Shape (T, 2), of the drawn face, pixels.
    scale
        Shape (T,), pixels of the frame per pixel of the drawing.
    yaw, pitch, roll
        Shape (T,), turn seen from the camera: to the frame's right, down, clockwise; radians.
    light
        Shape (T, 3), factor of the drawn colours.
    slope
        Shape (T, 2): where in the frame the light comes from, radians, and how much of it, as
        `gaitproof.synth.talking.drawing.Expression` takes it.
    """

    centre: Float64
    scale: Float64
    yaw: Float64
    pitch: Float64
    roll: Float64
    light: Float64
    slope: Float64


def look_at_camera(take: Take, share: float) -> Take:
    """Turn a walker's head towards the camera.

    Parameters
    ----------
    take
        The walk. Its joints stay: those of the head are then a little off.
    share
        Of the angle between walking direction and camera, 0 to 1.
    """
    bones = take.motion.bones
    rotations = bones.rotations.copy()
    turn = axis_rotations("y", -share * take.staging.heading)
    rotations[:, Bone.HEAD] = turn @ rotations[:, Bone.HEAD]
    motion = replace(take.motion, bones=replace(bones, rotations=rotations))
    return replace(take, motion=motion)


def find_heads(take: Take) -> HeadPlaces:
    """Compute where a walk's head is and where it looks."""
    staging, bones = take.staging, take.motion.bones
    unit = head_unit(take.walker.build)
    up, ahead = _MIDDLE
    middle = staging.place(bones.place(Bone.HEAD, (0.0, up * unit, ahead * unit)))
    turn = staging.camera.matrix @ staging.turn @ bones.rotations[:, Bone.HEAD]
    front, crown = (transform(turn, axis) for axis in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)))
    seen = staging.camera.to_camera(middle)
    # what is right and up in the frame, as seen along the line from the camera to the head
    toward = -seen / np.linalg.norm(seen, axis=1, keepdims=True)
    right = np.array([1.0, 0.0, 0.0]) - toward[:, :1] * toward
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    above = np.cross(toward, right)
    lamp = np.broadcast_to(staging.camera.matrix @ np.array(take.scene.light.direction), seen.shape)
    across, upward = _dot(lamp, right), _dot(lamp, above)
    return HeadPlaces(
        centre=staging.camera.project(middle),
        scale=_HALF_WIDTH * unit * staging.camera.focal / -seen[:, 2] / UNIT,
        yaw=np.arctan2(_dot(front, right), _dot(front, toward)),
        pitch=-np.arcsin(np.clip(_dot(front, above), -1, 1)),
        roll=np.arctan2(_dot(crown, right), _dot(crown, above)),
        light=_light(take, _dot(front, lamp)),
        slope=np.column_stack(
            (np.arctan2(-upward, across), _SLOPE * np.hypot(across, upward).clip(0, 1))
        ),
    )


def paint(image: Image, head: Head, places: HeadPlaces, number: int) -> Image:
    """Return a frame of the walk with a drawn head in it.

    Parameters
    ----------
    image
        Shape (H, W, 3), RGB.
    head
        Drawn with yaw, pitch and slope of the light that `places` has for this frame.
    places
        Of the walk.
    number
        Of the frame.
    """
    scale, centre = float(places.scale[number]), places.centre[number]
    # averaged first: warping alone would skip pixels of the drawing
    side = min(SIDE, max(8, round(SIDE * scale)))
    share = cv2.GaussianBlur(head.cover, (0, 0), _EDGE)
    share = np.maximum((share - 0.84) / 0.16, 0)
    small: Any = cv2.resize(head.image, (side, side), interpolation=cv2.INTER_AREA)
    cover: Any = cv2.resize(share, (side, side), interpolation=cv2.INTER_AREA)
    turn = -float(np.degrees(places.roll[number]))
    matrix: Any = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, turn, scale * SIDE / side)
    reach = int(np.ceil(0.75 * SIDE * scale))
    low = np.floor(centre).astype(int) - reach
    matrix[:, 2] += centre - low - (side - 1) / 2
    size = (2 * reach, 2 * reach)
    lit: Any = cv2.warpAffine(small, matrix, size) * places.light[number]
    over: Any = cv2.warpAffine(cover, matrix, size)
    height, width = image.shape[:2]
    x0, y0 = np.maximum(low, 0)
    x1, y1 = np.minimum(low + 2 * reach, (width, height))
    if x0 >= x1 or y0 >= y1:
        return image
    part = (slice(y0 - low[1], y1 - low[1]), slice(x0 - low[0], x1 - low[0]))
    painted = image.copy()
    weight = over[part][..., None]
    mixed = painted[y0:y1, x0:x1] * (1 - weight) + lit[part] * weight
    painted[y0:y1, x0:x1] = np.rint(mixed).clip(0, 255)
    return painted


def _light(take: Take, facing: Float64) -> Float64:
    """Return what the scene's light makes of a face's colours, (T, 3), after the body's shading."""
    light = take.scene.light
    key = np.clip((facing + _WRAP) / (1 + _WRAP), 0, 1) * light.key
    tint = np.array([1 + light.warmth, 1.0, 1 - light.warmth])
    strength = (key + 0.74 * light.ambient)[:, None] * tint
    gain: Float64 = _GAIN * strength ** (1 / 2.2)
    return gain


def _dot(first: Float64, second: Float64) -> Float64:
    product: Float64 = np.einsum("ij,ij->i", first, second)
    return product

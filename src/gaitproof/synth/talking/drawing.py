"""Drawing a talker's head: flat shapes in depth, shaded, with a skin that moves with the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.talking.person import Colour, Talker

Image = NDArray[np.uint8]
Float64 = NDArray[np.float64]

SIDE: Final = 480
"""Of the frame that a head is drawn in, pixels."""
UNIT: Final = 105.0
"""Half a face's width there."""
_CENTRE: Final = np.array([SIDE / 2, SIDE * 0.50])
_SHIFT: Final = 4
"""Binary places of a pixel in drawn coordinates."""


@dataclass(frozen=True)
class Expression:
    """What changes from frame to frame.

    Parameters
    ----------
    yaw, pitch
        Turn of the head to the frame's right, and down, radians.
    mouth
        How far it is open, 0 to 1.
    lids
        How far the eyes are closed, 0 to 1.
    light
        Where the light comes from, radians, and how strong its slope is: (angle, share).
    """

    yaw: float = 0.0
    pitch: float = 0.0
    mouth: float = 0.0
    lids: float = 0.0
    light: tuple[float, float] = (0.0, 0.1)


@dataclass(frozen=True, eq=False)
class Head:
    """A drawn head.

    Parameters
    ----------
    image
        Shape (480, 480, 3), RGB.
    cover
        Shape (480, 480), 0 to 1: what of the frame is head, neck and shoulders.
    face
        Shape (480, 480), 0 to 1: the inner face, which a swap replaces.
    lips
        Shape (480, 480), 0 to 1: the mouth and what moves around it.
    """

    image: Image
    cover: NDArray[np.float32]
    face: NDArray[np.float32]
    lips: NDArray[np.float32]


class _Canvas:
    """Draws smooth shapes given in face units: x right, y down, z towards the camera."""

    def __init__(self, expression: Expression) -> None:
        self.image = np.zeros((SIDE, SIDE, 3), np.uint8)
        self.cover = np.zeros((SIDE, SIDE), np.uint8)
        self._yaw, self._pitch = expression.yaw, expression.pitch

    def place(self, points: Any, depth: float = 0.0) -> NDArray[np.int32]:
        at = np.asarray(points, np.float64)
        x = at[:, 0] * np.cos(self._yaw) + depth * np.sin(self._yaw)
        y = at[:, 1] * np.cos(self._pitch) + depth * np.sin(self._pitch)
        pixels = np.column_stack((x, y)) * UNIT + _CENTRE
        return np.asarray(np.rint(pixels * 2**_SHIFT), np.int32)

    def fill(self, points: Any, colour: Colour, depth: float = 0.0) -> None:
        at = self.place(points, depth)
        cv2.fillPoly(self.image, [at], colour, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.cover, [at], (255,), cv2.LINE_AA, _SHIFT)

    def line(self, points: Any, colour: Colour, width: float, depth: float = 0.0) -> None:
        at = self.place(points, depth)
        thick = max(1, round(width * UNIT))
        cv2.polylines(self.image, [at], False, colour, thick, cv2.LINE_AA, _SHIFT)


def _oval(centre: tuple[float, float], radii: tuple[float, float], power: float = 2.0) -> Float64:
    """Return a superellipse around a centre, shape (64, 2)."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = np.sign(c) * np.abs(c) ** (2 / power) * radii[0]
    y = np.sign(s) * np.abs(s) ** (2 / power) * radii[1]
    return np.column_stack((x + centre[0], y + centre[1]))


def _outline(talker: Talker, grown: float = 1.0) -> Float64:
    """Return the face from forehead to chin, narrowing to the jaw, shape (64, 2)."""
    oval = _oval((0.0, 0.0), (1.0, talker.length), 2.2)
    below = np.clip(oval[:, 1] / talker.length, 0, 1)
    oval[:, 0] *= 1 - (1 - talker.jaw) * below**1.5
    return oval * grown


def skin_pattern(talker: Talker) -> NDArray[np.float32]:
    """Return the pattern of a talker's skin, grey levels, shape (480, 480); the same every time."""
    rng = np.random.default_rng(talker.texture)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), 1.2) * 3
    coarse = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), 9) * 18
    return np.asarray(talker.freckles * (fine + 0.6 * coarse), np.float32)


def draw_head(
    talker: Talker, pattern: NDArray[np.float32], expression: Expression, *, bust: bool = True
) -> Head:
    """Draw a talker's head from the front, turned a little.

    Parameters
    ----------
    talker
        Who.
    pattern
        Of `skin_pattern`.
    expression
        How the face looks at the moment.
    bust
        Whether neck and shoulders are drawn too.
    """
    canvas = _Canvas(expression)
    dark, pale = _shade(talker.skin, 0.82), _shade(talker.skin, 1.08)
    chin = talker.length
    canvas.fill(_oval((0.0, -0.25), (1.16, talker.length * 1.0)), talker.hair, -0.5)
    shoulders = [(-2.6, 3.2), (-1.9, 1.75), (-0.5, 1.45), (0.5, 1.45), (1.9, 1.75), (2.6, 3.2)]
    if bust:
        canvas.fill([(-0.52, 0.6), (0.52, 0.6), (0.6, 1.9), (-0.6, 1.9)], dark, -0.5)
        canvas.fill(shoulders, talker.cloth, -0.6)
    for side in (-1.0, 1.0):
        canvas.fill(_oval((side * 1.02, -0.02), (0.13, 0.26)), dark, -0.4)
    canvas.fill(_outline(talker), talker.skin)
    _draw_features(canvas, talker, expression, dark, pale)
    hairline = -talker.eye_height - talker.hairline
    arc = np.linspace(-0.98, 0.98, 20)
    fringe = [(x, hairline + 0.25 * x * x) for x in arc]
    crown = [(x, -chin * np.sqrt(max(0.0, 1.08 - x * x * 0.9))) for x in arc[::-1]]
    canvas.fill([*fringe, *crown], talker.hair, 0.05)
    cover = canvas.cover.astype(np.float32) / np.float32(255)
    around = _oval((0.0, talker.mouth_height), (talker.mouth_width * 1.6, 0.36))
    return Head(
        _light(canvas, pattern, expression),
        cover,
        _inner(canvas, talker),
        _mask(canvas, around, 0.15),
    )


def _draw_features(
    canvas: _Canvas, talker: Talker, expression: Expression, dark: Colour, pale: Colour
) -> None:
    for side in (-1.0, 1.0):
        eye = (side * talker.eye_gap, -talker.eye_height)
        canvas.fill(_oval((eye[0], eye[1]), (talker.eye_size * 1.5, 0.2)), dark, 0.1)
        open_ = 0.085 * (1 - expression.lids) + 0.004
        canvas.fill(_oval(eye, (talker.eye_size, open_)), (238.0, 236.0, 232.0), 0.15)
        if expression.lids < 0.7:
            canvas.fill(_oval(eye, (0.078, min(0.078, open_))), talker.iris, 0.16)
            canvas.fill(_oval(eye, (0.036, min(0.036, open_))), (12.0, 10.0, 10.0), 0.16)
        lid = _oval((eye[0], eye[1]), (talker.eye_size, open_))[32:]
        canvas.line(lid, _shade(talker.skin, 0.45), 0.03, 0.15)
        brow = [(eye[0] + x * 0.28, eye[1] - 0.22 - 0.05 * (1 - x * x)) for x in (-1, -0.4, 0.4, 1)]
        canvas.line(brow, _shade(talker.hair, 0.9), talker.brow, 0.12)
    tip = talker.nose_length - talker.eye_height
    nose = [(-0.06, -0.1), (-talker.nose_width, tip), (0, tip + 0.07), (talker.nose_width, tip)]
    canvas.fill([*nose, (0.06, -0.1)], pale, 0.3)
    for side in (-1.0, 1.0):
        canvas.fill(_oval((side * talker.nose_width * 0.5, tip + 0.02), (0.045, 0.028)), dark, 0.33)
    gap = 0.22 * expression.mouth
    middle, width = talker.mouth_height, talker.mouth_width * (1 - 0.15 * expression.mouth)
    high = talker.lip + gap / 2
    canvas.fill(_oval((0.0, middle), (width, high)), talker.lips, 0.18)
    canvas.fill(_oval((0.0, middle), (width * 0.86, max(gap / 2, 0.012))), (50.0, 18.0, 20.0), 0.18)
    if gap > 0.06:
        teeth = _oval((0.0, middle - gap * 0.32), (width * 0.6, gap * 0.14))
        canvas.fill(teeth, (232.0, 228.0, 216.0), 0.18)


@cache
def _relief() -> tuple[Float64, Float64, Float64]:
    """Return where every pixel is, -1 to 1, rows and columns, and how a round head is shaded."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return rows, columns, 1 - 0.16 * np.clip(columns**2 * 4 + rows**2, 0, 1.2)


def _light(canvas: _Canvas, pattern: NDArray[np.float32], expression: Expression) -> Image:
    """Shade the drawing and lay the skin's pattern over it."""
    soft: Any = cv2.GaussianBlur(canvas.image, (0, 0), 1.6)
    rows, columns, shade = _relief()
    angle, slope = expression.light
    gain = 1 + slope * (np.cos(angle) * columns + np.sin(angle) * rows)
    # the pattern turns with the face
    move = np.array([(1, 0, 0.2 * np.sin(expression.yaw) * UNIT), (0, 1, 0)])
    moved: Any = cv2.warpAffine(pattern, move, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    gain *= shade
    image: Image = np.empty_like(canvas.image)
    for colour in range(3):  # one by one and in place: half the time of all at once
        lit = soft[..., colour] * gain
        lit += moved
        image[..., colour] = np.clip(np.rint(lit, out=lit), 0, 255, out=lit)
    return image


def _inner(canvas: _Canvas, talker: Talker) -> NDArray[np.float32]:
    points = _outline(talker, 0.86)
    points[:, 1] = np.maximum(points[:, 1], -talker.eye_height - 0.42)
    return _mask(canvas, points, 0.05)


def _mask(canvas: _Canvas, points: Float64, depth: float) -> NDArray[np.float32]:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [canvas.place(points, depth)], (255,), cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) / np.float32(255)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255.0, value * factor) for value in colour)
    return red, green, blue

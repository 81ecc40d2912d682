"""The scored frames of each face, beside what in them speaks for manipulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan
from gaitproof.face.verdict import FaceVerdict, FrameScore

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_COLOURS: Final = (
    (0.0, (60, 20, 90)),
    (0.4, (190, 50, 90)),
    (0.7, (245, 130, 40)),
    (1.0, (255, 240, 120)),
)
"""Strength, and RGB: ever lighter, so that order survives a grey print."""

_OPACITY: Final = 0.8
"""Of the strongest place; the face must still be seen through it."""

_OUTLINE: Final = 0.5
"""Strength that a line goes round."""


@dataclass(frozen=True, eq=False)
class ShownFace:
    """Images of one face as a report shows them.

    Parameters
    ----------
    verdict
        The answer.
    frames
        The scores of the frames.
    crops
        Shape (N, S, S, 3), RGB, as they were scored.
    heat
        The same in grey under colours for what speaks for manipulation; None where the model does
        not say.
    """

    verdict: FaceVerdict
    frames: tuple[FrameScore, ...]
    crops: Image
    heat: Image | None


def show_faces(scan: FaceScan, model: FaceForgeryModel) -> tuple[ShownFace, ...]:
    """Return the frames of every face of a scan, with the model's explanation.

    Raises
    ------
    ModelError
        If the model cannot be run.
    """
    parts = []
    for verdict, images in zip(scan.faces, scan.images, strict=True):
        frames = tuple(verdict.frames[place] for place in images.places)
        parts.append((verdict, frames, images.crops, model.explain(images.crops)))
    # one scale for the whole video, so that faces can be compared
    top = max((float(part[3].max(initial=0)) for part in parts if part[3] is not None), default=0.0)
    return tuple(
        ShownFace(
            verdict,
            frames,
            crops,
            None if maps is None else lay_heat(crops, weigh(maps, frames, top)),
        )
        for verdict, frames, crops, maps in parts
    )


def weigh(maps: Float32, frames: Sequence[FrameScore], top: float) -> Float32:
    """Return how strongly places speak for manipulation, 0 to 1, shape (N, h, w).

    A map says where manipulation is seen rather than elsewhere, however little of it there is: a
    frame that looks genuine has a strongest place too. So each map is multiplied by the
    probability of manipulation of its frame.

    Parameters
    ----------
    maps
        Shape (N, h, w), at least 0.
    frames
        The scores of the same frames.
    top
        Largest value of all maps that are compared.
    """
    if top <= 0:
        return np.zeros_like(maps)
    shares = np.array([frame.probability_fake for frame in frames], np.float32)
    return maps / np.float32(top) * shares[:, None, None]


def lay_heat(crops: Image, strengths: Float32) -> Image:
    """Draw strengths over grey copies of crops.

    Parameters
    ----------
    crops
        Shape (N, S, S, 3), RGB.
    strengths
        Shape (N, h, w), 0 to 1; stretched over the crop.

    Returns
    -------
    Shape (N, S, S, 3). Places of at least 0.5 have an outline, so that a grey print shows them.
    """
    drawn = np.empty_like(crops)
    for place, (crop, strength) in enumerate(zip(crops, strengths, strict=True)):
        size = (crop.shape[1], crop.shape[0])
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
        share = np.asarray(cv2.resize(strength, size, interpolation=cv2.INTER_CUBIC)).clip(0, 1)
        colour = palette()[(255 * share).round().astype(np.uint8)]
        weight = (_OPACITY * share)[..., None]
        mixed = (grey * (1 - weight) + colour * weight).round().astype(np.uint8)
        edges, _ = cv2.findContours(
            (share >= _OUTLINE).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        drawn[place] = cv2.drawContours(mixed, edges, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return drawn


@cache
def palette() -> NDArray[np.float64]:
    """Return the colours of 256 strengths, shape (256, 3)."""
    shares = [share for share, _ in _COLOURS]
    colours = np.array([colour for _, colour in _COLOURS], np.float64)
    grid = np.linspace(0, 1, 256)
    return np.stack([np.interp(grid, shares, channel) for channel in colours.T], axis=1)


def most_suspicious(faces: Sequence[FaceVerdict], count: int) -> tuple[FaceVerdict, ...]:
    """Return the `count` faces with the lowest scores, in order of appearance."""

    def suspicion(face: FaceVerdict) -> float:
        return 1.0 if face.score is None else face.score

    return tuple(sorted(sorted(faces, key=suspicion)[:count], key=lambda face: face.number))

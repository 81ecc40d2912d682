"""Crops for training: genuine faces and their self-blended twins, cut, turned and damaged alike.

Everything random about a crop comes from one seed, so that the crops of a clip's images change in
the same way, and any crop can be made again.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.align import AlignmentSettings, from_crop, to_crop, transform_points
from gaitproof.train.face.camera import Camera
from gaitproof.train.face.robust import Damage
from gaitproof.train.face.sbi import change_statistics, self_blend
from gaitproof.train.face.structural import Donor, structural_blend

Image = NDArray[np.uint8]
Points = NDArray[np.floating[Any]]

TURN: Final = 10.0
"""Degrees, ± (face seed 1)."""
_ZOOM: Final = 0.08
_SHIFT: Final = 0.03
"""Largest change of scale, and largest move as a share of the crop's side: detectors differ by as
much."""
_ROOM: Final = 0.12
"""Share of a crop's side that turn, zoom and shift bring into sight."""
_JITTER: Final = 0.5
"""Probability that a labelled face's colours and sharpness are changed."""

_MUCH: Final = 0.9
"""Images are brought to the scale of crops that are smaller by this at least."""

PLACES: Final = 14
"""A blending mask is handed on as so many by so many shares."""


class Crop(NamedTuple):
    """One image for a network.

    Parameters
    ----------
    image
        Shape (S, S, 3), uint8 RGB.
    blend
        Shape (14, 14), 0 to 1: share of every place that comes from another face; NaN if unknown.
    """

    image: Image
    blend: NDArray[np.float32]


def draw_pair(
    image: Image,
    landmarks: Points,
    points: Points,
    alignment: AlignmentSettings,
    seed: int,
    *,
    turn: float = TURN,
    damaged: float = 1.0,
    filmed: float = 0.0,
    structural: float = 0.0,
    donor: Donor | None = None,
) -> tuple[Crop, Crop]:
    """Return a forged and a genuine crop that differ by the blended face alone.

    Parameters
    ----------
    image
        A genuine face with room around it, shape (H, W, 3), uint8 RGB.
    landmarks
        For the mask, shape (K, 2), pixels: a mesh, or the five points.
    points
        The five points that align, shape (5, 2), pixels.
    alignment
        How the crop is cut.
    seed
        Same seed, same crops.
    turn
        Most by which a crop is turned either way, degrees.
    damaged
        Share of crops that are damaged, 0 to 1, see `gaitproof.train.face.robust`; where the label
        is the data set's, colours change in half as many.
    filmed
        Share of pairs that are made to look like video, see `gaitproof.train.face.camera`.
    structural
        Share of forgeries inside the face, see `gaitproof.train.face.structural`.
    donor
        Somebody else, for these.
    """
    rng = np.random.default_rng(seed)
    image, corner = window(image, points, alignment)
    points, landmarks = points - corner, landmarks - corner
    image, scale = shrink(image, points, alignment)
    points, landmarks = (transform_points(part, scale) for part in (points, landmarks))
    camera = Camera(rng) if filmed and rng.random() < filmed else None
    if camera is not None:
        image = camera.film(image, points)
    if structural and rng.random() < structural:
        blended = structural_blend(image, landmarks, points, rng, donor)
    else:
        blended = self_blend(image, landmarks, rng)
    finish = _Finish.draw(rng, turn, damaged, camera)
    nothing = np.zeros(blended.mask.shape, np.float32)
    return (
        finish.apply(blended.forged, blended.mask, points, alignment),
        finish.apply(blended.genuine, nothing, points, alignment),
    )


def draw_labelled(
    image: Image,
    points: Points,
    alignment: AlignmentSettings,
    seed: int,
    *,
    forged: bool,
    turn: float = TURN,
    damaged: float = 1.0,
) -> Crop:
    """Return a crop of a face whose label the data set knows.

    Parameters
    ----------
    image, points, alignment, seed, turn, damaged
        As for `draw_pair`.
    forged
        The label; where the forgery lies is not known.
    """
    rng = np.random.default_rng(seed)
    image, corner = window(image, points, alignment)
    points = points - corner
    if rng.random() < _JITTER * damaged:
        image = change_statistics(image, rng)
    known = np.full(image.shape[:2], np.nan if forged else 0, np.float32)
    return _Finish.draw(rng, turn, damaged).apply(image, known, points, alignment)


def window(
    image: Image, points: Points, alignment: AlignmentSettings
) -> tuple[Image, NDArray[np.int64]]:
    """Return the part of an image that a turned and moved crop can show, and its corner (x, y).

    Forging and damaging more than is seen would only take time.
    """
    side = alignment.size
    corners = np.array([(0, 0), (side, 0), (0, side), (side, side)], np.float64)
    seen = transform_points(corners, from_crop(np.asarray(points, np.float64), alignment))
    room = _ROOM * float(np.ptp(seen, axis=0).max())
    low = np.maximum(np.floor(seen.min(axis=0) - room), 0).astype(np.int64)
    high = np.minimum(np.ceil(seen.max(axis=0) + room), image.shape[1::-1]).astype(np.int64)
    return image[low[1] : high[1], low[0] : high[0]], low


def shrink(
    image: Image, points: Points, alignment: AlignmentSettings
) -> tuple[Image, NDArray[np.float64]]:
    """Return an image at a crop's scale, and the transform (2, 3) to it, if it is much larger.

    What a crop does not show need not be forged and damaged.
    """
    matrix = to_crop(np.asarray(points, np.float64), alignment)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale > _MUCH:
        return image, np.eye(2, 3)
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    ratio = np.array((width, height)) / image.shape[1::-1]
    # pixel centres, not corners, keep their place under resizing
    return np.asarray(small, np.uint8), np.column_stack((np.diag(ratio), (ratio - 1) / 2))


class _Finish(NamedTuple):
    """What happens to a genuine face and its twin alike."""

    damage: Damage
    turn: float
    zoom: float
    shift: tuple[float, float]
    flip: bool
    camera: Camera | None = None

    @classmethod
    def draw(
        cls, rng: np.random.Generator, turn: float, damaged: float, camera: Camera | None = None
    ) -> _Finish:
        return cls(
            Damage.draw(rng) if rng.random() < damaged else Damage(),
            float(rng.uniform(-turn, turn)),
            1 + float(rng.uniform(-_ZOOM, _ZOOM)),
            (float(rng.uniform(-_SHIFT, _SHIFT)), float(rng.uniform(-_SHIFT, _SHIFT))),
            bool(rng.random() < 0.5),
            camera,
        )

    def apply(
        self,
        image: Image,
        mask: NDArray[np.float32],
        points: Points,
        alignment: AlignmentSettings,
    ) -> Crop:
        side = alignment.size
        matrix = self._matrix(points, alignment)
        if self.camera is not None:
            image = self.camera.grade(image)
        # damaged before it is cut: a video is compressed before anybody looks for faces in it
        crop: Any = cv2.warpAffine(
            self.damage.apply(image), matrix, (side, side), borderMode=cv2.BORDER_REFLECT
        )
        places: Any = cv2.resize(
            cv2.warpAffine(mask, matrix, (side, side)),
            (PLACES, PLACES),
            interpolation=cv2.INTER_AREA,
        )
        if self.flip:
            crop, places = crop[:, ::-1], places[:, ::-1]
        return Crop(np.ascontiguousarray(crop, np.uint8), np.ascontiguousarray(places, np.float32))

    def _matrix(self, points: Points, alignment: AlignmentSettings) -> NDArray[np.float64]:
        """Return the alignment followed by turn, zoom and shift, shape (2, 3)."""
        side = alignment.size
        first = to_crop(np.asarray(points, np.float64), alignment)
        then: Any = cv2.getRotationMatrix2D((side / 2, side / 2), self.turn, self.zoom)
        then[:, 2] += np.array(self.shift) * side
        return np.column_stack((then[:, :2] @ first[:, :2], then[:, :2] @ first[:, 2] + then[:, 2]))

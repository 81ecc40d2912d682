"""Following faces through a video: which face of one frame is which of the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gaitproof.config import Settings
from gaitproof.face.types import Face, FaceTrack

if TYPE_CHECKING:
    from gaitproof.face.detect import FaceDetector

Image = NDArray[np.uint8]
Float64 = NDArray[np.float64]

SMALLEST_SHARE: Final = 0.085
"""Face of this share of a square's side that MediaPipe's full-range detector finds reliably: its
input has 192 pixels, and faces below about 14 of them are missed (measured on portraits)."""

TILE_OVERLAP: Final = 0.2
"""Share of a tile; a face cut by one tile is whole in the next or in one of twice the size."""


def cut(image: Image, x0: int, y0: int, side: int) -> Image:
    """Return a square of a frame; what lies outside the frame is black."""
    height, width = image.shape[:2]
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(width, x0 + side), min(height, y0 + side)
    if (left, top, right, bottom) == (x0, y0, x0 + side, y0 + side):
        return image[y0:bottom, x0:right]
    square = np.zeros((side, side, 3), np.uint8)
    if right > left and bottom > top:
        square[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return square


def plan_tiles(width: int, height: int, smallest: float) -> list[tuple[int, int, int]]:
    """Return squares x0, y0, side that show faces of every size large enough to be found.

    The first is larger than the frame, for a face that fills it; the next holds it just; then
    come halves, quarters and so on until a face of `smallest` pixels fills `SMALLEST_SHARE` of one.
    """
    longest = max(width, height)
    tiles = [((width - side) // 2, (height - side) // 2, side) for side in (2 * longest, longest)]
    side = longest
    while side * SMALLEST_SHARE > smallest:
        side = max(round(side / 2), int(smallest / SMALLEST_SHARE))
        tiles += [(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]
    return tiles


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [(length - side) // 2]
    count = int(np.ceil((length - side) / (side * (1 - TILE_OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]


def is_cut(box: Float64, side: int, origin: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a tile's edge inside the frame cuts a box, given in the tile's pixels."""
    slack = 0.02 * side
    for axis in (0, 1):
        if origin[axis] > 0 and box[axis] < slack:
            return True
        if origin[axis] + side < size[axis] and box[axis + 2] > side - slack:
            return True
    return False


def compute_overlap(a: Float64, b: Float64) -> tuple[float, float]:
    """Return intersection over union, and over the smaller area, of two boxes (4,)."""
    overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (overlap <= 0).any():
        return 0.0, 0.0
    inner = float(overlap.prod())
    areas = float((a[2:] - a[:2]).prod()), float((b[2:] - b[:2]).prod())
    return inner / (sum(areas) - inner), inner / min(areas)


def merge(faces: Sequence[Face]) -> list[Face]:
    """Keep one of faces that are the same, the surest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda one: -one.score):
        overlaps = (compute_overlap(face.box, other.box) for other in kept)
        if not any(union > 0.3 or inner > 0.6 for union, inner in overlaps):
            kept.append(face)
    return kept


NEIGHBOURHOOD: Final = 3.0
"""Side of the square in which a known face is looked for, in face sizes."""

LEAST_NEIGHBOURHOOD: Final = 64
"""Pixels: enlarged from less, the smallest faces are no longer found."""


class TrackingSettings(Settings):
    """How faces of neighbouring frames are joined."""

    max_gap: float = Field(default=1.0, gt=0)
    """Seconds: a face that was away for longer begins a new track."""
    max_step: float = Field(default=1.0, gt=0)
    """Face sizes between where a face is expected and where it is found."""
    max_growth: float = Field(default=1.6, gt=1)
    """Ratio of the sizes of one face in neighbouring frames."""


@dataclass
class _Open:
    number: int
    times: list[float] = field(default_factory=list)
    faces: list[Face] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def expected(self, time: float) -> NDArray[np.float64]:
        """Return the centre at a time, moving on as before."""
        last = self.faces[-1].centre
        if len(self.faces) < 2:
            return last
        speed = (last - self.faces[-2].centre) / (self.times[-1] - self.times[-2])
        # a glance ahead no longer than the look back, or a jitter of the box runs away
        ahead = min(time - self.times[-1], self.times[-1] - self.times[-2])
        return last + speed * ahead


class FaceTracker:
    """Joins the faces of frames that come in order of time; appearance is not used.

    Parameters
    ----------
    settings
        Limits; the defaults if None.
    """

    def __init__(self, settings: TrackingSettings | None = None) -> None:
        self._settings = settings or TrackingSettings()
        self._open: list[_Open] = []
        self._closed: list[_Open] = []
        self._count = 0

    def add(self, frame: int, time: float, faces: Sequence[Face]) -> tuple[int, ...]:
        """Take the faces of the next frame.

        Returns
        -------
        tuple of int
            Number of the track of each face.
        """
        alive = [one for one in self._open if time - one.times[-1] <= self._settings.max_gap]
        self._closed += [one for one in self._open if one not in alive]
        self._open = alive
        chosen = dict(self._match(faces, time))
        numbers = []
        for index, face in enumerate(faces):
            track = chosen.get(index)
            if track is None:
                track = _Open(self._count)
                self._count += 1
                self._open.append(track)
            track.times.append(time)
            track.faces.append(face)
            track.frames.append(frame)
            numbers.append(track.number)
        return tuple(numbers)

    def _match(self, faces: Sequence[Face], time: float) -> list[tuple[int, _Open]]:
        if not faces or not self._open:
            return []
        forbidden = 1e6
        costs = np.full((len(faces), len(self._open)), forbidden)
        for row, face in enumerate(faces):
            for column, track in enumerate(self._open):
                last = track.faces[-1]
                growth = max(face.size / last.size, last.size / face.size)
                step = float(np.linalg.norm(face.centre - track.expected(time))) / last.size
                if growth <= self._settings.max_growth and step <= self._settings.max_step:
                    union, _ = compute_overlap(face.box, last.box)
                    costs[row, column] = step + (1 - union) + (growth - 1)
        from scipy.optimize import linear_sum_assignment  # half a second to import

        rows, columns = linear_sum_assignment(costs)
        return [
            (int(row), self._open[column])
            for row, column in zip(rows, columns, strict=True)
            if costs[row, column] < forbidden
        ]

    def current(self) -> tuple[Face, ...]:
        """Return the last face of every track that may go on."""
        return tuple(track.faces[-1] for track in self._open)

    def tracks(self) -> dict[int, FaceTrack]:
        """Return all tracks so far by their number."""
        ordered = sorted((*self._closed, *self._open), key=lambda one: one.number)
        return {
            one.number: FaceTrack(tuple(one.times), tuple(one.faces), tuple(one.frames))
            for one in ordered
        }


def follow(
    image: NDArray[np.uint8], known: Sequence[Face], detector: FaceDetector
) -> tuple[Face, ...]:
    """Look for known faces in their neighbourhood only, which costs less than the whole frame.

    Parameters
    ----------
    image
        Shape (H, W, 3), RGB.
    known
        Faces of a frame shortly before.
    detector
        Finds them.

    Returns
    -------
    tuple of Face
        At most one for each known face, each once.
    """
    faces: list[Face] = []
    for face in known:
        side = max(LEAST_NEIGHBOURHOOD, round(NEIGHBOURHOOD * face.size))
        x0, y0 = (round(float(c) - side / 2) for c in face.centre)
        near = [
            one.mapped(1.0, (x0, y0))
            for one in detector.detect(cut(image, x0, y0, side), face.size / 2)
        ]
        near = [
            one
            for one in near
            if 0.5 < one.size / face.size < 2
            and all(compute_overlap(one.box, other.box)[0] < 0.3 for other in faces)
        ]
        if near:
            faces.append(min(near, key=lambda one: float(np.linalg.norm(one.centre - face.centre))))
    return tuple(faces)

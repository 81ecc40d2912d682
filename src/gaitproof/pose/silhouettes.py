"""From the pose model's person mask to a silhouette of 64 × 44."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import SilhouetteSequence
from gaitproof.types.silhouette import MASK_BYTES, MASK_HEIGHT, MASK_WIDTH, pack_masks

Float32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

SILHOUETTES: Final = "silhouettes/1"
"""Names how masks are cut; raised whenever the same video would give others."""

THRESHOLD: Final = 0.5
"""Probability from which a pixel belongs to the person."""

MIN_ROWS: Final = 16
"""Rows of the model's mask: a smaller component is a speck and no person."""

NEIGHBOURHOOD: Final = 0.25
"""Seconds to each side over which a mask's area is compared."""


@dataclass(frozen=True, eq=False)
class Region:
    """The square of the frame that the pose model looked at.

    Parameters
    ----------
    centre
        (x, y) in pixels.
    size
        (width, height) in pixels, before it is turned.
    rotation
        Radians, clockwise in the frame.
    """

    centre: tuple[float, float]
    size: tuple[float, float]
    rotation: float


@dataclass(frozen=True, eq=False)
class FrameSilhouette:
    """One person's silhouette in one frame; the figures are those of `SilhouetteSequence`."""

    bits: NDArray[np.uint8]
    height: float
    corner: tuple[float, float]
    cut: float
    holes: float
    torn: float

    @property
    def area(self) -> float:
        """Pixels of the source frame that the mask covers."""
        cells = int(np.unpackbits(self.bits).sum())
        return cells * (self.height / MASK_HEIGHT) ** 2


def normalise_mask(mask: NDArray[Any]) -> tuple[Bools, int]:
    """Scale a mask to 64 rows and centre it on its median column, as GaitSet does.

    Parameters
    ----------
    mask
        Shape (H, W), 0 to 1, cut to the rows that the person covers; not empty.

    Returns
    -------
    ndarray of bool, int
        The silhouette (64, 44), and the column of the scaled mask that is its first; negative
        where the mask was padded.
    """
    import cv2

    rows, columns = mask.shape
    width = max(1, round(columns * MASK_HEIGHT / rows))
    method = cv2.INTER_AREA if rows > MASK_HEIGHT else cv2.INTER_LINEAR
    scaled = cv2.resize(mask.astype(np.float32), (width, MASK_HEIGHT), interpolation=method)
    person = scaled >= THRESHOLD
    mass = person.sum(axis=0).cumsum()
    centre = int(np.searchsorted(mass, mass[-1] / 2, side="right"))
    start = min(centre, width - 1) - MASK_WIDTH // 2
    left, right = max(start, 0), min(start + MASK_WIDTH, width)
    result = np.zeros((MASK_HEIGHT, MASK_WIDTH), bool)
    result[:, left - start : right - start] = person[:, left:right]
    return result, start


def cut_silhouette(
    probability: Float32, region: Region, frame_size: tuple[int, int]
) -> FrameSilhouette | None:
    """Make a silhouette from the mask of the region that the pose model looked at.

    Working at the mask's own resolution costs the same for every size of video.

    Parameters
    ----------
    probability
        Shape (M, M): how surely each part of the region is the person.
    region
        Where it lies in the frame.
    frame_size
        (width, height) in pixels; what the model imagines outside is left out.

    Returns
    -------
    FrameSilhouette or None
        None if no component is large enough to be a person.
    """
    import cv2

    upright, (left, top), scale, edges = _turn_upright(probability, region, frame_size)
    if upright.size == 0:
        return None
    binary = (upright > THRESHOLD).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, columns, rows, area = (int(v) for v in stats[largest])
    if rows < MIN_ROWS:
        return None
    component = (labels[y : y + rows, x : x + columns] == largest).astype(np.uint8)
    whole: Any = np.zeros_like(component)
    outline, _ = cv2.findContours(component, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(whole, outline, -1, (1,), cv2.FILLED)
    soft = upright[y : y + rows, x : x + columns] * component
    mask, start = normalise_mask(soft)
    height = rows / scale
    sides = (
        component[:, 0] if x == 0 else None,
        component[0] if y == 0 else None,
        component[:, -1] if x + columns == upright.shape[1] else None,
        component[-1] if y + rows == upright.shape[0] else None,
    )
    touching = sum(
        int(side.sum())
        for side, edge in zip(sides, edges, strict=True)
        if edge and side is not None
    )
    return FrameSilhouette(
        bits=pack_masks(mask[None])[0],
        height=height,
        corner=(left + x / scale + start * height / MASK_HEIGHT, top + y / scale),
        cut=min(1.0, touching / rows),
        holes=1.0 - area / max(int(whole.sum()), area),
        torn=1.0 - area / int(stats[1:, cv2.CC_STAT_AREA].sum()),
    )


def _turn_upright(
    probability: Float32, region: Region, frame_size: tuple[int, int]
) -> tuple[Float32, tuple[float, float], float, tuple[bool, bool, bool, bool]]:
    """Return the part inside the frame, its corner, its pixels per pixel, and its outer edges.

    The four flags say whether the left, upper, right and lower side is the frame's edge.
    """
    import cv2

    side = probability.shape[0]
    scale = side / max(region.size)
    cos, sin = np.cos(region.rotation), np.sin(region.rotation)
    half = np.array(region.size) / 2
    reach = np.array([[abs(cos), abs(sin)], [abs(sin), abs(cos)]]) @ half
    low, high = np.array(region.centre) - reach, np.array(region.centre) + reach
    first = np.maximum(low, 0.0)
    last = np.minimum(high, np.array(frame_size, np.float64))
    columns, rows = np.maximum(np.round((last - first) * scale), 0).astype(int)
    edges = (
        bool(low[0] < 0),
        bool(low[1] < 0),
        bool(high[0] > frame_size[0]),
        bool(high[1] > frame_size[1]),
    )
    if columns < 1 or rows < 1:
        return np.zeros((0, 0), np.float32), (0.0, 0.0), scale, edges
    # from the middle of an output pixel to the frame, into the turned region, to its mask
    turn = np.array([[cos, sin], [-sin, cos]]) * (side / np.array(region.size))[:, None]
    step = turn / scale
    offset = turn @ (first - np.array(region.centre)) + side / 2 - 0.5 + step @ [0.5, 0.5]
    upright: Any = cv2.warpAffine(
        probability,
        np.column_stack([step, offset]),
        (int(columns), int(rows)),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return upright, (float(first[0]), float(first[1])), scale, edges


def join_silhouettes(
    timestamps: NDArray[np.float64],
    silhouettes: Sequence[FrameSilhouette | None],
    estimator: str,
    sha256: str | None = None,
) -> SilhouetteSequence:
    """Join the silhouettes of one person's frames; None is a frame without one.

    Parameters
    ----------
    timestamps
        Seconds of the frames.
    silhouettes
        One per time stamp.
    estimator
        Identifier of the pose estimator.
    sha256
        Hash of the video.
    """
    count = len(silhouettes)
    # packed all along: a long video's masks would take eight times as much unpacked
    bits = np.zeros((count, MASK_BYTES), np.uint8)
    figures = {name: np.full(count, np.nan) for name in ("height", "cut", "holes", "torn", "area")}
    corner = np.full((count, 2), np.nan)
    for i, one in enumerate(silhouettes):
        if one is not None and one.bits.any():
            bits[i] = one.bits
            corner[i] = one.corner
            for name, values in figures.items():
                values[i] = getattr(one, name)
    jump = area_jumps(timestamps, figures.pop("area"))
    given = {"corner": corner, "jump": jump, **figures}
    return SilhouetteSequence(
        timestamps,
        bits,
        estimator=f"{estimator}+{SILHOUETTES}",
        source_sha256=sha256,
        **{name: values.astype(np.float32) for name, values in given.items()},
    )


def area_jumps(
    timestamps: NDArray[np.float64], areas: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return how far the logarithm of each area lies from its neighbours' median; NaN stays NaN.

    Parameters
    ----------
    timestamps
        Shape (T,), seconds.
    areas
        Shape (T,), above 0, or NaN in a frame without a mask.
    """
    logs = np.log(np.asarray(areas, np.float64))
    starts = np.searchsorted(timestamps, timestamps - NEIGHBOURHOOD)
    ends = np.searchsorted(timestamps, timestamps + NEIGHBOURHOOD, side="right")
    jumps = np.full(len(logs), np.nan)
    for i in np.flatnonzero(np.isfinite(logs)):
        jumps[i] = abs(logs[i] - np.nanmedian(logs[starts[i] : ends[i]]))
    return jumps

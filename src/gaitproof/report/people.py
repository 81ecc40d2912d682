"""Numbered images of the people in a video, so that one of them can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.report.images import frames_at, make_image, to_data_uri
from gaitproof.report.page import PageImage
from gaitproof.types import PoseSequence, SeenPerson

Image = NDArray[np.uint8]

THUMBNAIL: Final = (160, 240)
"""Width and height of one image, pixels."""

MOST_SHOWN: Final = 12
"""People on a sheet, at most; further ones are in the list only."""

_COLUMNS: Final = 6
_MARGIN: Final = 0.25
"""Of the person's height, around the landmarks."""

_INK, _PAPER = (255, 255, 255), (40, 40, 40)


def draw_thumbnails(
    path: Path,
    people: Sequence[SeenPerson],
    tracks: Sequence[PoseSequence],
    limits: MediaLimits | None = None,
) -> dict[int, Image]:
    """Cut everybody out of the frame in the middle of their track, with their number.

    Returns
    -------
    dict
        Images of shape (240, 160, 3), RGB, by number; of `MOST_SHOWN` people at most, and of
        nobody who comes after the video cannot be read any more: an answer stands without images.
    """
    wanted: list[tuple[float, int, NDArray[np.float32]]] = []
    for person in people[:MOST_SHOWN]:
        track = tracks[person.number]
        seen = np.flatnonzero(track.detected)
        if track.image is not None and len(seen):
            row = int(seen[len(seen) // 2])
            wanted.append((float(track.timestamps[row]), person.number, track.image[row]))
    wanted.sort(key=lambda one: one[:2])
    thumbnails: dict[int, Image] = {}
    with suppress(MediaError):
        images = frames_at(path, [time for time, _, _ in wanted], limits)
        for (_, number, points), (_, image) in zip(wanted, images, strict=False):
            thumbnails[number] = _thumbnail(image, points, number)
    return dict(sorted(thumbnails.items()))


def list_people(
    people: Sequence[SeenPerson], thumbnails: Mapping[int, Image]
) -> list[dict[str, Any]]:
    """Return everybody as plain JSON types, with the image of who has one as ``picture``."""
    return [
        asdict(one)
        | ({"picture": to_data_uri(thumbnails[one.number])} if one.number in thumbnails else {})
        for one in people
    ]


def people_sheet(thumbnails: dict[int, Image]) -> Image:
    """Put thumbnails, at least one, side by side in the order of their numbers."""
    shown = list(thumbnails.values())
    columns = min(len(shown), _COLUMNS)
    rows = -(-len(shown) // columns)
    blank = np.full_like(shown[0], _PAPER[0])
    cells = shown + [blank] * (rows * columns - len(shown))
    lines = [np.hstack(cells[i * columns : (i + 1) * columns]) for i in range(rows)]
    return np.asarray(np.vstack(lines), np.uint8)


def people_image(thumbnails: dict[int, Image]) -> PageImage:
    """Return the sheet for a page."""
    sheet = people_sheet(thumbnails)
    return make_image(
        sheet,
        f"{len(thumbnails)} people seen in the video, with their numbers",
        "Choose one of these people by number with --person N.",
    )


def _thumbnail(image: Image, points: NDArray[np.float32], number: int) -> Image:
    known = points[np.isfinite(points).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    margin = _MARGIN * float(high[1] - low[1])
    height, width = image.shape[:2]
    limits = np.array([width, height])
    left, top = np.clip(low - margin, 0, limits - 1).astype(int)
    right, bottom = np.clip(high + margin, (left + 1, top + 1), limits).astype(int)
    cut = image[top:bottom, left:right]
    scale = min(THUMBNAIL[0] / cut.shape[1], THUMBNAIL[1] / cut.shape[0])
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    cell = np.full((THUMBNAIL[1], THUMBNAIL[0], 3), _PAPER, np.uint8)
    x, y = (THUMBNAIL[0] - size[0]) // 2, (THUMBNAIL[1] - size[1]) // 2
    cell[y : y + size[1], x : x + size[0]] = small
    for colour, thick in ((_PAPER, 6), (_INK, 2)):
        cv2.putText(cell, str(number), (6, 30), cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, thick)
    return cell

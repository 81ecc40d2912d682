"""Frames of a video with the pose drawn in, small enough to put inside a page."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.media.decode import read_frames
from gaitproof.media.overlay import draw_pose, draw_silhouette, place_silhouette
from gaitproof.report.page import PageImage
from gaitproof.types import PoseSequence, SilhouetteSequence

IMAGE_WIDTH: Final = 400
"""Pixels: sharp in a three-column page, about 20 kB each."""

JPEG_QUALITY: Final = 80
"""OpenCV's scale of 0 to 100."""

SHEET_COLUMNS: Final = 12
"""Silhouettes beside each other on a contact sheet."""

_SHEET_MASKS: Final = 24

SAME_TIME: Final = 1e-6
"""Seconds: time stamps that differ by less are the same frame (they went through a file)."""

_FAR: Final = 10.0
"""Seconds that take longer to decode than opening the video once more does."""


def to_data_uri(image: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> str:
    """Encode an image as a JPEG ``data:`` address.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8, RGB.
    quality
        0 to 100.
    """
    good, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not good:
        raise ValueError(f"An image of shape {image.shape} cannot be encoded.")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def make_image(
    image: NDArray[np.uint8], alt: str, caption: str = "", quality: int = JPEG_QUALITY
) -> PageImage:
    """Return an image (H, W, 3), uint8, RGB, for a page; see `PageImage` and `to_data_uri`."""
    height, width = image.shape[:2]
    return PageImage(to_data_uri(image, quality), width, height, alt, caption)


def shrink(image: NDArray[np.uint8], width: int = IMAGE_WIDTH) -> NDArray[np.uint8]:
    """Return the image at most `width` pixels wide, its proportions kept."""
    height, old = image.shape[:2]
    if old <= width:
        return image
    size = (width, max(1, round(height * width / old)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def pick_times(track: PoseSequence, count: int) -> list[float]:
    """Choose moments, evenly spread over the frames in which the person was found.

    Parameters
    ----------
    track
        The person's landmarks.
    count
        How many moments; fewer are returned if the person was found in fewer frames.

    Returns
    -------
    list of float
        Seconds in the source, increasing.
    """
    seen = np.flatnonzero(track.detected)
    if len(seen) == 0:
        seen = np.arange(len(track))
    middles = ((np.arange(count) + 0.5) / count * len(seen)).astype(int)
    return [float(track.timestamps[i]) for i in dict.fromkeys(seen[middles])] if len(seen) else []


def overlay_images(
    path: Path,
    track: PoseSequence,
    *,
    count: int = 3,
    what: str = "the person",
    caption: str = "",
    limits: MediaLimits | None = None,
    silhouettes: SilhouetteSequence | None = None,
) -> tuple[PageImage, ...]:
    """Return a few frames of a video with the person's pose drawn in.

    Parameters
    ----------
    path
        The video.
    track
        Landmarks of the person, one row per frame of the video, with image coordinates.
    count
        How many frames; fewer are returned if the person was found in fewer.
    what
        Who is seen, for the alternative text.
    caption
        Text below the first image; the moment is added to each.
    limits
        Of decoding.
    silhouettes
        The person's masks, to be drawn as well.

    Raises
    ------
    MediaError
        If the video cannot be read.
    """
    times = pick_times(track, count)
    if track.image is None or not times:
        return ()
    rows = {float(time): row for row, time in enumerate(track.timestamps)}
    images = []
    for time, image in frames_at(path, times, limits):
        row = rows[time]
        if silhouettes is not None:
            image = _with_mask(image, silhouettes, time)
        drawn = shrink(draw_pose(image, track.image[row], track.visibility[row]))
        images.append(
            make_image(
                drawn,
                f"{what} walking, {time:.1f} s into the video, with the found joints drawn in",
                f"{caption}, {time:.1f} s" if caption else f"{time:.1f} s",
            )
        )
    return tuple(images)


def _with_mask(
    image: NDArray[np.uint8], silhouettes: SilhouetteSequence, time: float
) -> NDArray[np.uint8]:
    row = int(np.searchsorted(silhouettes.timestamps, time - SAME_TIME))
    if row == len(silhouettes) or silhouettes.timestamps[row] - time > SAME_TIME:
        return image
    if not np.isfinite(silhouettes.corner[row]).all():
        return image
    size = (image.shape[1], image.shape[0])
    height = float(silhouettes.height[row])
    mask = silhouettes.slice(row, row + 1).masks[0]
    return draw_silhouette(image, place_silhouette(mask, silhouettes.corner[row], height, size))


def contact_sheet(silhouettes: SilhouetteSequence) -> PageImage | None:
    """Return up to 24 masks side by side, evenly spread over the frames that have one, or None."""
    shown = np.flatnonzero(silhouettes.present)
    if not len(shown):
        return None
    middles = ((np.arange(_SHEET_MASKS) + 0.5) / _SHEET_MASKS * len(shown)).astype(int)
    masks = silhouettes.select(np.unique(shown[middles])).masks
    columns = min(len(masks), SHEET_COLUMNS)
    rows = -(-len(masks) // columns)
    room = np.zeros((rows * columns, *masks.shape[1:]), bool)
    room[: len(masks)] = masks
    framed = np.pad(room, ((0, 0), (2, 2), (2, 2)))
    sheet = np.concatenate(
        [np.hstack(list(row)) for row in framed.reshape(rows, columns, *framed.shape[1:])]
    )
    image = np.repeat(np.where(sheet, 255, 30).astype(np.uint8)[..., None], 3, axis=2)
    first, last = silhouettes.timestamps[shown[[0, -1]]]
    return make_image(
        image,
        f"{len(masks)} silhouettes of the person, one after the other",
        f"Silhouettes, {first:.1f} to {last:.1f} s",
    )


def frames_at(
    path: Path, times: Sequence[float], limits: MediaLimits | None = None
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the first frame at or after each of the increasing times.

    What lies long before a time is not decoded: in an hour of video that takes minutes.

    Raises
    ------
    MediaError
        If the video cannot be read.
    """
    wanted = deque(times)
    while wanted:
        start = wanted[0] - SAME_TIME if wanted[0] > _FAR else None
        with closing(read_frames(path, limits, start)) as frames:
            for frame in frames:
                while wanted and frame.time >= wanted[0] - SAME_TIME:
                    yield wanted.popleft(), frame.image
                if not wanted or wanted[0] - frame.time > _FAR:
                    break
            else:
                return

"""The video itself with the explanation drawn in: joints by importance, a running heat strip."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.overlay import Colour, Image, draw_joints, draw_pose
from gaitproof.report.explanation import AGAINST, FOR, draw_strip, plain_text, time_span
from gaitproof.report.images import SAME_TIME
from gaitproof.report.style import ANSWERS, INK, SOFT
from gaitproof.types import PoseSequence, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gaitproof.explain.importance import Importance


def _rgb(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


FILM_WIDTHS: Final = (640, 1280)
"""Pixels: narrower videos are enlarged and wider ones reduced, so that the writing is legible and
drawing does not take longer than the walk."""

FILM_CRF: Final = 23.0
"""Of x264: an illustration, not evidence."""

_HEADER, _FOOTER = 0.1, 0.115
"""Heights of the bars above and below the image, in parts of the width."""

_JOINT: Final = 0.055
"""Radius of the most important joint, in parts of the person's height."""

_STRIP: Final = (0.015, 0.985)
"""Where the strip begins and ends, in parts of the width."""

_DPI: Final = 100

_FOR: Final = _rgb(FOR)
_AGAINST: Final = _rgb(AGAINST)


def write_film(
    video: Path,
    tracks: Sequence[PoseSequence],
    importance: Importance,
    verdict: Verdict,
    out: Path,
    *,
    limits: MediaLimits | None = None,
) -> None:
    """Write a video with the examined person's joints sized by importance.

    Every image keeps its time, so the film runs as the original does.

    Parameters
    ----------
    video
        The original.
    tracks
        Cleaned landmarks of the person, with image coordinates; one after the other.
    importance
        Its `joints` and its `over_time` are drawn.
    verdict
        Written above the image.
    out
        MP4 file.
    limits
        Of decoding.

    Raises
    ------
    MediaError
        If the original cannot be read.
    InputError
        If the film cannot be written.
    """
    frames = read_frames(video, limits or MediaLimits())
    first = next(frames, None)
    if first is None:
        raise MediaError(f"The video {str(video)!r} has no image.")
    width, height = _film_size(first.image.shape[1], first.image.shape[0])
    scale = width / first.image.shape[1]
    top, bottom = _header(verdict, width), _footer(importance, width)
    size = (width, height + len(top) + len(bottom))
    span = time_span(importance)
    rate = max((track.frame_rate for track in tracks), default=0.0) or 30.0
    with VideoWriter(out, rate, size, crf=FILM_CRF, timed=True) as writer:
        for frame in chain([first], frames):
            image = _resized(frame.image, width, height)
            for track in tracks:
                row = _row_at(track, frame.time)
                if row is not None and track.image is not None:
                    image = _marked(
                        image, track.image[row] * scale, track.visibility[row], importance
                    )
            writer.write(np.concatenate([top, image, _at(bottom, frame.time, span)]), frame.time)


def _row_at(track: PoseSequence, time: float) -> int | None:
    """Return the row of the frame at a time, or None if the track does not have it."""
    row = int(np.searchsorted(track.timestamps, time - SAME_TIME))
    seen = row < len(track) and track.timestamps[row] - time <= SAME_TIME
    return row if seen else None


def _marked(
    image: Image,
    points: NDArray[np.floating[Any]],
    visibility: NDArray[np.floating[Any]],
    importance: Importance,
) -> Image:
    """Draw the skeleton, and the joints by importance over it."""
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return image
    tall = float(np.ptp(known[:, 1]))
    # only the part of the image with the person is worked on: large images take long
    low = np.clip(known.min(axis=0) - 0.1 * tall - 8, 0, None).astype(int)
    high = np.clip(known.max(axis=0) + 0.1 * tall + 8, 0, image.shape[1::-1]).astype(int)
    if (high <= low).any():
        return image
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    drawn = draw_pose(image[part], points - low, visibility, neutral=True)
    top = max((abs(v) for v in importance.joints.values()), default=0.0) or 1.0
    largest = _JOINT * tall
    marks = {
        # the area, not the radius, grows with the importance
        joint: (largest * float(np.sqrt(abs(v) / top)), _FOR if v >= 0 else _AGAINST, v >= 0)
        for joint, v in importance.joints.items()
        if np.isfinite(v)
    }
    draw_joints(drawn, points - low, marks)
    result = image.copy()
    result[part] = drawn
    return result


def _film_size(width: int, height: int) -> tuple[int, int]:
    wide = min(max(width, FILM_WIDTHS[0]), FILM_WIDTHS[1]) // 2 * 2
    return wide, max(2, round(height * wide / width / 2) * 2)


def _resized(image: Image, width: int, height: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    way = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8)


def _header(verdict: Verdict, width: int) -> Image:
    """Return the bar above the image: verdict and what the marks mean."""
    figure = _bar(width, _HEADER)
    height = figure.get_figheight() * 72
    colour = ANSWERS[verdict.decision][0]
    figure.text(
        0.015, 0.68, plain_text(verdict.headline), color=colour, va="center",
        fontsize=0.33 * height, fontweight="bold",
    )  # fmt: skip
    said = f"Claim: {verdict.claim}."
    if verdict.similarity is not None:
        said += f" Similarity {verdict.similarity:.3f}, threshold {verdict.threshold:.3f}."
    figure.text(
        0.015, 0.25, plain_text(f"{said} {verdict.plain}"), color=INK, va="center",
        fontsize=0.22 * height,
    )  # fmt: skip
    return _pixels(figure)


def _footer(importance: Importance, width: int) -> Image:
    """Return the bar below the image: the contribution over the whole time."""
    figure = _bar(width, _FOOTER)
    size = 0.17 * figure.get_figheight() * 72
    axes = figure.add_axes((_STRIP[0], 0.42, _STRIP[1] - _STRIP[0], 0.26))
    draw_strip(axes, importance)
    axes.tick_params(labelsize=size, length=2, pad=1)
    texts = (
        (0.0, "●", FOR, 1.4),
        (0.027, "speaks for the claim", INK, 1.0),
        (0.25, "○", AGAINST, 1.9),
        (0.287, "against it", INK, 1.0),
        (0.42, "joints by size, moments by colour; time in seconds", SOFT, 1.0),
    )
    for x, text, colour, times in texts:
        figure.text(
            _STRIP[0] + x, 0.84, text, color=colour, fontsize=times * size, va="center_baseline"
        )
    return _pixels(figure)


def _at(footer: Image, time: float, span: tuple[float, float]) -> Image:
    """Return the footer with its hand at a time."""
    share = (time - span[0]) / (span[1] - span[0])
    if not 0 <= share <= 1:
        return footer
    marked = footer.copy()
    height, width = footer.shape[:2]
    x = round((_STRIP[0] + share * (_STRIP[1] - _STRIP[0])) * width)
    top, bottom = round(0.28 * height), round(0.62 * height)
    marked[top:bottom, max(x - 2, 0) : x + 3] = 255
    marked[top:bottom, max(x - 1, 0) : x + 2] = 0
    return marked


def _bar(width: int, share: float) -> Figure:
    from matplotlib.figure import Figure

    height = round(width * share / 2) * 2
    return Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")


def _pixels(figure: Figure) -> Image:
    width, height = (round(side * _DPI) for side in figure.get_size_inches())
    out = io.BytesIO()
    figure.savefig(out, format="rgba", dpi=_DPI)
    rows = np.frombuffer(out.getvalue(), np.uint8).reshape(height, width, 4)
    return np.ascontiguousarray(rows[..., :3])

"""The sheet of scored faces: each frame, what in it speaks for manipulation, and its score."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.face.model import FaceDetectorCard
from gaitproof.face.scan import FaceScan
from gaitproof.face.verdict import FrameScore, side_of
from gaitproof.report.face.evidence import ShownFace, most_suspicious
from gaitproof.report.face.page import HEADLINES, SYMBOLS, describe_score
from gaitproof.report.face.plots import signature
from gaitproof.report.face.strip import HEIGHT, STRONG, draw_strip, segment_edges, side_colour
from gaitproof.report.style import DPI, GREY

Image = NDArray[np.uint8]

MOST_FACES: Final = 12
"""Faces on one sheet; of more, the most suspicious."""

_TILE: Final = 176
"""Pixels: side of one face."""
_WIDTH: Final = 10 * _TILE
_LEAST_WIDTH: Final = 8 * _TILE
"""Pixels of all tiles in a row: at most, and at least, so that there is room for the words."""
_GAP: Final = 18
_STRIP: Final = HEIGHT + 34
"""Pixels: what each frame counted, and the segments' scores below."""
_TEXT: Final = 68
_NARROW_TEXT: Final = 112
"""Pixels: three lines below two tiles, five below one."""
_HEAD: Final = 56
_LINE: Final = 28
"""Pixels: one more line of a face's heading."""
_EDGE: Final = 26
_POINTS: Final = 7.5
"""Size of the text."""
_LETTER: Final = 8.6
"""Pixels: mean width of a letter of that size."""
_BOLD_LETTER: Final = 14.0
"""Pixels: of the headings."""


def draw_sheet(scan: FaceScan, shown: Sequence[ShownFace], card: FaceDetectorCard) -> Image:
    """Draw every face's frames in order of time, with score and evidence in words.

    Returns
    -------
    Shape (H, W, 3), RGB, for `gaitproof.report.style.DPI`.
    """
    numbers = {face.number for face in most_suspicious(scan.faces, MOST_FACES)}
    drawn = [one for one in shown if one.verdict.number in numbers]
    explained = any(one.heat is not None for one in drawn)
    tile, below = (2 * _TILE, _TEXT) if explained else (_TILE, _NARROW_TEXT)
    most = max((len(one.frames) for one in drawn), default=0)
    columns = max(min(_WIDTH // tile, most), _LEAST_WIDTH // tile)
    width = 2 * _EDGE + columns * (tile + _GAP) - _GAP
    heads = [_headlines(one, width) for one in drawn]
    blocks = [
        _HEAD
        + _LINE * head.count("\n")
        + (_STRIP if one.verdict.turns else 0)
        + -(-len(one.frames) // columns) * (_TILE + below)
        for one, head in zip(drawn, heads, strict=True)
    ]
    height = 2 * _EDGE + 2 * _HEAD + sum(blocks)
    writing = _Writing(width, height)
    tiles: list[tuple[int, int, Image]] = []
    writing.add(_EDGE, _EDGE, _title(scan, drawn), size=12, weight="bold")
    y = _EDGE + _HEAD
    for one, head, block in zip(drawn, heads, blocks, strict=True):
        writing.add(_EDGE, y, head, size=10, weight="bold")
        top = y + _HEAD // 2 + _LINE * head.count("\n")
        if one.verdict.turns:
            across = width - 2 * _EDGE
            strip = draw_strip(one.verdict.frames, across, card.operating_point.threshold)
            tiles.append((_EDGE, top, strip))
            _write_segments(writing, one, across, top + HEIGHT)
            top += _STRIP
        for place, frame in enumerate(one.frames):
            row, column = divmod(place, columns)
            corner = (_EDGE + column * (tile + _GAP), top + row * (_TILE + below))
            tiles.append((*corner, _framed(one, place, card.operating_point.threshold)))
            words = _words(frame, int(tile / _LETTER))
            writing.add(corner[0], corner[1] + _TILE + 5, words, size=_POINTS)
        y += block
    foot = _explanation(drawn, width, card.summary, explained=explained)
    writing.add(_EDGE, height - _EDGE - _HEAD, foot, size=_POINTS, color=GREY)
    writing.add(_EDGE, height - _EDGE, signature(scan), size=6.5, color=GREY)
    sheet = writing.draw()
    for x, y, image in tiles:
        sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
    return sheet


class _Writing:
    """Text on a white sheet; images are added afterwards.

    Matplotlib would copy them in floating point, half a gigabyte for a sheet.
    """

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        # half a pixel more, for sizes are cut off and not rounded
        size = ((width + 0.5) / DPI, (height + 0.5) / DPI)
        self._figure = Figure(figsize=size, dpi=DPI, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._size = (width, height)

    def add(self, x: float, y: float, text: str, *, size: float, **style: Any) -> None:
        """Write with the upper left corner at (x, y), pixels from the upper left."""
        width, height = self._size
        place = (x / width, 1 - y / height)
        self._figure.text(
            *place, text, va="top", fontsize=size, linespacing=1.25, parse_math=False, **style
        )

    def draw(self) -> Image:
        """Return the sheet, shape (H, W, 3), RGB."""
        self._canvas.draw()
        return np.array(self._canvas.buffer_rgba(), np.uint8)[..., :3].copy()


def _framed(one: ShownFace, place: int, threshold: float) -> Image:
    tiles = [one.crops[place]] + ([] if one.heat is None else [one.heat[place]])
    row = [cv2.resize(tile, (_TILE, _TILE), interpolation=cv2.INTER_AREA) for tile in tiles]
    image = np.ascontiguousarray(np.concatenate(row, axis=1))
    frame = one.frames[place]
    side = side_of(frame.score, frame.log10_lr, threshold)
    thickness = (3, 2, 6)[side]
    corner = (image.shape[1] - 1, image.shape[0] - 1)
    return np.asarray(cv2.rectangle(image, (0, 0), corner, side_colour(side), thickness), np.uint8)


def _write_segments(writing: _Writing, one: ShownFace, width: int, y: int) -> None:
    """Write the score of each segment below it, with its seconds if there is room."""
    edges = segment_edges(one.verdict.frames, width)
    for segment, (first, last) in zip(one.verdict.turns, edges, strict=True):
        texts = (
            f"{segment.first:.1f}-{segment.last:.1f} s: {segment.probability_fake:.2f}",
            f"{segment.probability_fake:.2f}",
        )
        text = next((text for text in texts if len(text) * _LETTER < last - first), "")
        writing.add(_EDGE + first, y + 4, text, size=_POINTS)


def _title(scan: FaceScan, drawn: Sequence[ShownFace]) -> str:
    title = f"{SYMBOLS[scan.decision]} {HEADLINES[scan.decision]}"
    if len(drawn) < len(scan.faces):
        title += f" (shown: the {len(drawn)} most suspicious of {len(scan.faces)} faces)"
    return title


def _headlines(one: ShownFace, width: int) -> str:
    verdict = one.verdict
    parts = [f"{SYMBOLS[verdict.decision]} Face {verdict.number}: {verdict.decision.value}"]
    if verdict.probability_fake is None:
        parts.append("not scored")
    else:
        parts.append(f"P(manipulated) {verdict.probability_fake:.2f}")
        parts += [verdict.confidence] if verdict.log10_lr is not None else []
        some = f"{len(one.frames)} of " if len(one.frames) < len(verdict.frames) else ""
        parts.append(f"{some}{len(verdict.frames)} scored frames")
        parts += [f"segments: {len(verdict.turns)}"] if verdict.turns else []
    lines = ["  ·  ".join(parts)]
    lines += textwrap.wrap(verdict.reason, int((width - 2 * _EDGE) / _BOLD_LETTER))
    return "\n".join(lines)


def _words(frame: FrameScore, letters: int) -> str:
    lines = textwrap.wrap(f"{frame.time:.2f} s  ·  {describe_score(frame)}", letters)
    if frame.log10_lr is not None and frame.weight is None:
        lines += textwrap.wrap(frame.confidence, letters)
    return "\n".join(line.rstrip(" ·") for line in lines)


def _explanation(drawn: Sequence[ShownFace], width: int, summary: str, *, explained: bool) -> str:
    if not drawn:
        return "No face was found: nothing was judged, and nothing is said about the video."
    if any(one.verdict.turns for one in drawn):
        text = (
            "The frames of a segment were judged together: thick orange border: their segment "
            "looks manipulated; thin blue: genuine; grey: neither. The face is judged by the "
            f"{summary} of its segments. The strip has one cell per frame, from violet (it "
            f"counted nothing in its segment) to yellow ({STRONG:g} times its even share or more), "
            "below the answer of each segment, above P(manipulated) of it. It shows what the model "
            "used, not where a manipulation begins."
        )
    else:
        text = (
            "Thick orange border: this frame supports a manipulated face; thin blue: a genuine "
            f"one; grey: neither. The face is judged by the {summary} of its frames. "
        )
    if explained:
        text += (
            "Right of each frame: where the model sees manipulation (Grad-CAM, one scale for the "
            "whole video, times the probability of the frame), from violet (little) to yellow; "
            "a white line goes round strong places. It shows what the model used, and is no mask "
            "of changed pixels."
        )
    return textwrap.fill(text, int((width - 2 * _EDGE) / _LETTER))

"""Decoded frames of any pixel format to RGB."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, cast

import av
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Colorspace

from gaitproof.media._values import HLG, PQ, Matrix, RawFrame


def transform(frame: av.VideoFrame) -> Matrix:
    """Return the display matrix (a, b, c, d), rounded to quarter turns and mirrorings.

    A pixel (x, y) of the stored image is shown at (a x + c y, b x + d y). Phones store upright
    clips lying down and say so here; FFmpeg leaves turning the image to its caller.
    """
    # PyAV declares a mapping of names, but the container iterates over the entries
    entries = cast(Iterable[Any], frame.side_data)
    data = next((d for d in entries if d.type == SideData.DISPLAYMATRIX), None)
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = struct.unpack_from("=5i", bytes(data))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (-1 if a < 0 else 1), 0, 0, (-1 if d < 0 else 1)
    return 0, (-1 if b < 0 else 1), (-1 if c < 0 else 1), 0


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether the frame is coded with an HDR transfer function."""
    return int(frame.color_trc) in (PQ, HLG)


def to_raw(frame: av.VideoFrame, index: int, time: float, size: tuple[int, int]) -> RawFrame:
    """Convert a decoded frame of any pixel format to RGB of a size.

    HLG and PQ keep 16 bits, for 8 would posterise the dark half of the PQ curve.
    """
    wide = is_hdr(frame)
    width, height = size
    shown = frame.reformat(
        width=width,
        height=height,
        format="rgb48le" if wide else "rgb24",
        src_colorspace=Colorspace.BT2020 if wide else None,
        threads=1,
    )
    plane = shown.planes[0]
    return RawFrame(
        index,
        time,
        width,
        height,
        plane.line_size,
        transform(frame),
        int(frame.color_trc) if wide else 0,
        memoryview(plane)[: plane.line_size * height],
    )

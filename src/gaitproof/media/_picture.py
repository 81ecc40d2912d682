"""One decoded picture to upright, square-pixel, 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Colorspace, ColorTrc
from numpy.typing import NDArray

from gaitproof.media._container import MAX_PIXEL_ASPECT

Image = NDArray[np.uint8]

HDR_TRANSFERS: Final = (int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67))
"""PQ and HLG (ITU-R BT.2100)."""

REFERENCE_WHITE: Final = 203.0
"""Candela per square metre of a white sheet in an HDR picture (ITU-R BT.2408, table 1)."""

PEAK_WHITE: Final = 1000.0
"""Candela per square metre that become pure white: the nominal HLG display of BT.2100."""

_BITS: Final = 12
_BT2020_TO_BT709: Final = np.array(
    [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ],
    np.float32,
)
"""Linear-light primaries, ITU-R BT.2087, equation 4."""


def transform(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Return the display matrix (a, b, c, d), rounded to quarter turns and mirrorings.

    A pixel (x, y) of the stored picture is shown at (a x + c y, b x + d y). Phones store upright
    clips lying down and say so here; FFmpeg leaves turning the picture to its caller.
    """
    # PyAV declares a mapping of names, but the container iterates over the entries
    entries = cast(Iterable[Any], frame.side_data)
    data = next((d for d in entries if d.type == SideData.DISPLAYMATRIX), None)
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = (int(v) for v in np.frombuffer(bytes(data), np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (-1 if a < 0 else 1), 0, 0, (-1 if d < 0 else 1)
    return 0, (-1 if b < 0 else 1), (-1 if c < 0 else 1), 0


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether the picture is coded with an HDR transfer function."""
    return int(frame.color_trc) in HDR_TRANSFERS


def square_size(width: int, height: int, aspect: float | None) -> tuple[int, int]:
    """Return the size with square pixels, the longer side of a pixel being kept.

    Parameters
    ----------
    width, height
        Stored size in pixels.
    aspect
        Width of a pixel over its height; None, 0 or an implausible value counts as 1.
    """
    if not aspect or not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def upright(image: Image, matrix: tuple[int, int, int, int]) -> Image:
    """Turn and mirror a picture (H, W, 3) as its display matrix says."""
    a, b, c, d = matrix
    turned = image[::d, ::a] if a else image.swapaxes(0, 1)[::b, ::c]
    return np.ascontiguousarray(turned)


def to_rgb(frame: av.VideoFrame, aspect: float | None) -> Image:
    """Convert a decoded picture of any pixel format to upright 8-bit RGB with square pixels.

    Parameters
    ----------
    frame
        Picture as decoded.
    aspect
        Sample aspect ratio of its stream; None if unknown.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3). HLG and PQ pictures are mapped to standard range: see `tone_map`.
    """
    width, height = square_size(frame.width, frame.height, aspect)
    if is_hdr(frame):
        # 16 bits keep the dark half of the PQ curve, which 8 would posterise
        wide = frame.to_ndarray(
            format="rgb48le",
            width=width,
            height=height,
            src_colorspace=Colorspace.BT2020,
            threads=1,
        )
        image = tone_map(wide.astype(np.uint16, copy=False), int(frame.color_trc))
    else:
        plain = frame.to_ndarray(format="rgb24", width=width, height=height, threads=1)
        image = plain.astype(np.uint8, copy=False)
    return upright(image, transform(frame))


@lru_cache(maxsize=2)
def _to_linear(transfer: int) -> NDArray[np.float32]:
    """Table from a 12-bit code value to light, 1 = reference white."""
    code = np.linspace(0.0, 1.0, 2**_BITS)
    if transfer == int(ColorTrc.SMPTE2084):  # BT.2100 table 4
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = code ** (1 / m2)
        nits = 10000.0 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    else:  # BT.2100 table 5, with the 1.2 system gamma of a 1000 cd/m² display per channel
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
        nits = PEAK_WHITE * scene**1.2
    table: NDArray[np.float32] = (nits / REFERENCE_WHITE).astype(np.float32)
    return table


@lru_cache(maxsize=1)
def _to_display() -> Image:
    """Table from light (12 bits, 1 = peak white, square-root spaced) to an sRGB code value."""
    peak = PEAK_WHITE / REFERENCE_WHITE
    light = np.linspace(0.0, 1.0, 2**_BITS) ** 2 * peak
    mapped = light * (1 + light / peak**2) / (1 + light)
    # Reinhard's curve alone halves mid-tones; scaled so that the reference white is nearly white
    mapped = np.minimum(mapped * 1.6, 1.0)
    coded = np.where(mapped <= 0.0031308, 12.92 * mapped, 1.055 * mapped ** (1 / 2.4) - 0.055)
    table: Image = np.round(255 * coded).astype(np.uint8)
    return table


def tone_map(image: NDArray[np.uint16], transfer: int) -> Image:
    """Map an HDR picture to 8-bit sRGB.

    Code values become light by the transfer function (ITU-R BT.2100), BT.2020 primaries become
    BT.709 (BT.2087), and highlights are rolled off by the extended Reinhard curve (Reinhard et al.
    2002, equation 4) around a reference white of 203 cd/m² (BT.2408). Meant for landmarks,
    not for grading: what matters is that skin and clothes get the contrast that they have in an
    ordinary clip, which pose models were trained on.

    Parameters
    ----------
    image
        Shape (H, W, 3), full-range 16-bit code values.
    transfer
        FFmpeg's number of the transfer function: PQ (16) or HLG (18).

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3).
    """
    linear = _to_linear(transfer)[image >> (16 - _BITS)]
    linear = linear @ _BT2020_TO_BT709.T
    peak = PEAK_WHITE / REFERENCE_WHITE
    index = np.sqrt(np.clip(linear / peak, 0, 1)) * (2**_BITS - 1)
    shown: Image = _to_display()[index.astype(np.uint16)]
    return shown

"""One decoded frame to upright, 8-bit RGB."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.media._values import PQ, RawFrame

Image = NDArray[np.uint8]

REFERENCE_WHITE: Final = 203.0
"""Candela per square metre of a white sheet in an HDR frame (ITU-R BT.2408, table 1)."""

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


def upright(image: Image, matrix: tuple[int, int, int, int]) -> Image:
    """Turn and mirror a frame (H, W, 3) as its display matrix says."""
    a, b, c, d = matrix
    turned = image[::d, ::a] if a else image.swapaxes(0, 1)[::b, ::c]
    return np.ascontiguousarray(turned)


def to_image(raw: RawFrame, *, lasting: bool = True) -> Image:
    """Convert a raw frame to upright 8-bit RGB.

    Parameters
    ----------
    raw
        As decoded.
    lasting
        Whether the image must be a copy; else it may lie where the raw frame lies.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3). HLG and PQ frames are mapped to standard range: see `tone_map`.
    """
    depth: type[np.uint8 | np.uint16] = np.uint16 if raw.transfer else np.uint8
    rows: NDArray[Any] = np.frombuffer(raw.data, depth).reshape(raw.height, -1)
    image = rows[:, : 3 * raw.width].reshape(raw.height, raw.width, 3)
    if raw.transfer:
        return upright(tone_map(image, raw.transfer), raw.matrix)
    turned = upright(image, raw.matrix)
    return turned.copy() if lasting and np.may_share_memory(turned, rows) else turned


@lru_cache(maxsize=2)
def _to_linear(transfer: int) -> NDArray[np.float32]:
    """Table from a 12-bit code value to light, 1 = reference white."""
    code = np.linspace(0.0, 1.0, 2**_BITS)
    if transfer == PQ:  # BT.2100 table 4
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
    """Map an HDR frame to 8-bit sRGB.

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

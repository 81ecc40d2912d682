"""Reading a still image that may be hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.reading import FileKind, decode_image, read_bytes
from gaitproof.reading.images import IMAGE_FORMATS

MAX_BYTES: Final = 2**28
"""Largest file that is read, whatever the limit for videos is."""


def read_still(path: str | Path, limits: MediaLimits | None = None) -> NDArray[np.uint8]:
    """Read an image upright, as its EXIF orientation says.

    Parameters
    ----------
    path
        Local file.
    limits
        Bounds on bytes and pixels; the defaults of `MediaLimits` if None.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3), RGB; transparency is dropped, grey and 16-bit images are converted.

    Raises
    ------
    MediaError
        If the file is missing, no image of `IMAGE_FORMATS`, damaged, or beyond `limits`.
    """
    limits = limits or MediaLimits()
    kind = FileKind(
        "image", MediaError, min(limits.max_bytes, MAX_BYTES), expected=" or ".join(IMAGE_FORMATS)
    )
    return decode_image(read_bytes(path, kind), path, kind, limits.max_pixels)

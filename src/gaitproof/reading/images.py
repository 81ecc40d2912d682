"""Still images whose size is known before they are decoded."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.reading.files import FileKind, Source
from gaitproof.reading.guard import malformed

IMAGE_FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
"""Told from the content, not from the name."""


def decode_image(data: bytes, path: Source, kind: FileKind, max_pixels: int) -> NDArray[np.uint8]:
    """Return an image upright, as its EXIF orientation says.

    Parameters
    ----------
    data
        Content of the file.
    path, kind
        For messages.
    max_pixels
        Most pixels; the header is checked before anything is decoded.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3), RGB; transparency is dropped, grey and 16-bit images are converted.

    Raises
    ------
    GaitproofError
        The kind's error, if it is no image of `IMAGE_FORMATS`, damaged, or too large.
    """
    import cv2
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as header:
            width, height = header.size
    except Exception as error:
        raise malformed(
            path, kind, f"no image that can be read ({type(error).__name__})"
        ) from error
    if width * height > max_pixels:
        raise kind.error(
            f"The {kind.noun} {str(path)!r} is too large.",
            expected=f"at most {max_pixels} pixels",
            actual=f"{width}x{height}",
        )
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise malformed(path, kind, "damage")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)

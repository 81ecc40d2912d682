"""Reading a still picture that may be hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.files import open_regular

FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
"""Told from the content, not from the name."""


def read_still(path: str | Path, limits: MediaLimits | None = None) -> NDArray[np.uint8]:
    """Read a picture upright, as its EXIF orientation says.

    Parameters
    ----------
    path
        Local file.
    limits
        Bounds on bytes and pixels; the defaults of `MediaLimits` if None.

    Returns
    -------
    ndarray of uint8
        Shape (H, W, 3), RGB; transparency is dropped, grey and 16-bit pictures are converted.

    Raises
    ------
    MediaError
        If the file is missing, no picture of `FORMATS`, damaged, or beyond `limits`.
    """
    limits = limits or MediaLimits()
    name = repr(str(path))
    with open_regular(path) as file:
        data = file.read(limits.max_bytes + 1)
        if len(data) > limits.max_bytes:
            raise MediaError(f"The picture {name} is larger than {limits.max_bytes} bytes.")
        file.seek(0)
        try:
            # the header only: a small file can hold a picture that fills the memory
            with Image.open(file, formats=FORMATS) as header:
                width, height = header.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
            raise MediaError(
                f"The file {name} is no picture that can be read.",
                expected=" or ".join(FORMATS),
                actual=f"{type(error).__name__}",
            ) from error
    if width * height > limits.max_pixels:
        raise MediaError(
            f"The picture {name} is too large.",
            expected=f"at most {limits.max_pixels} pixels",
            actual=f"{width}x{height}",
        )
    try:
        picture: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise MediaError(f"The picture {name} is damaged.")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)

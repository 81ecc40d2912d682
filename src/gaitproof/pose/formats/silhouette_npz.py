"""Silhouettes as ``.npz`` files: everything kept, no pickle, hostile files refused.

Layout, version 1. The archive holds the little-endian arrays ``timestamps`` (float64), ``bits``
(uint8, T × 352) and every figure of `SilhouetteSequence` (float32), with its shapes; and ``meta``,
UTF-8 JSON as uint8: ``{"format": "gaitproof-silhouettes", "version": 1, "estimator": str,
"source_sha256": str | null}``. ``numpy.load`` reads it without ``allow_pickle``.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.media.files import write_atomically
from gaitproof.reading import (
    FileKind,
    guarded,
    malformed,
    parse_arrays,
    parse_json,
    read_bytes,
    shown,
)
from gaitproof.types import SilhouetteSequence
from gaitproof.types.silhouette import FRAME_FIGURES

FORMAT: Final = "gaitproof-silhouettes"
VERSION: Final = 1

SILHOUETTES: Final = FileKind(
    noun="silhouette file",
    error=PoseError,
    max_bytes=2**30,
    expected="an .npz written by gaitproof",
)
MAX_TOTAL: Final = 2**30
"""Bytes of all arrays: 24 hours at 30 frames a second are below it."""

_DTYPES: Final = {"timestamps": "<f8", "bits": "|u1"} | dict.fromkeys(FRAME_FIGURES, "<f4")


def to_bytes(sequence: SilhouetteSequence) -> bytes:
    """Serialise silhouettes; the same sequence always gives the same bytes."""
    meta = {
        "format": FORMAT,
        "version": VERSION,
        "estimator": sequence.estimator,
        "source_sha256": sequence.source_sha256,
    }
    arrays: dict[str, NDArray[Any]] = {
        name: np.asarray(getattr(sequence, name), dtype) for name, dtype in _DTYPES.items()
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def save_silhouettes(path: Path, sequence: SilhouetteSequence) -> None:
    """Write silhouettes to `path`, atomically."""
    write_atomically(path, to_bytes(sequence))


def load_silhouettes(path: Path) -> SilhouetteSequence:
    """Read silhouettes written by `save_silhouettes`.

    Raises
    ------
    PoseError
        If the file cannot be read, is not such a file, is of another version, holds pickled
        objects, or claims more than `MAX_TOTAL` bytes.
    """
    return from_bytes(read_bytes(path, SILHOUETTES), name=str(path))


def from_bytes(data: bytes, *, name: str = "the data") -> SilhouetteSequence:
    """Read what `to_bytes` made; errors as `load_silhouettes`, which call the source `name`."""
    arrays = parse_arrays(data, name, SILHOUETTES, MAX_TOTAL, (*_DTYPES, "meta"))
    with guarded(name, SILHOUETTES):
        meta = parse_json(arrays["meta"].tobytes(), name, SILHOUETTES)
        if meta["format"] != FORMAT:
            raise malformed(name, SILHOUETTES, f"its 'meta' does not say {FORMAT!r}")
        if meta["version"] != VERSION:
            raise malformed(name, SILHOUETTES, f"version {shown(meta['version'])}, not {VERSION}")
        estimator, digest = meta["estimator"], meta["source_sha256"]
        if not isinstance(estimator, str) or not (digest is None or isinstance(digest, str)):
            raise malformed(name, SILHOUETTES, "its 'meta' is malformed")
        for key, dtype in _DTYPES.items():
            if arrays[key].dtype.str != dtype:
                raise malformed(name, SILHOUETTES, f"{key!r} is not of type {dtype!r}")
        return SilhouetteSequence(
            estimator=estimator, source_sha256=digest, **{key: arrays[key] for key in _DTYPES}
        )

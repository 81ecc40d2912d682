"""Pose sequences as ``.npz`` files: everything kept, no pickle, hostile files refused.

Layout, version 1. The archive holds the little-endian arrays ``timestamps`` (float64),
``visibility`` (float32), and where the sequence has them ``image``, ``world`` and
``camera_motion`` (float32), with the shapes of `PoseSequence`; and ``meta``, UTF-8 JSON as uint8:
``{"format": "gaitproof-pose", "version": 1, "frame_size": [w, h] | null, "estimator": str,
"source_sha256": str | null}``, with ``"feet": false`` for a source that has none. ``numpy.load``
reads it without ``allow_pickle``.
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
from gaitproof.reading import FileKind, guarded, parse_arrays, parse_json, read_bytes, shown
from gaitproof.types import PoseSequence

FORMAT: Final = "gaitproof-pose"
VERSION: Final = 1

MAX_TOTAL: Final = 2**29
"""Most bytes of all arrays of a file: six hours of 30 frames a second are below it."""

_FILE: Final = FileKind(
    "gaitproof pose file", PoseError, 2**29, expected="an .npz written by gaitproof"
)

_DTYPES: Final[dict[str, str]] = {
    "meta": "|u1",
    "timestamps": "<f8",
    "visibility": "<f4",
    "image": "<f4",
    "world": "<f4",
    "camera_motion": "<f4",
}
_REQUIRED: Final = ("meta", "timestamps", "visibility")


def to_bytes(sequence: PoseSequence) -> bytes:
    """Serialise a pose sequence; the same sequence always gives the same bytes."""
    meta = {
        "format": FORMAT,
        "version": VERSION,
        "frame_size": None if sequence.frame_size is None else list(sequence.frame_size),
        "estimator": sequence.estimator,
        "source_sha256": sequence.source_sha256,
    }
    if not sequence.feet:
        meta["feet"] = False
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    }
    for name, dtype in _DTYPES.items():
        value = None if name == "meta" else getattr(sequence, name)
        if value is not None:
            arrays[name] = np.ascontiguousarray(value, dtype)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def save_npz(path: Path, sequence: PoseSequence) -> None:
    """Write a pose sequence to `path`, atomically."""
    write_atomically(path, to_bytes(sequence))


def load_npz(path: Path) -> PoseSequence:
    """Read a pose sequence written by `save_npz`.

    Raises
    ------
    PoseError
        If the file cannot be read, is not such a file, is of another version, holds pickled
        objects, or claims more than `MAX_TOTAL` for its arrays.
    """
    return from_bytes(read_bytes(path, _FILE), name=str(path))


def from_bytes(data: bytes, *, name: str = "the data") -> PoseSequence:
    """Read what `to_bytes` made; errors as `load_npz`, which call the source `name`."""
    arrays = parse_arrays(data, name, _FILE, MAX_TOTAL, _DTYPES)
    with guarded(name, _FILE):
        for key, dtype in _DTYPES.items():
            array = arrays.get(key)
            if array is not None and (array.dtype.str != dtype or not array.flags.c_contiguous):
                raise ValueError(f"{key!r} holds {array.dtype.str!r} in an unknown order")
        missing = [key for key in _REQUIRED if key not in arrays]
        if missing:
            raise ValueError(f"no array {', '.join(repr(key) for key in missing)}")
        meta = parse_json(arrays["meta"].tobytes(), name, _FILE)
        if not isinstance(meta, dict) or meta.get("format") != FORMAT:
            raise ValueError(f"its 'meta' does not say {FORMAT!r}")
    if meta.get("version") != VERSION:
        raise PoseError(
            f"{name!r} is a pose file of another version.",
            expected=f"version {VERSION}",
            actual=f"version {shown(meta.get('version'))}",
            hint="extract the poses again with this version of gaitproof",
        )
    return PoseSequence(
        timestamps=arrays["timestamps"],
        image=arrays.get("image"),
        world=arrays.get("world"),
        visibility=arrays["visibility"],
        camera_motion=arrays.get("camera_motion"),
        **_checked_meta(meta, name),
    )


def _checked_meta(meta: dict[str, Any], name: str) -> dict[str, Any]:
    size, estimator, digest, feet = (
        meta.get(key, default)
        for key, default in (
            ("frame_size", None),
            ("estimator", None),
            ("source_sha256", None),
            ("feet", True),
        )
    )
    size_ok = size is None or (
        isinstance(size, list) and len(size) == 2 and all(type(v) is int for v in size)
    )
    if (
        not size_ok
        or not isinstance(estimator, str)
        or not (digest is None or isinstance(digest, str))
        or not isinstance(feet, bool)
    ):
        raise PoseError(f"The 'meta' of the pose file {name!r} is malformed.")
    return {
        "frame_size": None if size is None else (size[0], size[1]),
        "estimator": estimator,
        "source_sha256": digest,
        "feet": feet,
    }

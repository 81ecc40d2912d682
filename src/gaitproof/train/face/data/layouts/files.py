"""What the layouts share: videos and pictures of a folder, small text files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gaitproof.errors import InputError
from gaitproof.media.manifest import VIDEO_SUFFIXES
from gaitproof.train.face.data.clips import natural

PICTURE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})

MAX_BYTES: Final = 256 * 2**20
"""Largest list that is read; the whole of DFDC's metadata is a tenth of it."""


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, in natural order; none if there is no such folder."""
    return _sorted(path for path in _children(folder) if path.is_dir())


def videos_in(folder: Path) -> list[Path]:
    """Return the videos in a folder, in natural order; none if there is no such folder."""
    return _sorted(
        path
        for path in _children(folder)
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    )


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in natural order; none if there is no such folder."""
    return _sorted(
        path
        for path in _children(folder)
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )


def read_text(file: Path) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises
    ------
    InputError
        If it cannot be read or is larger than `MAX_BYTES`.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(
                f"{str(file)!r} is too large for a list of clips.",
                expected=f"at most {MAX_BYTES // 2**20} MiB",
            )
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{str(file)!r} cannot be read.", actual=str(error)) from error


def read_lines(file: Path) -> list[str]:
    """Return the lines of a text file that are not empty; the first one is a line like the others.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def read_json(file: Path) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    InputError
        If it cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{str(file)!r} is not JSON.", actual=str(error)) from error


def relative(path: Path, root: Path) -> str:
    """Return a path below the root, with ``/``."""
    return path.relative_to(root).as_posix()


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if not path.name.startswith("."))


def _sorted(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural(path.name))

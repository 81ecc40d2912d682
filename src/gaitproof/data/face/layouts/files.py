"""What the layouts share: videos and images of a folder, small text files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gaitproof import reading
from gaitproof.data.face.clips import natural
from gaitproof.data.manifest import VIDEO_SUFFIXES
from gaitproof.errors import InputError
from gaitproof.reading import FileKind, read_text

IMAGE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})

LIST_FILE: Final = FileKind("list of clips", InputError, 2**26)
"""The whole of DFDC's metadata is less than half of it."""


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, in natural order; none if there is no such folder."""
    return _sorted(path for path in _children(folder) if path.is_dir())


def videos_in(folder: Path) -> list[Path]:
    """Return the videos in a folder, in natural order; none if there is no such folder."""
    return _files_in(folder, VIDEO_SUFFIXES)


def images_in(folder: Path) -> list[Path]:
    """Return the images in a folder, in natural order; none if there is no such folder."""
    return _files_in(folder, IMAGE_SUFFIXES)


def read_lines(file: Path) -> list[str]:
    """Return the lines of a text file that are not empty; the first one is a line like the others.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return [line.strip() for line in read_text(file, LIST_FILE).splitlines() if line.strip()]


def read_json(file: Path) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    InputError
        If it cannot be read or is not JSON.
    """
    return reading.read_json(file, LIST_FILE)


def is_json_list(file: Path) -> bool:
    """Tell whether a file is there and begins as a JSON list does."""
    if not file.is_file():
        return False
    with reading.open_file(file, LIST_FILE) as opened:
        return opened.read(64).lstrip()[:1] == b"["


def relative(path: Path, root: Path) -> str:
    """Return a path below the root, with ``/``."""
    return path.relative_to(root).as_posix()


def _files_in(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    paths = (path for path in _children(folder) if path.suffix.lower() in suffixes)
    return _sorted(path for path in paths if path.is_file())


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if not path.name.startswith("."))


def _sorted(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural(path.name))

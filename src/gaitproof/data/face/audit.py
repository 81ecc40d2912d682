"""Leaks that keys do not show: the same file on two sides of a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from gaitproof.data.face.clips import FaceClip
from gaitproof.data.face.layouts.files import images_in, relative
from gaitproof.errors import GaitproofError
from gaitproof.media.files import compute_sha256


def find_equal_files(root: Path, clips: Sequence[FaceClip]) -> tuple[str, ...]:
    """Name files that are the same, byte for byte, and on more than one side.

    Files of a size that only one side has are not read. What cannot be read is passed over.

    Parameters
    ----------
    root
        The data set's folder.
    clips
        With their sides.

    Returns
    -------
    tuple of str
        One sentence each, in words; empty if there is no leak.
    """
    by_size: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for clip in clips:
        if clip.split not in ("", "unused"):
            for path in _files(root, clip.path):
                with suppress(OSError):
                    by_size[(root / path).stat().st_size].append((path, clip.split))
    by_content: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for files in by_size.values():
        if _across(files):
            for path, split in files:
                with suppress(GaitproofError):
                    by_content[compute_sha256(root / path)].append((path, split))
    return tuple(_say(files) for files in by_content.values() if _across(files))


def _files(root: Path, path: str) -> Iterator[str]:
    if (root / path).is_dir():
        yield from (relative(image, root) for image in images_in(root / path))
    else:
        yield path


def _across(files: Sequence[tuple[str, str]]) -> bool:
    return len({split for _, split in files}) > 1


def _say(files: Sequence[tuple[str, str]]) -> str:
    path, split = files[0]
    other, side = next(file for file in files if file[1] != split)
    return f"{path} in {split} and {other} in {side} are the same file"

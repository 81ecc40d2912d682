"""What a folder of videos holds: a manifest from names, hashes, and files that are there twice."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from gaitproof.data.manifest import AUGMENTED_MARKER, VIDEO_SUFFIXES, ManifestRow, locate
from gaitproof.errors import InputError
from gaitproof.media.files import compute_sha256

Layout = Literal["auto", "folders", "names"]

_NAMED: Final = re.compile(r"(?P<name>.+)_(?P<view>[^\W\d_]+)(?P<number>\d{1,9})")
"""``{Name}_{View}{Number}``, the gait seed's file names."""


def build_manifest(root: Path, layout: Layout = "auto") -> tuple[ManifestRow, ...]:
    """List the videos of a folder, each with what its place or name says of it.

    Parameters
    ----------
    root
        Folder of the data set. Hidden files and folders of augmented copies are passed over.
    layout
        ``folders``: ``<identity>/<recording>.*``, deeper folders being part of the recording's
        name. ``names``: ``{Name}_{View}{Number}.*`` in any folder; the same number in another view
        is the same walk. ``auto``: the one that fits all videos.

    Raises
    ------
    InputError
        If the folder cannot be read or holds no video, a video does not fit the layout, is a link
        that leads out of the folder, or two have the same subject, recording and view.
    """
    files = videos_below(root, _is_no_source)
    videos = sorted(PurePosixPath(file.relative_to(root).as_posix()) for file in files)
    if layout == "auto":
        layout = _fitting(root, videos)
    make = _from_folder if layout == "folders" else _from_name
    rows = []
    seen: dict[tuple[str, str, str], str] = {}
    for path in videos:
        locate(root, path.as_posix())
        row = make(path)
        other = seen.setdefault((row.subject, row.recording, row.view), row.path)
        if other != row.path:
            raise InputError(
                f"The videos {other!r} and {row.path!r} have the same subject, recording and view.",
                hint="rename one of them",
            )
        rows.append(row)
    return tuple(rows)


def videos_below(folder: Path, skip: Callable[[Path], bool] = lambda _: False) -> list[Path]:
    """List the videos of a folder and of the folders in it, by their suffix, in order.

    Parameters
    ----------
    folder
        Where to look.
    skip
        Whether a folder in it is passed over, with all that is in it.

    Raises
    ------
    InputError
        If a folder cannot be read or there is no video.
    """

    def fail(error: OSError) -> None:
        raise InputError(
            f"The folder {str(error.filename)!r} cannot be read.",
            actual=error.strerror or str(error),
        ) from error

    videos = []
    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(f for f in folders if not skip(Path(parent) / f))
        videos += [
            Path(parent) / name
            for name in sorted(names)
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")
        ]
    if not videos:
        raise InputError(
            f"The folder {str(folder)!r} holds no video.",
            expected=f"files ending in {', '.join(sorted(VIDEO_SUFFIXES))}",
        )
    return videos


def _is_no_source(folder: Path) -> bool:
    return folder.name.startswith(".") or (folder / AUGMENTED_MARKER).exists()


def _fitting(root: Path, paths: Sequence[PurePosixPath]) -> Layout:
    if all(len(path.parts) > 1 for path in paths):
        return "folders"
    if all(_NAMED.fullmatch(path.stem) for path in paths):
        return "names"
    odd = next(p for p in paths if len(p.parts) < 2 and not _NAMED.fullmatch(p.stem))
    raise InputError(
        f"The videos of {str(root)!r} are in no layout that is known.",
        expected="<identity>/<recording>.mp4 for all, or {Name}_{View}{Number}.mp4 for all",
        actual=repr(str(odd)),
        hint="move it into a folder with the person's name, or write the manifest by hand",
    )


def _from_folder(path: PurePosixPath) -> ManifestRow:
    if len(path.parts) < 2:
        raise InputError(
            f"The video {str(path)!r} is in no person's folder.",
            expected="<identity>/<recording>.mp4",
        )
    return ManifestRow(
        path=str(path),
        subject=unicodedata.normalize("NFC", path.parts[0]),
        recording=str(PurePosixPath(*path.parts[1:]).with_suffix("")),
    )


def _from_name(path: PurePosixPath) -> ManifestRow:
    match = _NAMED.fullmatch(path.stem)
    if match is None:
        raise InputError(
            f"The name {path.name!r} does not say who is filmed.",
            expected="{Name}_{View}{Number}.mp4, as Ann_Side2.mp4",
        )
    return ManifestRow(
        path=str(path),
        subject=unicodedata.normalize("NFC", match["name"]),
        recording=str(int(match["number"])),
        view=match["view"],
    )


def add_hashes(
    rows: Sequence[ManifestRow], root: Path, progress: Callable[[float], None] = lambda share: None
) -> tuple[ManifestRow, ...]:
    """Fill in the SHA-256 of every file.

    Parameters
    ----------
    rows
        Of a manifest.
    root
        Folder of the data set.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        If a file is missing, cannot be read or lies outside `root`.
    """
    hashed = []
    for i, row in enumerate(rows):
        hashed.append(replace(row, sha256=compute_sha256(locate(root, row.path))))
        progress((i + 1) / len(rows))
    return tuple(hashed)


def find_duplicates(rows: Sequence[ManifestRow]) -> tuple[tuple[ManifestRow, ...], ...]:
    """Return the groups of rows whose files are the same, byte for byte."""
    groups: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        if row.sha256:
            groups[row.sha256].append(row)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)

"""Manifests: which video shows whom, in which recording, and what it was made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Final

from gaitproof.errors import InputError
from gaitproof.reading import FileKind, parse_rows, read_text
from gaitproof.text import csv_text
from gaitproof.types import Domain

COLUMNS: Final = (
    "path",
    "subject",
    "recording",
    "session",
    "view",
    "condition",
    "parent",
    "label",
)
"""Columns that every written manifest has; see `ManifestRow`."""

REQUIRED: Final = ("path", "subject", "recording")
"""Columns without which a manifest is refused."""

LABELS: Final = ("real", "fake")
SPLITS: Final = ("train", "validation", "test", "unused")

DERIVED: Final = ("mirrored", "reversed")
"""What makes another walker of a person: ``ann~mirrored`` never counts as ann."""

DERIVED_MARK: Final = "~"

AUGMENTED_MARKER: Final = "augmentation.json"
"""A folder that holds this file holds copies, which are never taken for recordings."""

_FILE: Final = FileKind("manifest", InputError, 64 * 2**20, hint="save it as CSV UTF-8")

MAX_TEXT: Final = 1000
"""Longest cell, characters."""

VIDEO_SUFFIXES: Final = frozenset(
    {
        ".mp4",
        ".mov",
        ".m4v",
        ".mkv",
        ".webm",
        ".avi",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".3gp",
        ".flv",
        ".wmv",
        ".ogv",
        ".mxf",
    }
)
"""Files taken from a folder; a file that is named is taken whatever its suffix."""


_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True)
class ManifestRow:
    """One video of a data set.

    Parameters
    ----------
    path
        Place below the manifest's folder, with forward slashes; never absolute, never ``..``.
    subject
        Who walks. A mirrored or time-reversed copy shows another walker: ``ann~mirrored``,
        ``ann~reversed``.
    recording
        Name of the walk, unique within the subject; views of one walk share it.
    session
        Day or sitting; may be empty.
    view, condition
        Camera; clothing, carrying, place. May be empty.
    parent
        For what was made of another clip of the manifest, that clip's path; empty for an original.
    label
        ``real``, or ``fake`` for a face swap (`subject` is who walks in it).
    sha256
        Of the file, 64 hexadecimal digits; may be empty.
    split
        ``train``, ``validation``, ``test``, ``unused`` or empty.
    fold
        Number of the fold in which the subject is held out, or empty.
    domain
        `gaitproof.types.Domain` of the footage, or its site alone; may be empty.

    Raises
    ------
    InputError
        If a value is not of this form.
    """

    path: str
    subject: str
    recording: str
    session: str = ""
    view: str = ""
    condition: str = ""
    parent: str = ""
    label: str = "real"
    sha256: str = ""
    split: str = ""
    fold: str = ""
    domain: str = ""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if len(value) > MAX_TEXT or not value.isprintable():
                raise InputError(
                    f"The {item.name} of a manifest row is not plain text.",
                    actual=repr(value[:80]),
                )
        for name in REQUIRED:
            if not getattr(self, name).strip():
                raise InputError(f"A manifest row has no {name}.", actual=repr(self.path))
        check_relative(self.path)
        if self.label not in LABELS:
            raise InputError(
                f"The label of {self.path!r} is unknown.",
                expected=" or ".join(LABELS),
                actual=repr(self.label),
            )
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise InputError(
                f"The sha256 of {self.path!r} is not a SHA-256.",
                expected="64 digits 0-9 a-f",
                actual=repr(self.sha256[:80]),
            )
        if self.split and self.split not in SPLITS:
            raise InputError(
                f"The split of {self.path!r} is unknown.",
                expected=", ".join(SPLITS),
                actual=repr(self.split),
            )
        if self.fold and not (self.fold.isascii() and self.fold.isdigit() and len(self.fold) < 5):
            raise InputError(
                f"The fold of {self.path!r} is not a number.", actual=repr(self.fold[:80])
            )
        Domain.parse(self.domain or "unknown")
        _, mark, change = self.subject.partition(DERIVED_MARK)
        if mark and (change not in DERIVED or not self.parent):
            raise InputError(
                f"The subject {self.subject!r} of {self.path!r} is not valid.",
                expected=f"'{DERIVED_MARK}' only in copies, as NAME{DERIVED_MARK}"
                + f" or NAME{DERIVED_MARK}".join(DERIVED)
                + ", with a parent",
                hint="rename the subject",
            )

    @property
    def walker(self) -> str:
        """The person filmed: `subject` without what makes another walker of them."""
        return original_person(self.subject)


def original_person(subject: str) -> str:
    """Return who was filmed: ``ann`` for ``ann``, ``ann~mirrored`` and ``ann~reversed``."""
    for change in DERIVED:
        subject = subject.removesuffix(DERIVED_MARK + change)
    return subject


def is_mirrored(subject: str) -> bool:
    """Whether a subject is the mirror image of a person."""
    return subject.endswith(f"{DERIVED_MARK}{DERIVED[0]}")


def check_relative(path: str) -> None:
    """Refuse a path that could lead out of its folder.

    Raises
    ------
    InputError
        If it is absolute, has a drive letter or backslashes, or a part ``..``.
    """
    pure = PurePosixPath(path)
    if "\\" in path:
        raise InputError(
            f"The path {path!r} has backslashes.", hint="write it with forward slashes: a/b.mp4"
        )
    if pure.is_absolute() or re.match(r"[A-Za-z]:", path) or ".." in pure.parts or not pure.parts:
        raise InputError(
            f"The path {path!r} leads out of the data set.",
            expected="a path below the data set's folder",
            hint="move the files into one folder, or name it with --root",
        )


def locate(root: Path, path: str) -> Path:
    """Return the file of a row.

    Parameters
    ----------
    root
        Folder of the data set.
    path
        As in `ManifestRow`.

    Raises
    ------
    InputError
        If it lies, links followed, outside `root`, or no file can have that name.
    """
    check_relative(path)
    place = root / path
    try:
        inside = place.resolve().is_relative_to(root.resolve())
        place.exists()  # fails for a name that is too long, or has a null byte
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        raise InputError(f"The path {path!r} cannot be followed.", actual=str(error)) from error
    if not inside:
        raise InputError(
            f"The path {path!r} is a link that leads out of the data set.",
            expected=f"a file in {str(root)!r}",
        )
    return place


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Read a manifest: CSV in UTF-8, with a header.

    Comma, semicolon and tab are taken as separators, Windows line ends and a byte order mark are
    ignored. ``path``, ``subject`` and ``recording`` are needed; the other columns of `ManifestRow`
    may be left out.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, unknown or there twice, a row is
        malformed or two rows have the same path.
    """
    name = repr(str(path))
    text = read_text(path, _FILE)
    first = text.split("\n", 1)[0]
    table = parse_rows(text, path, _FILE, delimiter=max(_DELIMITERS, key=first.count))
    _, header = next(table, (0, []))
    columns = _header(header, name)
    rows: dict[str, ManifestRow] = {}
    for line, cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        row = _parse(columns, cells, f"Line {line} of {name}")
        if row.path in rows:
            raise InputError(
                f"The manifest {name} has two rows for {row.path!r}.",
                actual=f"the second one in line {line}",
                hint="remove one",
            )
        rows[row.path] = row
    return tuple(rows.values())


def _header(cells: Sequence[str], name: str) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower() for cell in cells)
    known = {item.name for item in fields(ManifestRow)}
    for column in REQUIRED:
        if column not in columns:
            raise InputError(
                f"The manifest {name} lacks the column {column!r}.",
                expected=f"a header with {', '.join(REQUIRED)}",
                hint="write it with gaitproof dataset manifest",
            )
    unknown = sorted(set(columns) - known)
    if unknown or len(set(columns)) < len(columns):
        raise InputError(
            f"The manifest {name} has columns that are not known, or one twice.",
            expected=", ".join(item.name for item in fields(ManifestRow)),
            actual=", ".join(repr(c[:40]) for c in unknown) or "a column twice",
        )
    return columns


def _parse(columns: Sequence[str], cells: Sequence[str], where: str) -> ManifestRow:
    if len(cells) != len(columns):
        raise InputError(
            f"{where} has the wrong number of cells.",
            expected=str(len(columns)),
            actual=str(len(cells)),
        )
    values = {c: cell.strip() for c, cell in zip(columns, cells, strict=True) if cell.strip()}
    try:
        return ManifestRow(**{**dict.fromkeys(REQUIRED, ""), **values})
    except InputError as error:
        raise InputError(
            f"{where}: {error.message}",
            expected=error.expected,
            actual=error.actual,
            hint=error.hint,
        ) from error


def manifest_bytes(rows: Sequence[ManifestRow]) -> bytes:
    """Return rows as CSV; the columns beyond `COLUMNS` only where a row has them."""
    further = [
        item.name
        for item in fields(ManifestRow)
        if item.name not in COLUMNS and any(getattr(row, item.name) for row in rows)
    ]
    columns = [*COLUMNS, *further]
    cells = ([getattr(row, name) for name in columns] for row in rows)
    return csv_text([columns, *cells]).encode()


def find_parents(rows: Sequence[ManifestRow]) -> dict[str, ManifestRow | None]:
    """Find the original of every row with a parent.

    Returns
    -------
    dict
        From the row's path to its parent's row, None where the manifest does not hold it. A
        parent that is no path may also be the name of a recording of the same person.
    """
    by_path = {row.path: row for row in rows}
    by_name: dict[tuple[str, str], ManifestRow] = {}
    for row in rows:
        if not row.parent:
            by_name.setdefault((row.subject, row.recording), row)
    return {
        row.path: by_path.get(row.parent) or by_name.get((row.walker, row.parent))
        for row in rows
        if row.parent
    }

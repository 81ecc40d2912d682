"""The directions of a gallery's templates, without their other fields, for searching.

They are read from the database in pages, so that a gallery of any size takes 4 bytes a number. A
file beside a SQLite gallery saves even that: it is mapped, not read. It may be older than the
gallery, since it names the templates it was made from: what is new is read from the database, what
is gone is left out. Whoever is removed leaves no vector behind, so the files go with the first
removal; a gallery that is encrypted has none.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gaitproof.errors import DependencyError, GalleryError, InputError
from gaitproof.media.files import atomic_path
from gaitproof.reading import FileKind, guarded, malformed, open_file
from gaitproof.verify import schema
from gaitproof.verify.rows import read_directions
from gaitproof.verify.sealing import is_encrypted, unseal
from gaitproof.verify.search import CellIndex
from gaitproof.verify.templates import TEMPLATE_ID

_SUFFIX: Final = ".directions-"
"""Between a gallery's name and what says of which model."""

_PAGE: Final = 2000
"""Rows of one statement: 2 MB."""

_FILE: Final = FileKind(
    "file of directions", GalleryError, hint="delete it; 'gaitproof gallery index' makes it again"
)


@dataclass(frozen=True, eq=False)
class Directions:
    """Templates in force of one model and pose estimator, in the order of their rows.

    Parameters
    ----------
    table
        Structured array of ``id`` (row of the template), ``uid`` (its identifier as a number) and
        ``vector`` (D numbers, unit length); may be memory-mapped.
    cells
        Index of the same rows, or None.
    """

    table: NDArray[Any]
    cells: CellIndex | None = None

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Shape (N, D)."""
        return self.table["vector"]

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def read(cls, connection: Connection, model_id: str, estimator: str, after: int = -1) -> Self:
        """Read them from the database, from the rows behind `after` on.

        Raises
        ------
        GalleryError
            If a row is damaged, or the lengths differ.
        """
        pages = list(_pages(connection, model_id, estimator, after))
        if len({page.dtype for page in pages}) > 1:
            raise GalleryError(f"The templates of model {model_id!r} differ in length.")
        return cls(np.concatenate(pages) if pages else np.zeros(0, _row_type(1)))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a file that `write` made, with its index if there is one and faiss is installed.

        Raises
        ------
        GalleryError
            If it is not one.
        """
        with open_file(path, _FILE) as file, guarded(path, _FILE):
            np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
            shape, _, row = np.lib.format.read_array_header_1_0(  # type: ignore[no-untyped-call]
                file
            )
            size = row["vector"].shape if row.names == ("id", "uid", "vector") else ()
            if len(size) != 1 or len(shape) != 1 or row != _row_type(*size):
                raise malformed(path, _FILE, "other columns")
            # no memory can be mapped from a file without rows
            table = np.memmap(file, row, "r", file.tell(), shape) if shape[0] else np.zeros(0, row)
        cells = None
        if _cells_path(path).is_file():
            try:
                with guarded(_cells_path(path), _FILE):
                    cells = CellIndex.load(_cells_path(path))
            except DependencyError:
                return cls(table)  # exactly the same, and slower
            if len(cells) != len(table):
                cells = None  # a kill between the two files
        return cls(table, cells)

    def write(self, path: Path, *, cells: bool) -> None:
        """Write the file, and the index beside it if `cells`; for their owner's eyes only."""
        _cells_path(path).unlink(missing_ok=True)
        with atomic_path(path, private=True) as draft, draft.open("wb") as file:
            np.save(file, self.table, allow_pickle=False)
        if cells:
            CellIndex.build(self.vectors).save(_cells_path(path))


def directions_path(gallery: Path, model_id: str, estimator: str) -> Path:
    """Return where the file of one model and estimator lies."""
    return gallery.with_name(f"{gallery.name}{_SUFFIX}{maker_digest(model_id, estimator)}.npy")


def maker_digest(model_id: str, estimator: str) -> str:
    """Return 12 hexadecimal digits that stand for a model and estimator in a name."""
    return hashlib.sha256(f"{model_id}\x00{estimator}".encode()).hexdigest()[:12]


def remove_directions(gallery: Path) -> None:
    """Delete all such files of a gallery, and the indexes beside them."""
    for path in gallery.parent.glob(f"{glob.escape(gallery.name + _SUFFIX)}*"):
        path.unlink(missing_ok=True)


def list_present(connection: Connection, model_id: str, estimator: str) -> NDArray[Any]:
    """Return ``id`` and ``uid`` of the templates in force, in the order of their rows."""
    kind = [("id", np.int64), ("uid", np.uint64)]
    pages = [
        np.array([_place(row[0], row[1]) for row in rows], kind)
        for rows in _rows(connection, model_id, estimator, -1, "id", "uid")
    ]
    return np.concatenate(pages) if pages else np.zeros(0, kind)


def _cells_path(path: Path) -> Path:
    return path.with_suffix(".cells")


def _row_type(size: int) -> np.dtype[Any]:
    return np.dtype([("id", np.int64), ("uid", np.uint64), ("vector", np.float32, (size,))])


def _pages(
    connection: Connection, model_id: str, estimator: str, after: int
) -> Iterator[NDArray[Any]]:
    for rows in _rows(connection, model_id, estimator, after, "id", "uid", "vector"):
        places = [_place(row[0], row[1]) for row in rows]
        vectors = read_directions([(row[0], row[2]) for row in rows])
        page = np.zeros(len(rows), _row_type(vectors.shape[1]))
        page["id"], page["uid"] = np.array([p[0] for p in places]), [p[1] for p in places]
        page["vector"] = vectors
        yield page


def _rows(
    connection: Connection, model_id: str, estimator: str, after: int, *names: str
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield some rows of templates at a time, unsealed."""
    t = schema.templates.c
    query = select(*(t[name] for name in names)).where(
        t.model_id == model_id, t.estimator == estimator, t.superseded.is_(None)
    )
    sealed = "vector" in names and is_encrypted(connection)
    if sealed:
        query = query.add_columns(t.model_id, t.estimator, schema.identities.c.key).join_from(
            schema.templates, schema.identities
        )
    while True:
        # the order is that of the primary key, in which the rows lie
        page = connection.execute(query.where(t.id > after).order_by(t.id).limit(_PAGE))
        rows = (
            [tuple(row) for row in page]
            if not sealed
            else [_unsealed(connection, dict(row._mapping), names) for row in page]
        )
        if not rows:
            return
        yield rows
        last = rows[-1][0]
        if not isinstance(last, int) or last <= after:
            raise GalleryError("The rows of the gallery are not in order; it is damaged.")
        after = last


def _unsealed(
    connection: Connection, values: dict[str, Any], names: tuple[str, ...]
) -> tuple[Any, ...]:
    try:
        plain = unseal(connection, schema.templates.name, values)
    except InputError as error:
        raise GalleryError(f"Template {values['id']}: {error}") from error
    return tuple(plain[name] for name in names)


def _place(number: object, uid: object) -> tuple[int, int]:
    if isinstance(number, int) and isinstance(uid, str) and re.fullmatch(TEMPLATE_ID, uid):
        return number, int(uid, 16)
    raise GalleryError("A template of the gallery is damaged.", actual=f"{number!r:.20}")

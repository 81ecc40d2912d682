"""Searching a gallery of very many people for those most like a probe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gaitproof.errors import GalleryError, InputError
from gaitproof.verify import queries, sealing
from gaitproof.verify.directions import (
    Directions,
    directions_path,
    list_present,
    remove_directions,
)
from gaitproof.verify.encryption import Key
from gaitproof.verify.pgvector import ServerDirections, drop_directions, write_directions
from gaitproof.verify.search import Found, search
from gaitproof.verify.storage import MemoryStorage, Storage


class Upkeep:
    """The part of a gallery that knows where it is stored, and nobody in it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def location(self) -> str:
        """Path or URL, without a password."""
        return self._storage.location

    @property
    def encrypted(self) -> bool:
        """Whether what is measured of people is stored encrypted."""
        return self._storage.key is not None

    def rekey(self, new: Key | None) -> int:
        """Encrypt everything with another key, as one transaction, and erase what was before.

        Parameters
        ----------
        new
            From now on the key of this gallery; None decrypts it.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        GalleryError
            If the gallery does not exist, cannot be written, or a value does not open.
        """
        if not self._storage.exists():
            raise GalleryError(f"There is no gallery {self.location!r}.")
        self.check_writable()
        try:
            count = self._storage.write(lambda c: _rekey(c, new))
        except InputError as error:
            raise GalleryError(f"The gallery {self.location!r}: {error}") from error
        self._storage.key = new
        self.erase_deleted()
        return count

    def check_writable(self) -> None:
        """Raise GalleryError if nothing could be enrolled here; changes nothing."""
        self._storage.check_writable()

    def erase_deleted(self) -> bool:
        """Overwrite everything deleted so far; False if it may still be there for now."""
        return self._storage.erase_deleted()

    @property
    def erasure_note(self) -> str:
        """Why deleted bytes may still be there after `erase_deleted` returned False."""
        return self._storage.erasure_note


def _rekey(connection: Connection, new: Key | None) -> int:
    drop_directions(connection)  # they are plain
    return sealing.rekey(connection, new)


LARGE: Final = 1000
"""People of a gallery beyond which not everybody is compared in full."""

_ALL_BYTES: Final = 2**34
"""Of recordings in an excerpt; the people of one are few."""


@dataclass(frozen=True, eq=False)
class Query:
    """A direction that is searched for among templates of one model and pose estimator.

    Parameters
    ----------
    model_id, estimator
        What made it.
    direction
        Shape (D,), unit length.
    centre
        Shape (D,), taken off everybody first; None for nothing.
    """

    model_id: str
    estimator: str
    direction: NDArray[np.float32]
    centre: NDArray[np.float32] | None = None


class Searched(Upkeep):
    """The part of a gallery that finds people by their direction."""

    def count(self) -> int:
        """Return the number of identities."""
        return self._storage.read(queries.count_identities) if self._storage.exists() else 0

    def nearest(self, query: Query, top: int) -> tuple[str, ...]:
        """Return whose templates are most like a direction, at most `top` names, best first.

        By the templates now in force, whatever files of `index` there are, and exactly; where
        these have an approximate part it names the candidates, and may miss somebody.

        Raises
        ------
        GalleryError
            If the gallery or a file beside it is damaged.
        ModelError
            If the query is of another length than the templates.
        """
        if not self._storage.exists():
            return ()
        kept = self._kept(query)

        def find(connection: Connection) -> tuple[str, ...]:
            server = ServerDirections.find(connection, query.model_id, query.estimator)
            nearest: list[tuple[float, int]] = []
            if server is not None:
                nearest = server.nearest(connection, query.direction, query.centre, top)
                known, extra = None, server.missing(connection)
            else:
                known, extra = _up_to_date(connection, query, kept)
            for part, left_out in ((kept, known), (extra, None)):
                if part is not None and len(part):
                    nearest += _search(part, query, top, left_out)
            rows = [number for _, number in sorted(nearest, key=lambda one: -one[0])[:top]]
            return queries.find_owners(connection, rows)

        return self._storage.read(find)

    def index(self, *, approximate: bool = False) -> dict[str, int]:
        """Write the directions of all templates to files beside the gallery.

        On a PostgreSQL server they are tables of the extension pgvector.

        Parameters
        ----------
        approximate
            Whether an index of faiss or pgvector joins them: faster, and it may miss somebody.

        Returns
        -------
        dict
            Number of directions by ``model_id, estimator``.

        Raises
        ------
        GalleryError
            If there is no gallery, or nothing may lie beside it.
        DependencyError
            If faiss is wanted and not installed.
        """
        if self.encrypted or not self._storage.exists():
            raise GalleryError(
                f"No files of directions are kept for {self.location!r}.",
                expected="a gallery that exists and is not encrypted",
            )
        place = self._storage.beside
        if place is None:
            return self._storage.write(partial(write_directions, approximate=approximate))
        remove_directions(place)
        counts = {}
        for maker in self._storage.read(queries.list_makers):
            stored = self._storage.read(partial(_read, maker=maker))
            stored.write(directions_path(place, *maker), cells=approximate)
            counts[", ".join(maker)] = len(stored)
        return counts

    def excerpt(self, names: Iterable[str]) -> Self:
        """Return a gallery in memory with these people only, as they are now.

        What is asked of it costs the same however many others are enrolled.
        """
        chosen = list(names)
        people = self._storage.read(lambda c: queries.find_everything(c, chosen, _ALL_BYTES))
        return type(self)(MemoryStorage(self.location, "excerpt", people))

    def _kept(self, query: Query) -> Directions | None:
        place: Path | None = self._storage.beside
        if place is None:
            return None
        path = directions_path(place, query.model_id, query.estimator)
        return Directions.open(path) if path.is_file() else None


def _up_to_date(
    connection: Connection, query: Query, kept: Directions | None
) -> tuple[NDArray[np.bool_] | None, Directions]:
    """Return which rows of a file are still in force, and what is not in it yet."""
    maker = (query.model_id, query.estimator)
    if kept is None:
        return None, Directions.read(connection, *maker)
    present = list_present(connection, *maker)
    held = kept.table["id"], kept.table["uid"]
    known = np.isin(held[1], present["uid"]) & np.isin(held[0], present["id"])
    new = present["id"][~np.isin(present["uid"], held[1])]
    if not len(new):
        return known, Directions(kept.table[:0])
    extra = Directions.read(connection, *maker, int(new.min()) - 1)
    return known, Directions(extra.table[np.isin(extra.table["id"], new)])


def _search(
    part: Directions, query: Query, top: int, still: NDArray[np.bool_] | None
) -> list[tuple[float, int]]:
    """Return cosine and row of the most alike; those that are no longer in force are passed by."""
    gone = 0 if still is None else int((~still).sum())
    nearest: Found = search(
        part.vectors, query.direction, top + gone, centre=query.centre, index=part.cells
    )
    return [
        (float(cosine), int(part.table["id"][row]))
        for row, cosine in zip(nearest.rows, nearest.cosines, strict=True)
        if still is None or still[row]
    ]


def _read(connection: Connection, maker: tuple[str, str]) -> Directions:
    return Directions.read(connection, *maker)

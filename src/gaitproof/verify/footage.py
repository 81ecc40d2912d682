"""Reference footage: other people, filmed as a probe is, whom comparisons are relative to.

Of them nothing is kept but one direction per person, how the person was filmed and the SHA-256 of
the file: no name, no path, no image.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_tensors
from sqlalchemy import Connection, delete, func, insert, select

from gaitproof.errors import GalleryError
from gaitproof.verify import schema
from gaitproof.verify.filming import Filming
from gaitproof.verify.names import check_name
from gaitproof.verify.templates import MAX_LABEL, SHA256

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class ReferencePerson:
    """One person of reference footage.

    Parameters
    ----------
    footage
        Name of the footage: people filmed in the same way share it.
    sha256
        Of the file.
    person
        Number of the person in the file, from 0.
    model_id, estimator
        What made the direction.
    windows
        Two-second windows behind it.
    vector
        Shape (D,), unit length, float32.
    created
        UTC time, ISO 8601; filled in by the gallery.
    filming
        How the person was filmed; None if added before that was kept, and for silhouettes.

    Raises
    ------
    GalleryError
        If a value is malformed.
    """

    footage: str
    sha256: str
    person: int
    model_id: str
    estimator: str
    windows: int
    vector: NDArray[np.float32]
    created: str = ""
    filming: Filming | None = None

    def __post_init__(self) -> None:
        check_name(self.footage)
        if not re.fullmatch(SHA256, self.sha256):
            raise GalleryError("Reference footage needs the SHA-256 of its file.")
        if self.person < 0 or self.windows < 1:
            raise GalleryError("A person of reference footage has a number and one window or more.")
        for name in ("model_id", "estimator"):
            if not 0 < len(getattr(self, name)) <= MAX_LABEL:
                raise GalleryError(f"Reference footage needs a '{name}' of 1 to {MAX_LABEL}.")
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or not abs(np.linalg.norm(vector) - 1) < _UNIT_TOLERANCE:
            raise GalleryError("A person of reference footage is one direction of unit length.")
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)


@dataclass(frozen=True)
class FootageSummary:
    """One name of reference footage: how many files and people, made by which models."""

    footage: str
    files: int
    people: int
    models: tuple[str, ...]
    created: str


def add(connection: Connection, people: Sequence[ReferencePerson]) -> int:
    """Store people of reference footage; return how many were new."""
    table = schema.reference_people
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    known = {_key(person) for person in find(connection)}
    added = 0
    for person in people:
        if _key(person) in known:
            continue
        known.add(_key(person))
        connection.execute(
            insert(table).values(
                footage=person.footage,
                sha256=person.sha256,
                person=person.person,
                model_id=person.model_id,
                estimator=person.estimator,
                windows=person.windows,
                created=person.created or now,
                vector=save_tensors({"reference": person.vector}),
                filming=None if person.filming is None else person.filming.model_dump_json(),
            )
        )
        added += 1
    return added


def find(connection: Connection) -> list[ReferencePerson]:
    """Return everybody of all reference footage."""
    from gaitproof.verify.rows import ReferenceRow, fetch, read_reference

    if not schema.has_table(connection, schema.reference_people):
        return []
    rows = fetch(connection, schema.select_whole(connection, schema.reference_people), ReferenceRow)
    return [read_reference(row) for row in rows]


def remove(connection: Connection, footage: str) -> int:
    """Delete footage; return how many people it held."""
    c = schema.reference_people.c
    count = connection.scalar(
        select(func.count()).select_from(schema.reference_people).where(c.footage == footage)
    )
    connection.execute(delete(schema.reference_people).where(c.footage == footage))
    return int(count or 0)


def summarise(people: Sequence[ReferencePerson]) -> tuple[FootageSummary, ...]:
    """Return one summary per name of footage, sorted; a person seen by two models counts once."""
    found = []
    for footage in sorted({person.footage for person in people}):
        own = [person for person in people if person.footage == footage]
        makers = Counter((person.sha256, person.person) for person in own)
        found.append(
            FootageSummary(
                footage,
                files=len({person.sha256 for person in own}),
                people=len(makers),
                models=tuple(sorted({person.model_id for person in own})),
                created=min(person.created for person in own),
            )
        )
    return tuple(found)


def _key(person: ReferencePerson) -> tuple[str, str, int, str, str]:
    return person.footage, person.sha256, person.person, person.model_id, person.estimator

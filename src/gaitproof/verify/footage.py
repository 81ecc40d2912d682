"""Reference footage: other people, filmed as a probe is, whom comparisons are relative to.

Of them nothing is kept but one direction per person, how the person was filmed and the SHA-256 of
the file: no name, no path, no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from safetensors.numpy import save as save_tensors
from sqlalchemy import Connection, delete, func, insert, select

from gaitproof.verify import schema
from gaitproof.verify.distinct import distinct_people, same_person_limits
from gaitproof.verify.rows import ReferenceRow, fetch, read_reference
from gaitproof.verify.sealing import seal
from gaitproof.verify.templates import ReferencePerson


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
        values = {
            "footage": person.footage,
            "sha256": person.sha256,
            "person": person.person,
            "model_id": person.model_id,
            "estimator": person.estimator,
            "windows": person.windows,
            "created": person.created or now,
            "vector": save_tensors({"reference": person.vector}),
            "filming": None if person.filming is None else person.filming.model_dump_json(),
        }
        connection.execute(insert(table).values(**seal(connection, table, values)))
        added += 1
    return added


def find(connection: Connection) -> list[ReferencePerson]:
    """Return everybody of all reference footage."""
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
    """Return one summary per name of footage, sorted; people count once, see `distinct_people`."""
    limits = same_person_limits()
    summaries = []
    for footage in sorted({person.footage for person in people}):
        own = [person for person in people if person.footage == footage]
        summaries.append(
            FootageSummary(
                footage,
                files=len({person.sha256 for person in own}),
                people=len(distinct_people(own, limits)),
                models=tuple(sorted({person.model_id for person in own})),
                created=min(person.created for person in own),
            )
        )
    return tuple(summaries)


def _key(person: ReferencePerson) -> tuple[str, str, int, str, str]:
    return person.footage, person.sha256, person.person, person.model_id, person.estimator

"""What is asked of a gallery, inside a transaction; every row comes through `rows.fetch`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select

from gaitproof.errors import GalleryError
from gaitproof.face.types import FaceReference
from gaitproof.verify import schema
from gaitproof.verify.names import name_key
from gaitproof.verify.records import (
    IdentityHistory,
    IdentitySummary,
    RecordingSummary,
    TemplateSummary,
)
from gaitproof.verify.rows import (
    FaceRow,
    IdentityRow,
    LinkRow,
    NamedRecordingRow,
    OwnerRow,
    RecordingRow,
    RecordingSummaryRow,
    Row,
    TemplateRow,
    TemplateSummaryRow,
    fetch,
    read_face,
    read_recording,
    read_template,
    too_much,
)
from gaitproof.verify.templates import Recording, Template

MOST_FILMED: Final = 500
"""Recordings of one domain that are looked at for references."""

MOST_MAKERS: Final = 1000
"""Models and pose estimators of one gallery, a bound on hostile input."""

_AT_ONCE: Final = 40
"""Values in one statement; SQLite is told to refuse more than 50."""

_LINKS: Final = {"id", "identity_id", "key"}
"""Columns that join tables and mean nothing outside."""


def find_identity(connection: Connection, name: str) -> IdentityRow | None:
    """Return who is enrolled under a name in any spelling."""
    rows = fetch(connection, _matching(select(schema.identities), name), IdentityRow)
    return rows[0] if rows else None


def enrolled_identity(connection: Connection, name: str) -> IdentityRow:
    """Return who is enrolled under a name that was looked up before.

    Raises
    ------
    GalleryError
        If another process has removed it meanwhile.
    """
    identity = find_identity(connection, name)
    if identity is None:
        raise GalleryError(f"{name!r} has just been removed.")
    return identity


def list_names(connection: Connection) -> list[str]:
    """Return the enrolled names, sorted."""
    rows = fetch(connection, select(schema.identities), IdentityRow)
    return sorted((row.name for row in rows), key=name_key)


def count_identities(connection: Connection) -> int:
    """Return how many people are enrolled."""
    return connection.scalar(select(func.count()).select_from(schema.identities)) or 0


def list_makers(connection: Connection) -> list[tuple[str, str]]:
    """Return the models and pose estimators of all templates in force, sorted."""
    t = schema.templates.c
    makers: set[tuple[str, str]] = set()
    for model_id, estimator in connection.execute(
        select(t.model_id, t.estimator).where(t.superseded.is_(None))
    ):
        makers.add((str(model_id), str(estimator)))
        if len(makers) > MOST_MAKERS:
            raise too_much()
    return sorted(makers)


def find_owners(connection: Connection, templates: Sequence[int]) -> tuple[str, ...]:
    """Return whose templates these rows are, in their order, everybody once."""
    t = schema.templates.c
    names: dict[int, str] = {}
    for start in range(0, len(templates), _AT_ONCE):
        query = (
            select(schema.identities, t.id.label("template"))
            .join_from(schema.templates, schema.identities)
            .where(t.id.in_(templates[start : start + _AT_ONCE]))
        )
        names.update({row.template: row.name for row in fetch(connection, query, OwnerRow)})
    return tuple(dict.fromkeys(names[number] for number in templates if number in names))


def list_identities(connection: Connection) -> tuple[IdentitySummary, ...]:
    """Return one summary per identity, sorted by name."""
    rows = fetch(connection, select(schema.identities), IdentityRow)
    return tuple(_summary(h) for h in _histories(connection, rows))


def find_history(connection: Connection, name: str) -> IdentityHistory:
    """Return everything recorded about one identity."""
    (history,) = _histories(connection, [enrolled_identity(connection, name)], one=True)
    return history


def find_recordings(
    connection: Connection, name: str, model_id: str | None = None, estimator: str | None = None
) -> tuple[Recording, ...]:
    """Return an identity's recordings, those of one model and estimator if these are given.

    Raises
    ------
    GalleryError
        If there are others only, or their embeddings and templates differ in length.
    """
    identity = enrolled_identity(connection, name)
    rows = recording_rows(connection, identity.id)
    if model_id is not None:
        rows = _of_maker(name, "model", model_id, [(row.model_id, row) for row in rows])
    if estimator is not None:
        rows = _of_maker(name, "pose estimator", estimator, [(row.estimator, row) for row in rows])
    return tuple(read_recording(row) for row in rows)


def find_everything(
    connection: Connection, names: Iterable[str], max_bytes: int
) -> dict[str, tuple[Recording, ...]]:
    """Return all recordings of several identities.

    Raises
    ------
    GalleryError
        If their embeddings take more than `max_bytes`.
    """
    people: dict[str, tuple[Recording, ...]] = {}
    for name in dict.fromkeys(names):
        faces = defaultdict(list)
        for row in _face_rows(connection, name):
            faces[row.sha256].append(read_face(row))
        people[name] = tuple(
            # of several recordings of one file the first has its faces
            replace(recording, faces=tuple(faces.pop(recording.sha256, ())))
            for recording in find_recordings(connection, name)
        )
        max_bytes -= sum(
            recording.embeddings.nbytes + sum(face.scores.nbytes for face in recording.faces)
            for recording in people[name]
        )
        if max_bytes < 0:
            raise too_much()
    return people


def recording_rows(
    connection: Connection, identity_id: int, *conditions: ColumnElement[bool]
) -> list[RecordingRow]:
    """Return an identity's recordings in the order of their enrolment."""
    query = (
        schema.select_whole(connection, schema.recordings)
        .add_columns(schema.identities.c.key)
        .join(schema.identities)
        .where(schema.recordings.c.identity_id == identity_id, *conditions)
    )
    return sorted(fetch(connection, query, RecordingRow), key=_number)


def find_templates(
    connection: Connection, model_id: str, estimator: str, name: str | None = None
) -> tuple[Template, ...]:
    """Return the templates in force of one model and estimator, of everybody or one identity.

    Raises
    ------
    GalleryError
        If they differ in length.
    """
    t, r, i = schema.templates.c, schema.recordings.c, schema.identities.c
    query = (
        select(schema.templates, i.key, i.name)
        .join_from(schema.templates, schema.identities)
        .where(t.model_id == model_id, t.estimator == estimator, t.superseded.is_(None))
    )
    links = select(schema.template_recordings.c.template_id.label("id"), r.sha256).join_from(
        schema.template_recordings, schema.recordings
    )
    if name is not None:
        query = _matching(query, name)
        links = _matching(links.join(schema.identities), name)
    sources: dict[int, list[str]] = defaultdict(list)
    for link in fetch(connection, links, LinkRow):
        sources[link.id].append(link.sha256)
    rows = sorted(fetch(connection, query, TemplateRow), key=lambda row: row.key)
    templates = tuple(read_template(row, tuple(sorted(sources[row.id]))) for row in rows)
    check_sizes(model_id, (template.vector.size for template in templates))
    return templates


def find_filmed(
    connection: Connection, model_id: str, estimator: str, domain: str
) -> tuple[tuple[str, Recording], ...]:
    """Return recordings of one domain with the names of their people, at most `MOST_FILMED`."""
    if not schema.knows_filming(connection):
        return ()
    r = schema.recordings.c
    query = (
        schema.select_whole(connection, schema.recordings)
        .add_columns(schema.identities.c.key, schema.identities.c.name)
        .join(schema.identities)
        .where(r.model_id == model_id, r.estimator == estimator, r.domain == domain)
        .limit(MOST_FILMED)
    )
    rows = sorted(fetch(connection, query, NamedRecordingRow), key=_number)
    return tuple((row.name, read_recording(row)) for row in rows)


def find_faces(
    connection: Connection, name: str, model_id: str
) -> tuple[tuple[str, str | None, FaceReference], ...]:
    """Return what a face model makes of somebody's videos: SHA-256, domain and the face."""
    rows = _face_rows(connection, name, schema.face_references.c.model_id == model_id)
    return tuple((row.sha256, row.domain, read_face(row)) for row in rows)


def _face_rows(
    connection: Connection, name: str, *conditions: ColumnElement[bool]
) -> list[FaceRow]:
    table = schema.face_references
    if not schema.has_table(connection, table):
        return []
    fields = (table.c[field] for field in FaceRow.model_fields if field != "key")
    query = (
        select(*fields, schema.identities.c.key)
        .join_from(table, schema.identities)
        .where(table.c.identity_id == enrolled_identity(connection, name).id, *conditions)
    )
    return sorted(fetch(connection, query, FaceRow), key=_number)


def check_sizes(model_id: str, sizes: Iterable[int]) -> None:
    """Raise GalleryError if what one model made differs in length."""
    lengths = sorted(set(sizes))
    if len(lengths) > 1:
        raise GalleryError(
            f"The embeddings of model {model_id!r} in the gallery differ in length.",
            actual=", ".join(map(str, lengths[:5])),
            hint="restore it from a backup; do not trust a file that somebody else changed",
        )


def other_maker(name: str, kind: str, makers: Sequence[str], used: str) -> GalleryError:
    """Say that a template was made by something that its probe was not."""
    return GalleryError(
        f"The template of {name!r} was made with another {kind} and cannot be compared.",
        expected=f"{kind} {used!r}",
        actual=", ".join(repr(m) for m in makers) or "no template",
        hint=f"enrol {name!r} again with this {kind}",
    )


def _of_maker(
    name: str, kind: str, used: str, rows: Sequence[tuple[str, RecordingRow]]
) -> list[RecordingRow]:
    chosen = [row for maker, row in rows if maker == used]
    if not chosen:
        raise other_maker(name, kind, sorted({maker for maker, _ in rows}), used)
    return chosen


def _matching(query: Select[Any], name: str) -> Select[Any]:
    return query.where(schema.identities.c.key == name_key(name))


def _histories(
    connection: Connection, identities: Sequence[IdentityRow], *, one: bool = False
) -> list[IdentityHistory]:
    """Return histories sorted by name; `identities` are all there are, or `one`."""
    recordings, templates = (
        schema.select_whole(connection, table, [f for f in kind.model_fields if f != "key"])
        for table, kind in (
            (schema.recordings, RecordingSummaryRow),
            (schema.templates, TemplateSummaryRow),
        )
    )
    recordings = recordings.add_columns(schema.identities.c.key).join(schema.identities)
    if one:
        (number,) = (row.id for row in identities)
        recordings = recordings.where(schema.recordings.c.identity_id == number)
        templates = templates.where(schema.templates.c.identity_id == number)
    seen = defaultdict(list)
    for row in sorted(fetch(connection, recordings, RecordingSummaryRow), key=_number):
        views = () if row.filming is None else row.filming.views
        fields = row.model_dump(exclude=_LINKS | {"filming"})
        seen[row.identity_id].append(RecordingSummary(**fields, views=views))
    by_person = defaultdict(list)
    for template in sorted(fetch(connection, templates, TemplateSummaryRow), key=_number):
        fields = template.model_dump(exclude=_LINKS | {"uid"})
        by_person[template.identity_id].append(TemplateSummary(template_id=template.uid, **fields))
    return [
        IdentityHistory(i.name, i.created, tuple(seen[i.id]), tuple(by_person[i.id]))
        for i in sorted(identities, key=lambda row: row.key)
    ]


def _number(row: Row) -> int:
    return row.id


def _summary(history: IdentityHistory) -> IdentitySummary:
    current = [t for t in history.templates if t.superseded is None]
    # several models may have read one file
    windows: dict[str, int] = defaultdict(int)
    for recording in history.recordings:
        windows[recording.sha256] = max(windows[recording.sha256], recording.windows)
    return IdentitySummary(
        name=history.name,
        recordings=len(windows),
        windows=sum(windows.values()),
        templates=len(history.templates),
        models=tuple(sorted({t.model_id for t in current})),
        created=history.created,
        updated=max((t.created for t in current), default=history.created),
    )

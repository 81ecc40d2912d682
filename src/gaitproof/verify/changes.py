"""What changes a gallery, inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from safetensors.numpy import save as save_tensors
from sqlalchemy import Column, Connection, delete, func, insert, select, update

from gaitproof.gait.cycles import GaitProfile
from gaitproof.verify import schema
from gaitproof.verify.names import name_key
from gaitproof.verify.queries import enrolled_identity, find_identity, recording_rows
from gaitproof.verify.records import Added
from gaitproof.verify.rows import IdentityRow, SourceRow, fetch, read_recording
from gaitproof.verify.sealing import seal
from gaitproof.verify.templates import Recording, build_template

_SOURCES: Final = select(*(schema.recordings.c[name] for name in SourceRow.model_fields))

_AT_ONCE: Final = 40
"""Values in one statement; SQLite is told to refuse more than 50."""


def add(
    connection: Connection,
    name: str,
    recordings: Sequence[Recording],
    beside: Sequence[Recording] = (),
) -> Added:
    """Store recordings of one identity and renew its templates; see `Gallery.add`."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    identity_id, shown = _identity(connection, name, now)
    owner = name_key(shown)
    r = schema.recordings.c
    known = {
        (row.sha256, row.model_id, row.estimator)
        for row in fetch(connection, _SOURCES.where(r.identity_id == identity_id), SourceRow)
    }
    template_id = None
    left_out: list[str] = []
    for parts in (beside, recordings):
        makers = set()
        left_out = []
        for recording in parts:
            key = (recording.sha256, recording.model_id, recording.estimator)
            if key in known:
                left_out.append(recording.sha256)
                _fill_in(connection, identity_id, owner, recording)
            else:
                known.add(key)
                makers.add(key[1:])
                _insert(connection, identity_id, owner, recording, now)
            _add_faces(connection, identity_id, owner, recording, now)
        template_id = None
        for model_id, estimator in sorted(makers):
            template_id = _renew_template(connection, identity_id, shown, model_id, estimator, now)
    return Added(
        name=shown,
        template_id=template_id,
        added=len(recordings) - len(left_out),
        known=tuple(left_out),
        also_enrolled_as=_other_names(connection, identity_id, recordings),
    )


def remove(connection: Connection, name: str) -> tuple[int, int]:
    """Delete an identity; return how many recordings and templates it had."""
    identity_id = enrolled_identity(connection, name).id
    recordings, templates = (
        connection.scalar(
            select(func.count()).select_from(table).where(table.c.identity_id == identity_id)
        )
        or 0
        for table in (schema.recordings, schema.templates)
    )
    connection.execute(delete(schema.identities).where(schema.identities.c.id == identity_id))
    return recordings, templates


def _identity(connection: Connection, name: str, now: str) -> tuple[int, str]:
    """Return number and spelling of an identity, which is made if it is new."""
    identity = find_identity(connection, name)
    if identity is not None:
        return identity.id, identity.name
    result = connection.execute(
        insert(schema.identities).values(key=name_key(name), name=name, created=now)
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0]), name


def _other_names(
    connection: Connection, identity_id: int, recordings: Sequence[Recording]
) -> tuple[str, ...]:
    """Return who else is enrolled from one of the same files."""
    given = sorted({recording.sha256 for recording in recordings})
    others: set[int] = set()
    for start in range(0, len(given), _AT_ONCE):
        some = schema.recordings.c.sha256.in_(given[start : start + _AT_ONCE])
        rows = fetch(connection, _SOURCES.where(some), SourceRow)
        others.update(row.identity_id for row in rows)
    others -= {identity_id}
    everybody = fetch(connection, select(schema.identities), IdentityRow) if others else []
    return tuple(sorted(row.name for row in everybody if row.id in others))


def _insert(
    connection: Connection, identity_id: int, owner: str, recording: Recording, now: str
) -> None:
    table = schema.recordings
    values = {
        "identity_id": identity_id,
        "sha256": recording.sha256,
        "path": recording.path,
        "model_id": recording.model_id,
        "estimator": recording.estimator,
        "windows": recording.windows,
        "quality": json.dumps(recording.quality),
        "created": recording.created or now,
        "embeddings": save_tensors(
            {"embeddings": recording.embeddings, "starts": recording.starts}
        ),
        "profile": _profile_bytes(recording.profile),
        **_filming(recording),
    }
    connection.execute(insert(table).values(**seal(connection, table, values, owner)))


def _add_faces(
    connection: Connection, identity_id: int, owner: str, recording: Recording, now: str
) -> None:
    """Store what face models make of a file, where that is not known yet."""
    table = schema.face_references
    for face in recording.faces:
        own = (table.c.sha256 == recording.sha256, table.c.model_id == face.model_id)
        known = select(func.count()).select_from(table).where(table.c.identity_id == identity_id)
        if connection.scalar(known.where(*own)):
            continue
        values = {
            "identity_id": identity_id,
            "sha256": recording.sha256,
            "model_id": face.model_id,
            "domain": _filming(recording)["domain"],
            "created": now,
            "scores": save_tensors({"scores": face.scores}),
        }
        connection.execute(insert(table).values(**seal(connection, table, values, owner)))


def _renew_template(
    connection: Connection, identity_id: int, name: str, model_id: str, estimator: str, now: str
) -> str:
    r, t = schema.recordings.c, schema.templates.c
    rows = recording_rows(connection, identity_id, r.model_id == model_id, r.estimator == estimator)
    template = build_template(name, [read_recording(row) for row in rows])
    connection.execute(
        update(schema.templates)
        .where(
            t.identity_id == identity_id,
            t.model_id == model_id,
            t.estimator == estimator,
            t.superseded.is_(None),
        )
        .values(superseded=now)
    )
    values = {
        "uid": template.template_id,
        "identity_id": identity_id,
        "model_id": model_id,
        "estimator": estimator,
        "recordings": len(rows),
        "windows": template.windows,
        "created": now,
        "vector": save_tensors({"template": template.vector}),
    }
    stored = seal(connection, schema.templates, values, name_key(name))
    result = connection.execute(insert(schema.templates).values(**stored))
    assert result.inserted_primary_key is not None
    template_id = int(result.inserted_primary_key[0])
    connection.execute(
        insert(schema.template_recordings),
        [{"template_id": template_id, "recording_id": row.id} for row in rows],
    )
    return template.template_id


def _profile_bytes(profile: GaitProfile | None) -> bytes | None:
    if profile is None:
        return None
    counts = np.array([profile.left_cycles, profile.right_cycles], np.int64)
    return save_tensors({"mean": profile.mean, "sd": profile.sd, "cycles": counts})


def _filming(recording: Recording) -> dict[str, str | None]:
    filming = recording.filming
    if filming is None:
        return {"domain": None, "filming": None}
    return {"domain": filming.domain, "filming": filming.model_dump_json()}


def _fill_in(connection: Connection, identity_id: int, owner: str, recording: Recording) -> None:
    """Give a recording what was not kept yet when it was enrolled: profile, how it was filmed."""
    r = schema.recordings.c
    place = {
        "sha256": recording.sha256,
        "model_id": recording.model_id,
        "estimator": recording.estimator,
    }
    lacking: tuple[tuple[Column[Any], dict[str, Any]], ...] = (
        (r.profile, {"profile": _profile_bytes(recording.profile)}),
        (r.filming, _filming(recording)),
    )
    for column, values in lacking:
        if values[column.name] is not None:
            connection.execute(
                update(schema.recordings)
                .where(
                    r.identity_id == identity_id,
                    r.sha256 == recording.sha256,
                    r.model_id == recording.model_id,
                    r.estimator == recording.estimator,
                    column.is_(None),
                )
                .values(**seal(connection, schema.recordings, place | values, owner))
            )

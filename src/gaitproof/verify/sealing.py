"""What is encrypted in a gallery that has a key, and what binds each value to its row.

Encrypted is what was measured of a person: embeddings, templates, joint angles, how the joints
move, faces. Names, paths, hashes, times and counts are not, since they are searched for. A value
is bound to its table, its column and whose it is: an encrypted template that is moved to
another person does not open there.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from gaitproof.errors import GalleryError, InputError
from gaitproof.verify import schema
from gaitproof.verify.encryption import KEY_FILE_VARIABLE, Key

_OPTION: Final = "gaitproof_key"
_META: Final = "encryption"

_AT_ONCE: Final = 100
"""Rows read at a time when a key is changed."""


@dataclass(frozen=True)
class _Sealed:
    columns: tuple[str, ...]
    place: tuple[str, ...]
    """Of the same row; ``key`` is that of its identity."""


_SEALED: Final = {
    schema.recordings.name: _Sealed(
        ("embeddings", "profile", "filming"), ("key", "sha256", "model_id", "estimator")
    ),
    schema.templates.name: _Sealed(("vector",), ("key", "uid", "model_id", "estimator")),
    schema.reference_people.name: _Sealed(
        ("vector", "filming"), ("footage", "sha256", "person", "model_id", "estimator")
    ),
    schema.face_references.name: _Sealed(("scores",), ("key", "sha256", "model_id")),
}


def use_key(connection: Connection, key: Key | None, name: str) -> None:
    """Seal and unseal with a key for the rest of a transaction.

    Parameters
    ----------
    connection
        Of a gallery whose layout is checked.
    key
        None for a gallery that is not encrypted.
    name
        The gallery, as it is shown to people.

    Raises
    ------
    GalleryError
        If the gallery is encrypted with another key or not at all, or the key is missing.
    """
    stamp = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == _META))
    given = None if key is None else _stamp(key)
    if stamp is None and given is not None:
        raise GalleryError(
            f"A key is given, and the gallery {name} is not encrypted.",
            hint="'gaitproof gallery rekey KEY_FILE' without a key in the environment encrypts it",
        )
    if stamp is not None and given is None:
        raise GalleryError(
            f"The gallery {name} is encrypted, and no key is given.",
            expected=f"{stamp!s:.60}",
            hint=f"set the environment variable {KEY_FILE_VARIABLE} to the path of its key file",
        )
    if stamp != given:
        raise GalleryError(
            f"The gallery {name} is encrypted with another key.",
            expected=f"{stamp!s:.60}",
            actual=str(given),
        )
    connection.execution_options(**{_OPTION: key})


def start(connection: Connection, key: Key | None) -> None:
    """Say in a new gallery which key it has, and use it."""
    _mark(connection, key)
    connection.execution_options(**{_OPTION: key})


def is_encrypted(connection: Connection) -> bool:
    """Whether values are sealed in this transaction."""
    return _key(connection) is not None


def seal(
    connection: Connection, table: Table, values: Mapping[str, Any], owner: str = ""
) -> dict[str, Any]:
    """Return the values of a row as they are stored.

    Parameters
    ----------
    connection
        A transaction of a gallery.
    table
        That the row is for.
    values
        By column; those that name the row must be there.
    owner
        Key of the identity that the row belongs to.
    """
    key = _key(connection)
    if key is None:
        return dict(values)
    stored = _sealed(key, table.name, {**values, "key": owner})
    return {name: stored[name] for name in values}


def unseal(connection: Connection, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row as they were given to `seal`; ``key`` is the owner's.

    Raises
    ------
    InputError
        If one is not encrypted, was changed, or belongs to another row.
    """
    key = _key(connection)
    return dict(values) if key is None else _unsealed(key, table, values)


def rekey(connection: Connection, new: Key | None) -> int:
    """Encrypt everything with another key; None decrypts it. Return how many rows there were.

    Raises
    ------
    InputError
        If a value does not open with the present key.
    """
    old, count = _key(connection), 0
    for name, sealed in _SEALED.items():
        table = schema.metadata.tables[name]
        for row in _rows(connection, table, sealed):
            plain = row if old is None else _unsealed(old, name, row)
            stored = plain if new is None else _sealed(new, name, plain)
            changed = {column: stored[column] for column in sealed.columns}
            connection.execute(update(table).where(table.c.id == row["id"]).values(**changed))
            count += 1
    _mark(connection, new)
    connection.execution_options(**{_OPTION: new})
    return count


def _rows(connection: Connection, table: Table, sealed: _Sealed) -> Iterator[dict[str, Any]]:
    """Yield what is sealed and what binds it, some rows at a time."""
    names = ("id", *sealed.columns, *(name for name in sealed.place if name != "key"))
    query = select(*(table.c[name] for name in names))
    if "key" in sealed.place:
        query = query.add_columns(schema.identities.c.key).join(schema.identities)
    last = -1
    while True:
        # the order is that of the primary key, in which the rows lie
        some = query.where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)
        rows = [dict(row._mapping) for row in connection.execute(some)]
        if not rows:
            return
        yield from rows
        if rows[-1]["id"] <= last:
            raise GalleryError("The rows of the gallery are not in order; it is damaged.")
        last = rows[-1]["id"]


def _sealed(key: Key, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    done = dict(values)
    for column, place in _places(table, values):
        value = values[column]
        if isinstance(value, str):  # in a column of text
            done[column] = b64encode(key.seal(value.encode(), *place)).decode()
        else:
            done[column] = key.seal(value, *place)
    return done


def _unsealed(key: Key, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    done = dict(values)
    for column, place in _places(table, values):
        value = values[column]
        try:
            if isinstance(value, str):
                done[column] = key.unseal(b64decode(value, validate=True), *place).decode()
            elif isinstance(value, bytes):
                done[column] = key.unseal(value, *place)
        except ValueError as error:  # not base 64, no text
            raise InputError("A value is not encrypted, though everything here must be.") from error
    return done


def _places(table: str, values: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    sealed = _SEALED.get(table)
    for column in () if sealed is None else sealed.columns:
        if sealed is not None and values.get(column) is not None:
            yield column, (table, column, *(str(values[name]) for name in sealed.place))


def _key(connection: Connection) -> Key | None:
    return connection.get_execution_options().get(_OPTION)


def _stamp(key: Key) -> str:
    return f"AES-256-GCM, key {key.id}"


def _mark(connection: Connection, key: Key | None) -> None:
    connection.execute(delete(schema.meta).where(schema.meta.c.key == _META))
    if key is not None:
        connection.execute(insert(schema.meta).values(key=_META, value=_stamp(key)))

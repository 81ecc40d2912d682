"""Directions on a PostgreSQL server that searches them itself: the extension pgvector.

One table a model and pose estimator, made by ``gaitproof gallery index``. Whoever is removed goes
from it with their templates; what is enrolled later is read from the gallery. The approximate part
is a graph (HNSW: Malkov, Yashunin, IEEE TPAMI 42, 2020). A gallery that is encrypted has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gaitproof.errors import GalleryError
from gaitproof.verify import queries
from gaitproof.verify.directions import Directions, maker_digest
from gaitproof.verify.sealing import is_encrypted
from gaitproof.verify.search import candidates, check_length

_PREFIX: Final = "template_directions_"

_SCHEMA: Final = text(
    "SELECT quote_ident(nspname) FROM pg_catalog.pg_extension e "
    "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'vector'"
)
_OFFERED: Final = text("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'vector'")
_TABLES: Final = text(
    "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() "
    f"AND starts_with(tablename, '{_PREFIX}')"
)
_GRAPH: Final = text(
    "SELECT 1 FROM pg_catalog.pg_indexes WHERE schemaname = current_schema() "
    "AND tablename = :table AND indexname = :table || '_graph'"
)

_AT_ONCE: Final = 2000
"""Rows of one statement."""

_MOST: Final = 1000
"""Candidates that the graph can be asked for: pgvector's limit."""


@dataclass(frozen=True)
class ServerDirections:
    """The table of one model and pose estimator.

    Parameters
    ----------
    maker
        Model and pose estimator.
    table
        Its name.
    schema
        That of the extension, quoted: a tenant's search path need not lead there.
    """

    maker: tuple[str, str]
    table: str
    schema: str

    @classmethod
    def find(cls, connection: Connection, model_id: str, estimator: str) -> Self | None:
        """Return it; None where there is none, or it may not be used."""
        if connection.dialect.name != "postgresql" or is_encrypted(connection):
            return None
        table = _name(model_id, estimator)
        schema = connection.scalar(_SCHEMA)
        known = schema is not None and table in connection.scalars(_TABLES).all()
        return cls((model_id, estimator), table, str(schema)) if known else None

    def nearest(
        self,
        connection: Connection,
        direction: NDArray[np.float32],
        centre: NDArray[np.float32] | None,
        top: int,
    ) -> list[tuple[float, int]]:
        """Return cosine and row of the templates most alike.

        Parameters
        ----------
        connection
            A transaction of the gallery.
        direction, centre
            As for `gaitproof.verify.search.search`; a graph is asked as an index is there.
        top
            How many, of those in force.

        Raises
        ------
        ModelError
            If the direction is of another length than the templates.
        """
        length = connection.scalar(
            text(f"SELECT {self.schema}.vector_dims(direction) FROM {self.table} LIMIT 1")
        )
        if length is None:
            return []
        check_length((int(length),), direction)
        values: dict[str, Any] = {"top": top, "asked": _text(direction)}
        taken = "direction"
        if centre is not None:
            values |= {"asked": _text(direction - centre), "centre": _text(centre)}
            taken = f"direction OPERATOR({self.schema}.-) CAST(:centre AS {self.schema}.vector)"
        apart = f"OPERATOR({self.schema}.<=>) CAST(:asked AS {self.schema}.vector)"

        def ask(source: str) -> list[tuple[float, int]]:
            rows = connection.execute(
                text(
                    f"SELECT 1 - (({taken}) {apart}) AS cosine, template_id FROM {source} "
                    "JOIN templates ON templates.id = template_id AND superseded IS NULL "
                    "ORDER BY cosine DESC, template_id LIMIT :top"
                ),
                values,
            )
            return [(float(row[0]), int(row[1])) for row in rows]

        if connection.scalar(_GRAPH, {"table": self.table}) is None:
            return ask(self.table)
        near = f"SELECT template_id, direction FROM {self.table} ORDER BY direction {apart}"
        nearest: list[tuple[float, int]] = []
        # those that were replaced since are near as well: more are asked for where some are missing
        for likely in (min(candidates(top, centre), _MOST), _MOST):
            if len(nearest) < top:
                connection.execute(text(f"SET LOCAL hnsw.ef_search = {max(likely, 100)}"))
                nearest = ask(f"({near} LIMIT {likely}) likely")
        return nearest

    def missing(self, connection: Connection) -> Directions:
        """Read the templates in force that are not in the table yet."""
        # rows are numbered in the order in which writers, one at a time, add them
        last = connection.scalar(text(f"SELECT max(template_id) FROM {self.table}"))
        return Directions.read(connection, *self.maker, -1 if last is None else int(last))


def write_directions(connection: Connection, *, approximate: bool) -> dict[str, int]:
    """Make the tables anew; return the number of directions by ``model_id, estimator``.

    Parameters
    ----------
    connection
        A transaction that may write.
    approximate
        Whether a graph joins each: faster, and it may miss somebody.

    Raises
    ------
    GalleryError
        If the gallery is on no PostgreSQL server, or the server does not offer pgvector.
    """
    if connection.dialect.name != "postgresql" or connection.scalar(_OFFERED) is None:
        raise GalleryError(
            "No directions are kept for this gallery; it is searched without them.",
            expected="a SQLite file, or a PostgreSQL server with the extension pgvector",
        )
    if connection.scalar(_SCHEMA) is None:
        connection.execute(text("CREATE EXTENSION vector SCHEMA public"))
    schema = connection.scalar(_SCHEMA)
    drop_directions(connection)
    counts = {}
    for maker in queries.list_makers(connection):
        directions, table = Directions.read(connection, *maker), _name(*maker)
        size = directions.vectors.shape[1]
        connection.execute(
            text(
                f"CREATE TABLE {table} (template_id bigint PRIMARY KEY REFERENCES templates (id) "
                f"ON DELETE CASCADE, direction {schema}.vector({size}) NOT NULL)"
            )
        )
        insert = text(f"INSERT INTO {table} VALUES (:id, CAST(:direction AS {schema}.vector))")
        for start in range(0, len(directions), _AT_ONCE):
            rows = directions.table[start : start + _AT_ONCE]
            given = [{"id": int(row["id"]), "direction": _text(row["vector"])} for row in rows]
            connection.execute(insert, given)
        if approximate:
            kind = f"hnsw (direction {schema}.vector_cosine_ops)"
            connection.execute(text(f"CREATE INDEX {table}_graph ON {table} USING {kind}"))
        counts[", ".join(maker)] = len(directions)
    return counts


def drop_directions(connection: Connection) -> None:
    """Drop all such tables, if it is a gallery on a server."""
    for name in list_tables(connection):
        connection.execute(text(f"DROP TABLE {name}"))


def list_tables(connection: Connection) -> list[str]:
    """Return their names."""
    if connection.dialect.name != "postgresql":
        return []
    return [str(name) for name in connection.scalars(_TABLES)]


def _name(model_id: str, estimator: str) -> str:
    return _PREFIX + maker_digest(model_id, estimator)


def _text(vector: NDArray[Any]) -> str:
    return f"[{','.join(map(str, vector.tolist()))}]"

"""How the tables of a gallery became what they are: one Alembic revision per version.

A revision is named by the number that galleries are stamped with. That stamp stays in the table
``meta`` and in the header of a SQLite file, where it is read before anything in the file is
trusted; Alembic's own table ``alembic_version`` would be one more that a stranger could fill. The
revisions run inside the transaction of the write that needs them, so that a gallery is upgraded
and written to, or neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

_SCRIPTS: Final = Path(__file__).parent


def run(connection: Connection, version: int, target: int) -> None:
    """Run the revisions after `version` up to `target`, 0 being an empty database.

    Parameters
    ----------
    connection
        In a transaction, of which the changes become part.
    version
        That the tables have now.
    target
        That they have afterwards.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory(str(_SCRIPTS)).iterate_revisions(
        str(target), str(version) if version else "base"
    )
    with Operations.context(MigrationContext.configure(connection)):
        for revision in reversed(list(revisions)):
            revision.module.upgrade()

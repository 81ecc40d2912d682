"""What a database says when it fails, as one clear error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from gaitproof.errors import GalleryError
from gaitproof.verify import schema

BACKUP: Final = "restore it from a backup"

_NO_ROOM: Final = ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_IOERR_SHM", "SQLITE_IOERR_WRITE")
"""Beginnings of what SQLite says where it cannot make its files beside the gallery."""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn every error of a database into one GalleryError.

    Parameters
    ----------
    name
        The gallery, as it is shown to people.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explain(name, error.orig) from error
    except sqlite3.Error as error:
        raise _explain(name, error) from error
    except UnicodeError as error:  # in the text of what SQLite says
        raise damaged(name, error) from error


def lacks_room(error: GalleryError) -> bool:
    """Whether the cause is that SQLite could not make its files beside the gallery."""
    cause = error.__cause__
    code = getattr(cause.orig if isinstance(cause, DBAPIError) else cause, "sqlite_errorname", "")
    return str(code).startswith(_NO_ROOM)


def read_only(name: str, place: str) -> GalleryError:
    """Say that a gallery cannot be written, since a file or folder is read-only."""
    return GalleryError(
        f"The gallery {name} is read-only.",
        actual=f"{place} cannot be written",
        hint="a gallery in a folder of your own; a read-only one can still be verified against",
    )


def wrong_version(name: str, version: str) -> GalleryError:
    """Say that another release made a gallery."""
    return GalleryError(
        f"{name} is a gallery of another version.",
        expected="version " + " or ".join(map(str, schema.READABLE_VERSIONS)),
        actual=f"version {version}",
        hint="the gaitproof release that made it, and its 'gallery export'",
    )


def damaged(name: str, detail: object) -> GalleryError:
    """Say that a file is no longer what was written."""
    return GalleryError(f"The gallery {name} is damaged.", actual=str(detail), hint=BACKUP)


def _explain(name: str, error: Any) -> GalleryError:
    if hasattr(error, "sqlstate"):
        return _explain_server(name, str(error.sqlstate or ""), error)
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_READONLY"):
        return read_only(name, "the file")
    if code.startswith("SQLITE_BUSY"):
        return _busy(name)
    if code == "SQLITE_FULL" or code.startswith("SQLITE_IOERR"):
        return GalleryError(
            f"The gallery {name} could not be written or read; it is unchanged.",
            actual=f"the disk is full or failing ({error})",
            hint="free disk space",
        )
    if code.startswith("SQLITE_CANTOPEN"):
        return GalleryError(
            f"The gallery {name} cannot be opened.",
            actual=str(error),
            hint="check that the file and its folder may be read and written; a gallery with "
            "unfinished writes must be opened once where it can be written",
        )
    if code == "SQLITE_INTERRUPT":
        return damaged(name, "a search that does not end")
    if code.startswith("SQLITE_CORRUPT") or code == "SQLITE_NOTADB":
        return damaged(name, error)
    return GalleryError(f"The gallery {name} cannot be used.", actual=str(error), hint=BACKUP)


def _explain_server(name: str, state: str, error: object) -> GalleryError:
    """Explain by the state that PostgreSQL reports (its manual, appendix A); "": no connection."""
    if state in ("25006", "42501"):
        return read_only(name, "the database")
    if state == "55P03":
        return _busy(name)
    if not state or state.startswith(("08", "28", "3D", "57P")):
        return GalleryError(
            f"The gallery {name} cannot be reached.",
            actual=str(error),
            hint="check that the server runs, and that the user, database and password are right; "
            "passwords are read from PGPASSFILE or PGPASSWORD",
        )
    if state.startswith("53"):
        return GalleryError(
            f"The gallery {name} could not be written or read; it is unchanged.",
            actual=str(error),
            hint="free disk space, memory or connections of the server",
        )
    return GalleryError(f"The gallery {name} cannot be used.", actual=str(error), hint=BACKUP)


def _busy(name: str) -> GalleryError:
    return GalleryError(
        f"The gallery {name} is busy.",
        actual="another process has been writing for too long",
        hint="again when it has finished",
    )

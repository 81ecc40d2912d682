"""Who asked what: entries that each hold the hash of the one before.

Whoever changes, removes or inserts an entry has to change every later hash, and the last one, if it
was noted elsewhere, gives that away.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, insert, select

from gaitproof.server.access import Principal
from gaitproof.server.database import AUDIT

GENESIS: Final = "0" * 64
"""What stands for the hash before the first entry."""


@dataclass(frozen=True)
class AuditCheck:
    """What the check of a log found.

    Parameters
    ----------
    entries
        Number of entries that are as they were written.
    head
        Hash of the last of them.
    fault
        What is wrong with the next; empty if nothing is.
    """

    entries: int
    head: str
    fault: str = ""


class AuditLog:
    """Appends entries and reads them back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, action: str, *, tenant: str, key: str, **details: Any) -> None:
        """Write down that something was asked for; it is on disk when this returns."""
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tenant": tenant,
            "key": key,
            "action": action,
            **details,
        }
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE audit IN EXCLUSIVE MODE")
            last = connection.execute(
                select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
            ).first()
            number, before = (0, GENESIS) if last is None else (last[0] + 1, last[1])
            connection.execute(
                insert(AUDIT).values(number=number, entry=text, hash=_chain(number, before, text))
            )

    def note(self, action: str, who: Principal, **details: Any) -> None:
        """Write down that a known client asked for something."""
        self.add(action, tenant=who.tenant, key=who.key, **details)

    def read(
        self, tenant: str, *, before: int | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return a tenant's latest entries, newest first, each with its number and hash."""
        entries: list[dict[str, Any]] = []
        query = select(AUDIT).order_by(AUDIT.c.number.desc())
        if before is not None:
            query = query.where(AUDIT.c.number < before)
        with self._engine.begin() as connection:
            for row in connection.execute(query).mappings():
                entry = json.loads(row["entry"])
                if entry["tenant"] == tenant:
                    entries.append({"number": row["number"], **entry, "hash": row["hash"]})
                if len(entries) == limit:
                    break
        return entries

    def check(self, head: str | None = None) -> AuditCheck:
        """Compute every hash again.

        Parameters
        ----------
        head
            Hash that some entry must have: one that was noted earlier. Without it nobody can tell
            whether the last entries were cut off.
        """
        before, count, seen = GENESIS, 0, head in (None, GENESIS)
        with self._engine.begin() as connection:
            for row in connection.execute(select(AUDIT).order_by(AUDIT.c.number)).mappings():
                if row["number"] != count:
                    return AuditCheck(count, before, f"entry {count} is missing")
                if row["hash"] != _chain(count, before, row["entry"]):
                    return AuditCheck(count, before, f"entry {count} was changed")
                before, count = row["hash"], count + 1
                seen = seen or before == head
        fault = "" if seen else "no entry has the hash that was noted: entries were cut off"
        return AuditCheck(count, before, fault)


def _chain(number: int, before: str, entry: str) -> str:
    return hashlib.sha256(f"{number}\n{before}\n{entry}".encode()).hexdigest()

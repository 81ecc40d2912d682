"""Who may do what: API keys, roles, tenants, and sessions of the web page."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel
from sqlalchemy import Engine, delete, func, insert, select, update

from gaitproof.errors import ConfigError, InputError
from gaitproof.server.database import KEYS, SESSIONS, make_room
from gaitproof.server.settings import DEFAULT_TENANT, TENANT

_KEY: Final = re.compile(r"gp_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_MAX_LABEL: Final = 100


class Role(StrEnum):
    """What a key may do; each role may do what those before it may."""

    VERIFY = "verify"
    """Examine videos, and see who is enrolled."""
    ENROLL = "enrol"
    """Enrol people, and remove them."""
    ADMIN = "admin"
    """Make and revoke the tenant's keys, and read its audit log."""

    def covers(self, other: Role) -> bool:
        """Whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Parameters
    ----------
    tenant
        Whose gallery and jobs they see.
    role
        What they may do.
    key
        Identifier of their key; empty where no keys are needed.
    csrf
        Of a session of the page: what its changing requests must bring along.
    """

    tenant: str
    role: Role
    key: str
    csrf: str = ""


class KeyAnswer(BaseModel, frozen=True):
    """A key, without the key itself."""

    id: str
    tenant: str
    role: Role
    label: str
    created: float
    revoked: float | None = None


NOBODY: Final = Principal(DEFAULT_TENANT, Role.ADMIN, "")
"""Who asks where no keys are needed: on this machine, before the first key is made."""


def check_tenant(name: str) -> str:
    """Return a tenant's name.

    Raises
    ------
    ConfigError
        If it is not allowed.
    """
    if not re.fullmatch(TENANT, name):
        raise ConfigError(
            f"{name!r} is no name of a tenant.",
            expected="1 to 32 lower-case letters, digits and hyphens, a letter or digit first",
        )
    return name


class Access:
    """Keys and sessions in the database. Secrets are never stored, only their SHA-256.

    A secret has 256 random bits, so that nothing slower than SHA-256 is needed to hide it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_key(self, tenant: str, role: Role, label: str = "") -> tuple[KeyAnswer, str]:
        """Make a key; return what may be told about it, and the key, which is shown only now.

        Raises
        ------
        ConfigError
            If the tenant's name is not allowed.
        InputError
            If the label is too long or not printable.
        """
        check_tenant(tenant)
        if len(label) > _MAX_LABEL or not label.isprintable():
            raise InputError(
                "The label of a key cannot be used.",
                expected=f"at most {_MAX_LABEL} printable characters",
            )
        make_room(self._engine, tenant)
        name = secrets.token_hex(6)
        key = f"gp_{name}_{secrets.token_urlsafe(32)}"
        info = KeyAnswer(id=name, tenant=tenant, role=role, label=label, created=time.time())
        with self._engine.begin() as connection:
            connection.execute(
                insert(KEYS).values(**info.model_dump(mode="json"), digest=_digest(key))
            )
        return info, key

    def keys(self, tenant: str | None = None) -> list[KeyAnswer]:
        """List the keys of a tenant, or all, oldest first."""
        query = select(KEYS).order_by(KEYS.c.created)
        if tenant is not None:
            query = query.where(KEYS.c.tenant == tenant)
        with self._engine.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [KeyAnswer(**row) for row in rows]

    def tenants(self) -> set[str]:
        """Return the tenants that have keys in force."""
        query = select(KEYS.c.tenant).where(KEYS.c.revoked.is_(None)).distinct()
        with self._engine.begin() as connection:
            return set(connection.scalars(query))

    def revoke(self, name: str, tenant: str | None = None) -> bool:
        """End a key and its sessions at once; False if there is no such key in force."""
        matches = (KEYS.c.id == name) & KEYS.c.revoked.is_(None)
        if tenant is not None:
            matches &= KEYS.c.tenant == tenant
        with self._engine.begin() as connection:
            changed = connection.execute(update(KEYS).where(matches).values(revoked=time.time()))
            if changed.rowcount:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.key == name))
        return bool(changed.rowcount)

    def any_key(self) -> bool:
        """Whether a key was ever made: then nobody is let in without one."""
        with self._engine.begin() as connection:
            return bool(connection.scalar(select(func.count()).select_from(KEYS)))

    def identify(self, key: str) -> Principal | None:
        """Return whose key it is; None if it is none, or revoked."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        with self._engine.begin() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == match[1])).mappings().first()
        if row is None or not hmac.compare_digest(row["digest"], _digest(key)):
            return None
        if row["revoked"] is not None:
            return None
        return Principal(row["tenant"], Role(row["role"]), row["id"])

    def open_session(self, key: str, seconds: float) -> tuple[Principal, str] | None:
        """Begin a session of the page; return who it is and the cookie. None if the key is none."""
        principal = self.identify(key)
        if principal is None:
            return None
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        now = time.time()
        with self._engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires < now))
            connection.execute(
                insert(SESSIONS).values(
                    digest=_digest(token), key=principal.key, csrf=csrf, expires=now + seconds
                )
            )
        return Principal(principal.tenant, principal.role, principal.key, csrf), token

    def resume_session(self, token: str) -> Principal | None:
        """Return whose session it is; None if it is none, or over."""
        query = (
            select(KEYS.c.tenant, KEYS.c.role, KEYS.c.id, SESSIONS.c.csrf)
            .join(SESSIONS, SESSIONS.c.key == KEYS.c.id)
            .where(SESSIONS.c.digest == _digest(token))
            .where(SESSIONS.c.expires >= time.time())
            .where(KEYS.c.revoked.is_(None))
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else Principal(row[0], Role(row[1]), row[2], row[3])

    def close_session(self, token: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(token)))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

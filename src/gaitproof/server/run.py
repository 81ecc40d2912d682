"""Run the service on an address of this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import uvicorn

from gaitproof.errors import ConfigError
from gaitproof.server.access import Access
from gaitproof.server.app import create_app
from gaitproof.server.database import open_database
from gaitproof.server.settings import ServiceSettings
from gaitproof.server.workers import COMMAND


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(settings: ServiceSettings, host: str) -> None:
    """Refuse to be reached by others as long as there is no key.

    Raises
    ------
    ConfigError
        If `host` is another address than loopback, or the service has another name, as behind a
        reverse proxy, and no key was ever made.
    """
    if is_loopback(host) and all(is_loopback(name.strip("[]")) for name in settings.hosts):
        return
    engine = open_database(settings.database)
    try:
        if Access(engine).any_key():
            return
    finally:
        engine.dispose()
    raise ConfigError(
        "Others could reach the service, and it has no key yet: anybody would be let in.",
        hint="'gaitproof keys add --role admin' makes the first one",
    )


def serve(
    settings: ServiceSettings, host: str, port: int, command: Sequence[str] = COMMAND
) -> None:
    """Serve until the process is told to stop.

    Raises
    ------
    ConfigError
        See `check_address`.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    check_address(settings, host)
    uvicorn.run(
        create_app(settings, command),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        # a stream that somebody follows must not keep the service from ending
        timeout_graceful_shutdown=5,
    )

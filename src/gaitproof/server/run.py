"""Run the service on an address of this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

import uvicorn

from gaitproof.errors import ConfigError
from gaitproof.media.files import make_folder
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
    settings: ServiceSettings,
    host: str,
    port: int,
    command: Sequence[str] = COMMAND,
    announce: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until the process is told to stop.

    Parameters
    ----------
    settings
        Where and how much.
    host, port
        Where to listen; 0 is a free port.
    command
        Starts a process that works.
    announce
        Called with the address before the first request.

    Raises
    ------
    ConfigError
        See `check_address`; also if nothing can listen there.
    """
    make_folder(settings.folder)
    check_address(settings, host)
    config = uvicorn.Config(
        create_app(settings, command),
        log_level="warning",
        server_header=False,
        # a stream that somebody follows must not keep the service from ending
        timeout_graceful_shutdown=5,
    )
    with _listen(host, port) as listener:
        announce(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"Nothing can listen on port {port} of {host!r}.",
            actual=error.strerror or str(error),
            hint="another port, or stop what listens there",
        ) from error

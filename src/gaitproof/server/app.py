"""The ASGI application: routes, errors, headers, and the page."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import gaitproof
from gaitproof.errors import ConfigError
from gaitproof.media.files import make_folder
from gaitproof.server import problems
from gaitproof.server.access import Access
from gaitproof.server.database import open_database
from gaitproof.server.guards import SAFE_METHODS
from gaitproof.server.metrics import Metrics
from gaitproof.server.problems import RESPONSES, Problem, make_problem
from gaitproof.server.routes import access, asking, gallery, health, jobs, videos
from gaitproof.server.settings import ServiceSettings
from gaitproof.server.state import Service
from gaitproof.server.workers import COMMAND, LOGGER

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What the page may load: its own files, and nothing from anywhere else."""

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

_MAX_BODY: Final = 64 * 2**10
"""Bytes of a request, other than an upload."""

UPLOADS: Final = "/v1/videos"
"""Where videos are sent to, which have a limit of their own."""

_SWEEP_EVERY: Final = 5.0
"""Seconds between two looks for what is to be deleted."""


class Shield:
    """Refuses what no honest client sends, and tells browsers what is not allowed.

    A web page elsewhere can make a browser ask this service under a name of its own, or without
    asking for permission first: the names it may have are known, and a request that changes
    something and says where it comes from must come from here.

    Parameters
    ----------
    app
        Behind it.
    hosts
        Names of this service, without port.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.monotonic() - begun
                metrics: Metrics = scope["app"].state.service.metrics
                metrics.request(scope["method"], message["status"], seconds)
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        fault = self._fault(scope["method"], scope["path"], Headers(scope=scope))
        answer = self._app if fault is None else problems.respond(fault)
        bounded = receive if scope["path"] == UPLOADS else _bounded(receive)
        await answer(scope, bounded, send_with_headers)

    def _fault(self, method: str, path: str, headers: Headers) -> Problem | None:
        length = headers.get("content-length", "")
        if path != UPLOADS and length.isdecimal() and int(length) > _MAX_BODY:
            return make_problem(
                413,
                "too-large",
                "The request is too large.",
                title="Too large",
                expected=f"at most {_MAX_BODY} bytes",
            )
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name.lower() not in self._hosts:
            return make_problem(
                400,
                "host",
                "This service is not known by that name.",
                title="Wrong host",
                hint="start it with --name NAME",
            )
        origin = headers.get("origin")
        if origin is None or method in SAFE_METHODS:
            return None
        if urlsplit(origin).netloc.lower() != host.lower():
            return make_problem(
                403,
                "origin",
                "The request comes from a page of another site.",
                title="Wrong origin",
            )
        return None


def _bounded(receive: Receive) -> Receive:
    """Return a way to receive a body whose length was not told, up to `_MAX_BODY`."""
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > _MAX_BODY:
            raise HTTPException(413, f"The request has more than {_MAX_BODY} bytes.")
        return message

    return receive_bounded


def create_app(settings: ServiceSettings, command: Sequence[str] = COMMAND) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    settings
        Where and how much.
    command
        Starts a process that works.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = await run_in_threadpool(Service(settings, command).open)
        app.state.service = service
        sweeper = asyncio.create_task(_sweep(service))
        try:
            yield
        finally:
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper
            await run_in_threadpool(service.close)

    app = FastAPI(
        title="gaitproof",
        summary="Does a video really show the person it claims to show?",
        version=gaitproof.__version__,
        openapi_url="/v1/openapi.json",
        # their pages load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problems.install(app)
    api = APIRouter(prefix="/v1", responses=RESPONSES)
    app.include_router(health.router)
    app.include_router(health.metrics)
    for part in (access, videos, asking, jobs, gallery):
        api.include_router(part.router)
    app.include_router(api)
    app.add_middleware(Shield, hosts=settings.hosts)
    with as_file(files("gaitproof.server.page") / "static") as folder:
        if Path(folder).is_dir():
            app.mount("/", StaticFiles(directory=folder, html=True), name="page")
    return app


async def _sweep(service: Service) -> None:
    while True:
        try:
            await run_in_threadpool(service.sweep)
        except Exception:
            LOGGER.exception("What is over could not be deleted.")
        await asyncio.sleep(_SWEEP_EVERY)


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
